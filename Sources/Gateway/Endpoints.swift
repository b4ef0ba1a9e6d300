import Base
import Fabric
import HTTPServer
import Wire

/// The endpoints of the services: finds whom a request is for.
struct Endpoints: Sendable {
  private let byLabel: [String: WebEndpoint]
  private let byPath: [String: WebEndpoint]

  init(_ endpoints: [WebEndpoint]) {
    byLabel = Dictionary(endpoints.map { ($0.label, $0) }, uniquingKeysWith: { first, _ in first })
    byPath = Dictionary(endpoints.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// An endpoint as a request names it.
  struct Address {
    var endpoint: WebEndpoint
    var id: String
    var region: Region?
    /// The request's, without what named the endpoint.
    var path: String
  }

  /// Nil for a request to an API, a page or nobody.
  func address(_ head: HTTPRequestHead) -> Address? {
    if byLabel.isEmpty { return nil }
    let path = String(head.target.prefix { $0 != "?" })
    if let host = EndpointHost(head.headers["host"]), let endpoint = byLabel[host.label] {
      return Address(endpoint: endpoint, id: host.id, region: host.region, path: path)
    }
    return byPath(path)
  }

  /// `/_dewpoint/PATH/ID/…`
  private func byPath(_ path: String) -> Address? {
    guard path.hasPrefix(Self.prefix) else { return nil }
    let parts = path.dropFirst(Self.prefix.count).split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count > 1, !parts[1].isEmpty, let endpoint = byPath[String(parts[0])] else { return nil }
    return Address(endpoint: endpoint, id: parts[1].lowercased(), region: nil, path: "/" + (parts.count > 2 ? parts[2] : ""))
  }
  private static let prefix = "/_dewpoint/"
}

extension WebAnswer {
  var response: HTTPResponse {
    switch body {
    case .bytes(let bytes): HTTPResponse(status: status, headers: headers, body: bytes)
    case .stream(let produce):
      HTTPResponse(status: status, headers: headers, body: .stream { writer in try await produce { try await writer.write($0) } })
    }
  }
}
