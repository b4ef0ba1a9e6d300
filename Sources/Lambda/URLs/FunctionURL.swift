import Base

/// The HTTP address of a function or of one of its aliases (AWS: "Creating and managing Lambda function URLs").
struct FunctionURL: Sendable, Equatable {
  enum Authentication: String, Sendable { case none = "NONE", iam = "AWS_IAM" }
  enum InvokeMode: String, Sendable { case buffered = "BUFFERED", stream = "RESPONSE_STREAM" }

  /// The first label of its host name: 32 letters and digits.
  var id: String
  var function: FunctionID
  /// An alias; nil for the function itself.
  var qualifier: String?
  var authentication: Authentication
  var invokeMode: InvokeMode
  var cors: URLCors?
  var createdAt: Instant
  var modifiedAt: Instant

  static let idLength = 32
  static let idAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

  var name: FunctionName { FunctionName(id: function, qualifier: qualifier) }
  var arn: String { name.arn }

  /// Where clients reach it: below the name by which they call us, or by path where names below it lead nowhere.
  /// - Parameter endpoint: `http://localhost:4566`, as the client named us.
  func text(endpoint: String) -> String {
    let parts = endpoint.split(separator: "/", omittingEmptySubsequences: true)
    let scheme = parts.first.map(String.init) ?? "http:"
    let authority = parts.count > 1 ? String(parts[1]) : "localhost"
    let colon = authority.lastIndex(of: ":").flatMap { authority[$0...].dropFirst().allSatisfy(\.isNumber) ? $0 : nil }
    let host = (colon.map { String(authority[..<$0]) } ?? authority).lowercased(), port = colon.map { String(authority[$0...]) } ?? ""
    guard let suffix = Self.suffix(host) else { return "\(scheme)//\(authority)/_dewpoint/\(Self.path)/\(id)/" }
    return "\(scheme)//\(id).\(Self.label).\(function.region).\(suffix)\(port)/"
  }
  static let label = "lambda-url"
  /// Of the second way to it: `/_dewpoint/url/ID/…`.
  static let path = "url"

  /// Below which name the URLs of a server lie that is called by this one.
  private static func suffix(_ host: String) -> String? {
    if host.hasSuffix(".localhost.localstack.cloud") || host == "localhost.localstack.cloud" { return "localhost.localstack.cloud" }
    if host.hasSuffix(".amazonaws.com") || host.hasSuffix(".on.aws") { return "on.aws" }
    let isLoopback = host == "[::1]" || host.hasPrefix("127.") && host.utf8.allSatisfy { $0 == 46 || (48...57).contains($0) }
    return host == "localhost" || host.hasSuffix(".localhost") || isLoopback ? "localhost" : nil
  }
}
