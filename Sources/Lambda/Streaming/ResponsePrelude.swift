import Base

/// Reads the beginning of a streamed HTTP response: JSON with status, headers and cookies, eight NUL bytes, then the body
/// (AWS: "Building a custom runtime", `application/vnd.awslambda.http-integration-response`).
struct ResponsePrelude: Sendable {
  static let contentType = "application/vnd.awslambda.http-integration-response"
  private static let separator = 8
  /// Our own bound: as much as a client may send of headers to us.
  static let maximumBytes = 64 << 10

  private var bytes: [UInt8] = []
  /// Before this index no separator begins.
  private var searched = 0

  /// Nothing has come yet.
  var isEmpty: Bool { bytes.isEmpty }

  /// Nil until the separator has come; then the head, and what has come of the body.
  mutating func feed(_ piece: [UInt8]) throws(URLResponse.Malformed) -> URLResponse? {
    bytes += piece
    guard let end = separatorIndex() else {
      if bytes.count > Self.maximumBytes + Self.separator { throw .init(reason: "the prelude is too long") }
      return nil
    }
    guard end <= Self.maximumBytes else { throw .init(reason: "the prelude is too long") }
    let json: JSON
    do { json = try JSON.parse(Array(bytes[..<end])) } catch { throw .init(reason: "the prelude is no JSON: \(error)") }
    guard let object = json.object else { throw .init(reason: "the prelude is no object") }
    var response = try URLResponse.head(object)
    if response.headers["content-type"] == nil { response.headers["content-type"] = "application/octet-stream" }
    response.body = Array(bytes[(end + Self.separator)...])
    return response
  }

  private mutating func separatorIndex() -> Int? {
    var index = searched
    while index + Self.separator <= bytes.count {
      // From behind: a byte that is not NUL rules out all that would reach over it.
      guard let other = bytes[index..<(index + Self.separator)].lastIndex(where: { $0 != 0 }) else { return index }
      index = other + 1
    }
    searched = index
    return nil
  }
}
