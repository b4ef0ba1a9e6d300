import Base
import NIOCore

/// Status line and header fields, written as bytes in one go.
struct ResponseHead {
  enum Length {
    case exactly(Int)
    /// The `content-length` of the response's own fields, if it has one.
    case declared
    case chunked
    case none
  }
  enum ConnectionField { case absent, close, keepAlive }

  var status: Int
  var headers: HeaderFields
  var length: Length
  var connection: ConnectionField
  var date: [UInt8]

  /// Enough bytes for `encode`.
  var capacity: Int {
    headers.fields.reduce(64 + 48 + 64 + 28) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
  }

  func encode(into buffer: inout ByteBuffer) {
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { raw in
      var out = Cursor(raw)
      out.append(statusLine(status))
      for field in headers.fields where isOurs(field.name) == false {
        out.append(text: field.name)
        out.append(": ")
        out.append(text: field.value)
        out.append("\r\n")
      }
      out.append("date: ")
      out.append(date)
      switch length {
      case .exactly(let count):
        out.append("\r\ncontent-length: ")
        out.append(decimal: count)
      case .chunked: out.append("\r\ntransfer-encoding: chunked")
      case .declared, .none: break
      }
      switch connection {
      case .absent: out.append("\r\n\r\n")
      case .close: out.append("\r\nconnection: close\r\n\r\n")
      case .keepAlive: out.append("\r\nconnection: keep-alive\r\n\r\n")
      }
      return out.count
    }
  }

  /// The same for a protocol that has fields of its own for status, framing and the connection.
  func forEachField(_ body: (String, String) -> Void) {
    for field in headers.fields where isOurs(field.name) == false && field.name != "upgrade" && field.name != "proxy-connection" {
      let isClean = field.value.utf8.allSatisfy { $0 >= 32 && $0 != 127 }
      body(field.name, isClean ? field.value : field.value.utf8.map { $0 < 32 || $0 == 127 ? 32 : $0 }.utf8Text)
    }
    body("date", date.utf8Text)
    if case .exactly(let count) = length { body("content-length", String(count)) }
  }

  private func isOurs(_ name: String) -> Bool {
    switch name {
    case "date", "transfer-encoding", "connection", "keep-alive": true
    case "content-length": if case .declared = length { false } else { true }
    default: false
    }
  }
}

/// Writes into memory that is known to be large enough.
private struct Cursor {
  private let memory: UnsafeMutableRawBufferPointer
  private(set) var count = 0

  init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

  mutating func append(_ text: StaticString) {
    copy(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
  mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { copy($0) } }
  /// Control characters become blanks: a value with a line break must not add a field or a body.
  mutating func append(text: String) {
    var text = text
    let start = count
    text.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
    for i in start..<count where memory[i] < 32 || memory[i] == 127 { memory[i] = 32 }
  }
  mutating func append(decimal value: Int) {
    var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &digits) { digits in
      var at = digits.count
      var rest = value
      repeat {
        at -= 1
        digits[at] = UInt8(48 + rest % 10)
        rest /= 10
      } while rest > 0
      copy(UnsafeRawBufferPointer(rebasing: digits[at...]))
    }
  }
  private mutating func copy(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    precondition(count + bytes.count <= memory.count, "response head over its capacity")
    UnsafeMutableRawBufferPointer(rebasing: memory[count...]).baseAddress?.copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
  }
}

private func statusLine(_ status: Int) -> [UInt8] {
  status >= 100 && status < 600 ? statusLines[status - 100] : statusLines[400]
}

/// All status lines with their end, by status − 100. Reasons are only for people; a status without one gets none.
private let statusLines: [[UInt8]] = {
  let reasons: [Int: String] = [
    100: "Continue", 200: "OK", 201: "Created", 202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content",
    206: "Partial Content", 207: "Multi-Status", 300: "Multiple Choices", 301: "Moved Permanently", 302: "Found",
    303: "See Other", 304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request",
    401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    406: "Not Acceptable", 408: "Request Timeout", 409: "Conflict", 410: "Gone", 411: "Length Required",
    412: "Precondition Failed", 413: "Content Too Large", 414: "URI Too Long", 415: "Unsupported Media Type",
    416: "Range Not Satisfiable", 417: "Expectation Failed", 418: "I'm a teapot", 422: "Unprocessable Content",
    424: "Failed Dependency", 426: "Upgrade Required", 428: "Precondition Required", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 499: "Client Closed Request", 500: "Internal Server Error",
    501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
  ]
  return (100..<600).map { Array("HTTP/1.1 \($0) \(reasons[$0] ?? "")\r\n".utf8) }
}()
