import Base

/// Keeps web pages out: a local port is reachable by every page in the user's browser, directly or through a name that
/// is made to resolve to 127.0.0.1 (DNS rebinding).
public struct OriginGuard: Sendable {
  private let hosts: Set<String>
  private let origins: Set<String>

  /// - Parameters:
  ///   - hosts: further host names, without port, that this server answers to.
  ///   - origins: browser origins (`https://app.example`) that may call; `*` allows all.
  public init(hosts: [String] = [], origins: [String] = []) {
    self.hosts = Set(hosts.map { $0.lowercased() })
    self.origins = Set(origins.map { $0.lowercased() })
  }

  /// Suffixes of names that clients of AWS use, all of which lead here on purpose.
  private static let suffixes = [
    ".localhost", ".localhost.localstack.cloud", ".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".api.aws",
  ]
  private static let names: Set<String> = ["localhost", "127.0.0.1", "[::1]", "localhost.localstack.cloud", "host.docker.internal"]

  /// Throws `AWSError` 403 for a Host header or a browser origin that is not ours.
  public func check(_ headers: HeaderFields) throws(AWSError) {
    try checkHost(headers)
    if let origin = headers["origin"], !allows(origin: origin) { throw GatewayErrors.foreignOrigin(origin) }
    // Some cross-site requests of browsers carry no Origin (plain GET navigations and images).
    if headers["origin"] == nil, headers["sec-fetch-site"] == "cross-site", !origins.contains("*") {
      throw GatewayErrors.foreignOrigin("cross-site")
    }
  }

  /// Throws `AWSError` 403 for a Host header that is not ours.
  func checkHost(_ headers: HeaderFields) throws(AWSError) {
    let host = headers["host"] ?? ""
    if host.isEmpty || answers(to: Self.withoutPort(host)) { return }
    // Endpoints have names below ours.
    if let endpoint = EndpointHost(host), answers(to: endpoint.suffix) { return }
    throw GatewayErrors.foreignHost(host)
  }

  private func answers(to host: String) -> Bool {
    let host = host.lowercased()
    return Self.names.contains(host) || hosts.contains(host) || host.hasPrefix("127.") && Self.isIPv4(host)
      || Self.suffixes.contains(where: host.hasSuffix)
  }

  private func allows(origin: String) -> Bool {
    let origin = origin.lowercased()
    if origins.contains("*") || origins.contains(origin) { return true }
    guard let scheme = ["http://", "https://"].first(where: origin.hasPrefix) else { return false }
    let host = Self.withoutPort(String(origin.dropFirst(scheme.count)))
    // What a function serves is a page of a stranger.
    if EndpointHost(host) != nil { return false }
    return ["localhost", "127.0.0.1", "[::1]"].contains(host) || host.hasSuffix(".localhost")
  }

  private static func isIPv4(_ text: String) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { $0.utf8.allSatisfy { (48...57).contains($0) } && UInt8($0) != nil }
  }

  static func withoutPort(_ host: String) -> String {
    guard let colon = host.utf8.lastIndex(of: UInt8(ascii: ":")),
      host.utf8[host.utf8.index(after: colon)...].allSatisfy({ $0 >= 48 && $0 <= 57 })
    else { return host }
    return String(host[..<colon])
  }
}
