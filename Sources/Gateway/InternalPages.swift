import Base
import HTTPServer
import Synchronization

/// The pages under `/_dewpoint/`, for people and tools of this server rather than for AWS clients.
public final class InternalPages: Sendable {
  public struct Request: Sendable {
    public var method: String
    public var path: String
    public var query: String
    public var body: [UInt8]
  }
  public typealias Page = @Sendable (Request) async throws -> HTTPResponse

  private let table = Mutex<[String: Page]>([:])
  public init() {}

  /// - Parameter path: below `/_dewpoint/`, for example `health`; with `/` at its end the page serves all that lies below.
  public func add(_ path: String, _ page: @escaping Page) { table.withLock { $0["/_dewpoint/\(path)"] = page } }

  /// Nil when the path is not one of ours.
  func answer(_ request: HTTPRequest, path: String, query: String) async -> HTTPResponse? {
    guard path.hasPrefix("/_dewpoint/") else { return nil }
    guard request.method == "GET" || request.method == "HEAD" || Self.isFromHere(request) else {
      return Self.json(403, ["message": "Changes are only accepted from the machine that the server runs on."])
    }
    guard let page = page(for: path) else {
      return Self.json(404, ["message": .string("There is no page \(path).")])
    }
    do {
      return try await page(Request(method: request.method, path: path, query: query, body: request.body))
    } catch let error as AWSError {
      return Self.json(error.status ?? 400, ["message": .string(error.message)])
    } catch {
      return Self.json(500, ["message": .string("\(error)")])
    }
  }

  private func page(for path: String) -> Page? {
    table.withLock { table in
      table[path] ?? path.lastIndex(of: "/").flatMap { table[String(path[...$0])] }
    }
  }

  /// These pages know no keys, so only who has a way to this machine's loopback may change things: neither the network of a
  /// server that is open to it, nor a function in its sandbox, which comes in by a listener of its own.
  private static func isFromHere(_ request: HTTPRequest) -> Bool {
    guard request.listener == frontListener else { return false }
    guard let address = request.remoteAddress else { return true }
    return address.hasPrefix("127.") || address == "::1" || address.hasPrefix("::ffff:127.")
  }
  /// The label of the listeners that the operator opened.
  static let frontListener = "api"

  public static func json(_ status: Int, _ value: JSON) -> HTTPResponse {
    HTTPResponse(status: status, headers: ["content-type": "application/json"], body: value.bytes + [10])
  }
}
