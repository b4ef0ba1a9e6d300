import Base
import Fabric
import HTTPServer

/// Serves the pages for people and tools of this server, most of them under `/_dewpoint/`.
public struct InternalPages: Sendable {
  private var table: [String: InternalPage] = [:]

  public init(_ pages: [InternalPage]) {
    for page in pages {
      let path = page.path.hasPrefix("/") ? page.path : "/_dewpoint/\(page.path)"
      precondition(Self.isPage(path), "page \(path) could hide an API")
      precondition(table.updateValue(page, forKey: path) == nil, "page \(path) is registered twice")
    }
  }

  /// Pages begin with `/_` or `/moto-api/`; no AWS API has such a path. Asked for every request.
  static func isPage(_ target: String) -> Bool {
    var bytes = target.utf8.makeIterator()
    guard bytes.next() == UInt8(ascii: "/"), let first = bytes.next() else { return false }
    return first == UInt8(ascii: "_") || first == UInt8(ascii: "m") && target.hasPrefix("/moto-api/")
  }

  func page(_ path: String) -> InternalPage? {
    table[path] ?? path.lastIndex(of: "/").flatMap { table[String(path[...$0])] }
  }

  /// What becomes of the body of a request to a page.
  func admission(_ target: String) -> HTTPAdmission {
    let path = String(target.prefix { $0 != "?" })
    return page(path)?.takesStream == true ? .stream(over: 0, upTo: .max) : .collect(upTo: 8 << 20)
  }

  /// Nil when the path is not one of ours.
  func answer(_ request: HTTPRequest, path: String, query: String) async -> HTTPResponse? {
    guard Self.isPage(path) else { return nil }
    guard let page = page(path) else {
      return path.hasPrefix("/_dewpoint/") ? Self.response(.message(404, "There is no page \(path).")) : nil
    }
    let isReading = request.method == "GET" || request.method == "HEAD"
    guard isReading || Self.isFromHere(request) else {
      return Self.response(.message(403, "Changes are only accepted from the machine that the server runs on."))
    }
    guard page.audience == .everybody || Self.isFromHere(request) else {
      return Self.response(.message(403, "This page is only shown on the machine that the server runs on."))
    }
    do {
      return Self.response(try await page.answer(Self.pageRequest(request, path, query)))
    } catch let error as AWSError {
      return Self.response(.message(error.status ?? 400, error.message))
    } catch {
      return Self.response(.message(500, "\(error)"))
    }
  }

  private static func pageRequest(_ request: HTTPRequest, _ path: String, _ query: String) -> PageRequest {
    let accept = request.headers["accept"]
    guard let stream = request.bodyStream else {
      return PageRequest(method: request.method, path: path, query: query, accept: accept, body: request.body)
    }
    return PageRequest(method: request.method, path: path, query: query, accept: accept) {
      var pieces = stream.makeAsyncIterator()
      return try await pieces.next()
    }
  }

  /// These pages know no keys, so only who has a way to this machine's loopback may see inside or change things: neither the
  /// network of a server that is open to it, nor a function in its sandbox, which comes in by a listener of its own, nor a user whose
  /// subscription or API destination has the server call itself.
  private static func isFromHere(_ request: HTTPRequest) -> Bool {
    guard !request.isForUser else { return false }
    guard let address = request.remoteAddress else { return true }
    return address.hasPrefix("127.") || address == "::1" || address.hasPrefix("::ffff:127.")
  }
  /// The label of the listeners that the operator opened.
  static let frontListener = "api"

  static func response(_ answer: PageAnswer) -> HTTPResponse {
    let headers: HeaderFields = ["content-type": answer.contentType]
    guard let stream = answer.stream else { return HTTPResponse(status: answer.status, headers: headers, body: .bytes(answer.body)) }
    return HTTPResponse(
      status: answer.status, headers: headers, body: .stream { writer in try await stream { try await writer.write($0) } })
  }
}

extension HTTPRequest {
  /// What sent it has no rights of its own on this machine: a function in its sandbox, or the server on behalf of a user.
  var isForUser: Bool { listener != InternalPages.frontListener || headers[HeaderFields.outgoingMark] != nil }
}

extension PageAnswer {
  /// An answer that says why there is no other.
  public static func message(_ status: Int, _ text: String) -> Self { .json(["message": .string(text)], status: status) }
}
