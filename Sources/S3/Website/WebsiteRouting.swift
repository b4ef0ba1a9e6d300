import Base
import Wire

/// What a website does with a request, by its configuration ("Hosting a static website").
struct WebsiteRouting: Sendable {
  struct Redirect: Sendable, Equatable {
    var status: Int
    var location: String
  }
  /// A request as far as routing asks.
  struct Request: Sendable {
    var isSecure: Bool
    var host: String
    /// Decoded, without the leading slash.
    var path: String
    /// As it was sent.
    var query = ""
  }
  private let configuration: WebsiteConfiguration

  init(_ configuration: WebsiteConfiguration) { self.configuration = configuration }

  var errorDocument: String? { configuration.errorDocument?.key }

  /// The object of a path: directories have an index.
  func key(_ path: String) -> String { path.isEmpty || path.hasSuffix("/") ? path + index : path }
  /// The index that a path without a slash at its end would have as a directory.
  func directoryIndex(_ path: String) -> String? { path.isEmpty || path.hasSuffix("/") ? nil : "\(path)/\(index)" }
  private var index: String { configuration.indexDocument?.suffix ?? "" }

  /// What is decided before an object is looked for.
  func redirect(_ request: Request) -> Redirect? {
    if let all = configuration.redirectAllRequestsTo {
      let scheme = all.protocol ?? (request.isSecure ? "https" : "http")
      let query = request.query.isEmpty ? "" : "?" + request.query
      return Redirect(status: 301, location: "\(scheme)://\(all.hostName)/\(Self.encoded(request.path))\(query)")
    }
    return matching(request, error: nil)
  }

  /// What an error leads to.
  func redirect(_ request: Request, after error: Int) -> Redirect? { matching(request, error: error) }

  private func matching(_ request: Request, error: Int?) -> Redirect? {
    for rule in configuration.routingRules ?? [] {
      let condition = rule.condition
      guard condition?.httpErrorCodeReturnedEquals.flatMap({ Int($0) }) == error,
        request.path.begins(with: condition?.keyPrefixEquals ?? "")
      else { continue }
      return redirect(rule.redirect, condition, request)
    }
    return nil
  }

  private func redirect(_ redirect: S3Redirect, _ condition: S3Condition?, _ request: Request) -> Redirect {
    let scheme = redirect.protocol ?? (request.isSecure ? "https" : "http")
    var key = request.path
    if let whole = redirect.replaceKeyWith {
      key = whole
    } else if let prefix = redirect.replaceKeyPrefixWith {
      key = prefix + (String(key.utf8.dropFirst((condition?.keyPrefixEquals ?? "").utf8.count)) ?? "")
    }
    return Redirect(
      status: redirect.httpRedirectCode.flatMap { Int($0) } ?? 301,
      location: "\(scheme)://\(redirect.hostName ?? request.host)/\(Self.encoded(key))")
  }

  /// A header field must not end before its time.
  static func encoded(_ path: String) -> String {
    path.split(separator: "/", omittingEmptySubsequences: false).map { percentEncoded(String($0)) }.joined(separator: "/")
  }
}
