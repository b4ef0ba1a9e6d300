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

  /// - Parameter path: below `/_dewpoint/`, for example `health`.
  public func add(_ path: String, _ page: @escaping Page) { table.withLock { $0["/_dewpoint/\(path)"] = page } }

  /// Nil when the path is not one of ours.
  func answer(method: String, path: String, query: String, body: [UInt8]) async -> HTTPResponse? {
    guard path.hasPrefix("/_dewpoint/") else { return nil }
    guard let page = table.withLock({ $0[path] }) else {
      return Self.json(404, ["message": .string("There is no page \(path).")])
    }
    do {
      return try await page(Request(method: method, path: path, query: query, body: body))
    } catch let error as AWSError {
      return Self.json(error.status ?? 400, ["message": .string(error.message)])
    } catch {
      return Self.json(500, ["message": .string("\(error)")])
    }
  }

  public static func json(_ status: Int, _ value: JSON) -> HTTPResponse {
    HTTPResponse(status: status, headers: ["content-type": "application/json"], body: value.bytes + [10])
  }
}
