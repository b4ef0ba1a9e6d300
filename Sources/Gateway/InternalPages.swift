import Base
import Fabric
import HTTPServer

/// Serves the pages under `/_dewpoint/`.
public struct InternalPages: Sendable {
  private var table: [String: InternalPage] = [:]

  public init(_ pages: [InternalPage]) {
    for page in pages {
      precondition(table.updateValue(page, forKey: "/_dewpoint/\(page.path)") == nil, "page \(page.path) is registered twice")
    }
  }

  /// Nil when the path is not one of ours.
  func answer(_ request: HTTPRequest, path: String, query: String) async -> HTTPResponse? {
    guard path.hasPrefix("/_dewpoint/") else { return nil }
    let isReading = request.method == "GET" || request.method == "HEAD"
    guard isReading || Self.isFromHere(request) else {
      return Self.response(.message(403, "Changes are only accepted from the machine that the server runs on."))
    }
    guard let page = table[path] ?? path.lastIndex(of: "/").flatMap({ table[String(path[...$0])] }) else {
      return Self.response(.message(404, "There is no page \(path)."))
    }
    guard page.audience == .everybody || Self.isFromHere(request) else {
      return Self.response(.message(403, "This page is only shown on the machine that the server runs on."))
    }
    do {
      return Self.response(
        try await page.answer(PageRequest(method: request.method, path: path, query: query, body: request.body)))
    } catch let error as AWSError {
      return Self.response(.message(error.status ?? 400, error.message))
    } catch {
      return Self.response(.message(500, "\(error)"))
    }
  }

  /// These pages know no keys, so only who has a way to this machine's loopback may see inside or change things: neither the
  /// network of a server that is open to it, nor a function in its sandbox, which comes in by a listener of its own.
  private static func isFromHere(_ request: HTTPRequest) -> Bool {
    guard request.listener == frontListener else { return false }
    guard let address = request.remoteAddress else { return true }
    return address.hasPrefix("127.") || address == "::1" || address.hasPrefix("::ffff:127.")
  }
  /// The label of the listeners that the operator opened.
  static let frontListener = "api"

  private static func response(_ answer: PageAnswer) -> HTTPResponse {
    HTTPResponse(status: answer.status, headers: ["content-type": answer.contentType], body: .bytes(answer.body))
  }
}

extension PageAnswer {
  /// An answer that says why there is no other.
  public static func message(_ status: Int, _ text: String) -> Self { .json(["message": .string(text)], status: status) }
}
