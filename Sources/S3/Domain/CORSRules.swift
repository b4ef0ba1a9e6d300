import Base

/// Which pages of other origins may do what with a bucket.
struct CORSRules: Sendable {
  /// What a browser asks, or what it does.
  struct Request: Sendable {
    var origin: String
    var method: String
    /// In lower case: what it will send beside the simple ones.
    var headers: [String] = []
  }
  private let rules: [CORSRuleShape]

  /// Of a configuration that was checked when it was put.
  init(_ configuration: S3CORSConfiguration) { rules = configuration.corsRules }

  /// Throws MalformedXML and InvalidRequest.
  static func check(_ configuration: S3CORSConfiguration) throws(AWSError) {
    guard (1...S3Limits.corsRules).contains(configuration.corsRules.count) else { throw S3Error.malformedXML }
    for rule in configuration.corsRules {
      guard !rule.allowedMethods.isEmpty, !rule.allowedOrigins.isEmpty else { throw S3Error.malformedXML }
      for method in rule.allowedMethods where !methods.contains(method) {
        throw S3Error.invalidRequest("Found unsupported HTTP method in CORS config. Unsupported method is \(method)")
      }
      for origin in rule.allowedOrigins where stars(origin) > 1 {
        throw S3Error.invalidRequest("AllowedOrigin \"\(origin)\" can not have more than one wildcard.")
      }
      for header in rule.allowedHeaders ?? [] where stars(header) > 1 {
        throw S3Error.invalidRequest("AllowedHeader \"\(header)\" can not have more than one wildcard.")
      }
      for header in rule.exposeHeaders ?? [] where header.contains("*") {
        throw S3Error.invalidRequest(
          "ExposeHeader \"\(header)\" contains wildcard. We currently do not support wildcard for ExposeHeader.")
      }
      if let id = rule.id, id.unicodeScalars.count > 255 { throw S3Error.invalidRequest("The ID of a CORS rule is too long.") }
    }
  }
  private static func stars(_ pattern: String) -> Int { pattern.utf8.count(where: { $0 == UInt8(ascii: "*") }) }
  private static let methods: Set = ["GET", "PUT", "HEAD", "POST", "DELETE"]

  /// The header fields that let the page see the answer, by the first rule that fits; nil when none does.
  /// - Parameter isPreflight: the browser asks before it acts.
  func answer(_ request: Request, isPreflight: Bool) -> HeaderFields? {
    guard let rule = rules.first(where: { Self.fits($0, request) }) else { return nil }
    var fields: HeaderFields = [:]
    let isForAll = rule.allowedOrigins.contains("*")
    fields["access-control-allow-origin"] = isForAll ? "*" : request.origin
    fields["access-control-allow-methods"] = rule.allowedMethods.joined(separator: ", ")
    if isPreflight, !request.headers.isEmpty { fields["access-control-allow-headers"] = request.headers.joined(separator: ", ") }
    if let exposed = rule.exposeHeaders, !exposed.isEmpty {
      fields["access-control-expose-headers"] = exposed.joined(separator: ", ")
    }
    if let age = rule.maxAgeSeconds { fields["access-control-max-age"] = "\(age)" }
    if !isForAll { fields["access-control-allow-credentials"] = "true" }
    fields["vary"] = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
    return fields
  }

  private static func fits(_ rule: CORSRuleShape, _ request: Request) -> Bool {
    rule.allowedMethods.contains(request.method)
      && rule.allowedOrigins.contains { WildcardText.matches(request.origin, star: $0) }
      && request.headers.allSatisfy { header in
        rule.allowedHeaders?.contains { WildcardText.matches(header.lowercased(), star: $0.lowercased()) } ?? false
      }
  }
}

extension WildcardText {
  /// Only `*` stands for something else, and there is one at most.
  static func matches(_ text: String, star pattern: String) -> Bool {
    guard let star = pattern.utf8.firstIndex(of: UInt8(ascii: "*")) else { return text.isExactly(pattern) }
    let (before, after) = (pattern[..<star], pattern[pattern.utf8.index(after: star)...])
    return text.utf8.count >= before.utf8.count + after.utf8.count && text.begins(with: before) && text.ends(with: after)
  }
}
