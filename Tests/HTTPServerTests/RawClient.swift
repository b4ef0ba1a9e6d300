import Base
import Dispatch

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A socket and nothing more, so that tests see each byte. Blocking calls run on a queue of its own.
final class RawClient: Sendable {
  struct Reply: Equatable {
    var status: Int
    var headers: HeaderFields
    var body: String
    /// The body ended as its framing says, and not because the connection did.
    var isWhole: Bool
  }
  struct Failure: Error { var step: String, errno: Int32 }

  private let fd: Int32
  private let queue = DispatchQueue(label: "raw client")
  private let buffer = Buffer()
  private final class Buffer: @unchecked Sendable { var bytes: [UInt8] = [] }  // touched on `queue` only

  init(port: Int) throws {
    fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(port: UInt16(port))
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard result == 0 else {
      Glibc.close(fd)
      throw Failure(step: "connect", errno: errno)
    }
    setTimeout(SO_RCVTIMEO, milliseconds: 10_000)
    setTimeout(SO_SNDTIMEO, milliseconds: 10_000)
  }
  deinit { Glibc.close(fd) }

  func setTimeout(_ option: Int32, milliseconds: Int) {
    var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
    setsockopt(fd, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  private func run<T: Sendable>(_ body: @escaping @Sendable (RawClient) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result { try body(self) }) }
    }
  }

  func send(_ text: String) async throws {
    let sent = try await sendSome(Array(text.utf8))
    guard sent == text.utf8.count else { throw Failure(step: "send", errno: errno) }
  }
  /// How many bytes went out before the time-out or an error.
  func sendSome(_ bytes: [UInt8]) async throws -> Int {
    try await run { client in
      var sent = 0
      while sent < bytes.count {
        let n = bytes.withUnsafeBytes { Glibc.send(client.fd, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL)) }  // not empty
        if n <= 0 { break }
        sent += n
      }
      return sent
    }
  }
  func closeSending() { shutdown(fd, Int32(SHUT_WR)) }
  func closeNow() { shutdown(fd, Int32(SHUT_RDWR)) }

  /// Exactly so many bytes; nil when the connection ends before.
  func bytes(_ count: Int) async throws -> [UInt8]? { try await run { try $0.take(count) } }
  func reply(toHead: Bool = false) async throws -> Reply { try await run { try $0.readReply(toHead: toHead) } }
  /// True when the server closes without another byte.
  func isClosed() async throws -> Bool { try await run { client in try client.buffer.bytes.isEmpty && !client.more() } }

  private func more() throws -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let n = recv(fd, &chunk, chunk.count, 0)
    if n < 0, errno != ECONNRESET { throw Failure(step: "recv", errno: errno) }
    if n > 0 { buffer.bytes += chunk[..<n] }
    return n > 0
  }
  private func line() throws -> String {
    var from = 0
    while true {
      if let end = buffer.bytes[from...].firstIndex(of: 10) {
        let line = buffer.bytes[..<end]
        buffer.bytes.removeFirst(end + 1)
        return line.filter { $0 != 13 }.utf8Text
      }
      from = buffer.bytes.count
      guard try more() else { throw Failure(step: "closed", errno: 0) }
    }
  }
  private func take(_ count: Int) throws -> [UInt8]? {
    while buffer.bytes.count < count { guard try more() else { return nil } }
    defer { buffer.bytes.removeFirst(count) }
    return Array(buffer.bytes[..<count])
  }

  private func readReply(toHead: Bool) throws -> Reply {
    let status = Int(try line().split(separator: " ")[1]) ?? 0
    var headers = HeaderFields()
    while case let field = try line(), !field.isEmpty {
      let parts = field.split(separator: ":", maxSplits: 1)
      headers.add(String(parts[0]), parts.count > 1 ? parts[1].trimmed : "")
    }
    var reply = Reply(status: status, headers: headers, body: "", isWhole: true)
    if toHead || status < 200 || status == 204 || status == 304 { return reply }
    if let length = headers["content-length"].flatMap({ Int($0) }) {
      if let body = try take(length) { reply.body = body.utf8Text } else { reply.isWhole = false }
    } else if headers["transfer-encoding"] == "chunked" {
      try readChunks(&reply)
    } else {
      while try more() {}
      reply.body = buffer.bytes.utf8Text
      buffer.bytes = []
    }
    return reply
  }
  private func readChunks(_ reply: inout Reply) throws {
    var body: [UInt8] = []
    defer { reply.body = body.utf8Text }
    while true {
      guard let text = try? line(), let size = Int(text, radix: 16), let chunk = try take(size + 2) else {
        reply.isWhole = false
        return
      }
      if size == 0 { return }
      body += chunk.dropLast(2)
    }
  }
}

func loopback(port: UInt16) -> sockaddr_in {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  return address
}

/// A listening socket on a free port, as a sandbox would hand it over.
func listeningSocket() -> (fd: Int32, port: Int) {
  let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  var address = loopback(port: 0)
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      _ = bind(fd, $0, length)
      _ = listen(fd, 16)
      getsockname(fd, $0, &length)
    }
  }
  return (fd, Int(UInt16(bigEndian: address.sin_port)))
}
