import Base

/// What a page of another origin wants of a resource, or asks whether it may.
public struct CrossOriginRequest: Sendable {
  public var origin: String
  public var method: String
  /// In lower case: what the page will send beside the simple ones; only a preflight tells.
  public var headers: [String]
  /// The browser asks before it acts.
  public var isPreflight: Bool

  public init(origin: String, method: String, headers: [String] = [], isPreflight: Bool) {
    (self.origin, self.method, self.headers, self.isPreflight) = (origin, method, headers, isPreflight)
  }
}

public enum CrossOriginDecision: Sendable {
  /// The header fields that let the page see the answer.
  case allowed(HeaderFields)
  /// What the preflight is answered; another request goes on, without the page seeing its answer.
  case refused(AWSError)
}

/// Resources that decide themselves which origins may use them: S3's buckets.
public protocol CrossOriginPort: Sendable {
  /// - Parameter resource: the bucket.
  func decide(_ request: CrossOriginRequest, for resource: String) async -> CrossOriginDecision
}
