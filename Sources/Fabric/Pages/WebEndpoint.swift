import Base

/// What a service answers to any HTTP request under host names of its own, `ID.LABEL.REGION.SUFFIX`, or by a path where such names
/// do not lead here. Function URLs are such; who may call, browsers included, is the endpoint's to decide.
public struct WebEndpoint: Sendable {
  /// The second label of the names, for example `lambda-url`.
  public var label: String
  /// The same by path: `/_dewpoint/PATH/ID/…`.
  public var path: String
  /// The API whose signatures callers send.
  public var service: String
  /// What requests are counted as, in the manner of an operation.
  public var operation: String
  /// Of a request, in bytes; `tooLarge` answers a larger one.
  public var maximumBody: Int
  public var tooLarge: WebAnswer
  public var answer: @Sendable (WebRequest) async -> WebAnswer

  public init(
    label: String, path: String, service: String, operation: String, maximumBody: Int, tooLarge: WebAnswer,
    answer: @escaping @Sendable (WebRequest) async -> WebAnswer
  ) {
    (self.label, self.path, self.service, self.operation) = (label, path, service, operation)
    (self.maximumBody, self.tooLarge, self.answer) = (maximumBody, tooLarge, answer)
  }
}

/// A request to an endpoint.
public struct WebRequest: Sendable {
  /// Whom the host name or the path names, in lower case.
  public var id: String
  /// Nil when the endpoint was named by its path.
  public var region: Region?
  public var method: String
  /// As it was sent, percent-encoding included; without what named the endpoint.
  public var path: String
  /// As it was sent, without the question mark.
  public var query: String
  public var headers: HeaderFields
  public var body: [UInt8]
  /// Of the client, without its port; nil for sockets that have none.
  public var address: String?
  public var isSecure: Bool
  public var requestID: String
  /// Facts of the request that policies may test, by lower-case key.
  public var conditionValues: [String: [String]]
  /// Who signed the request; nil when nobody did. Throws `AWSError` for a signature that is not good.
  public var identify: @Sendable () async throws -> WebCaller?

  public init(
    id: String, region: Region?, method: String, path: String, query: String = "", headers: HeaderFields = [:], body: [UInt8] = [],
    address: String? = nil, isSecure: Bool = false, requestID: String, conditionValues: [String: [String]] = [:],
    identify: @escaping @Sendable () async throws -> WebCaller? = { nil }
  ) {
    (self.id, self.region, self.method, self.path, self.query) = (id, region, method, path, query)
    (self.headers, self.body, self.address, self.isSecure) = (headers, body, address, isSecure)
    (self.requestID, self.conditionValues, self.identify) = (requestID, conditionValues, identify)
  }
}

/// Who signed a request to an endpoint.
public struct WebCaller: Sendable {
  public var principal: Principal
  public var accessKeyID: String
  /// Of the scope of the signature.
  public var region: Region
  public var conditionValues: [String: [String]]
  public init(principal: Principal, accessKeyID: String, region: Region, conditionValues: [String: [String]] = [:]) {
    (self.principal, self.accessKeyID, self.region, self.conditionValues) = (principal, accessKeyID, region, conditionValues)
  }
}

public struct WebAnswer: Sendable {
  public typealias Write = @Sendable ([UInt8]) async throws -> Void
  public enum Body: Sendable {
    case bytes([UInt8])
    /// Written piece by piece; what is thrown cuts the connection off, so that the client sees that the end is missing.
    case stream(@Sendable (_ write: @escaping Write) async throws -> Void)
  }
  public var status: Int
  public var headers: HeaderFields
  public var body: Body

  public init(status: Int, headers: HeaderFields = [:], body: Body) {
    (self.status, self.headers, self.body) = (status, headers, body)
  }
}
