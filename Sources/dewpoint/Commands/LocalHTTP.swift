import ArgumentParser
import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Requests to a server on this host, for the commands; blocking, since nothing else runs in their process.
enum LocalHTTP {
  private static let maximumAnswer = 16 << 20

  /// - Parameter headers: in addition; `host` is the endpoint's.
  static func send(
    _ method: String, _ endpoint: String, _ path: String, _ body: [UInt8], headers: HeaderFields = ["content-type": "application/json"]
  ) throws -> (status: Int, body: [UInt8]) {
    let connection = try Connection(endpoint)
    defer { connection.end() }
    try connection.write(connection.head(method, path, length: body.count, version: "1.1", headers) + body)
    let (status, rest) = try connection.readHead()
    return (status, try connection.readAll(rest))
  }

  /// Hands the body of the answer on as it comes. A status other than 200 is an error with the server's words.
  static func download(_ endpoint: String, _ path: String, _ take: ([UInt8]) throws -> Void) throws {
    let connection = try Connection(endpoint)
    defer { connection.end() }
    // Without chunks; whether the body is whole it says itself.
    try connection.write(connection.head("GET", path, length: 0, version: "1.0"))
    let (status, rest) = try connection.readHead()
    guard status == 200 else { throw refused(status, try connection.readAll(rest)) }
    if !rest.isEmpty { try take(rest) }
    while let piece = try connection.read() { try take(piece) }
  }

  /// Sends a file as the body.
  static func upload(_ endpoint: String, _ path: String, _ file: String) throws {
    let input = open(file, O_RDONLY | O_CLOEXEC)
    guard input >= 0 else { throw FileError("open", file) }
    defer { close(input) }
    var status = stat()
    guard fstat(input, &status) == 0 else { throw FileError("read", file) }
    let connection = try Connection(endpoint)
    defer { connection.end() }
    do {
      try connection.write(connection.head("POST", path, length: Int(status.st_size), version: "1.1"))
      while let piece = try Files.readPiece(input, file) { try connection.write(piece) }
    } catch is ConnectionBroken {
      // The server may have answered before it had all: its words say why.
    }
    let (code, rest) = try connection.readHead()
    let answer = try connection.readAll(rest)
    guard code == 200 else { throw refused(code, answer) }
  }

  /// Lines of an answer that goes on for as long as it likes.
  final class Lines {
    private let connection: Connection
    private var rest: [UInt8]
    /// To be polled; readable when `take` has something to do.
    var descriptor: Int32 { connection.fd }

    /// A status other than 200 is an error with the server's words.
    init(_ method: String, _ endpoint: String, _ path: String) throws {
      connection = try Connection(endpoint)
      do {
        try connection.write(connection.head(method, path, length: 0, version: "1.0"))
        let (status, rest) = try connection.readHead()
        guard status == 200 else { throw refused(status, try connection.readAll(rest)) }
        self.rest = rest
      } catch {
        connection.end()
        throw error
      }
    }

    deinit { connection.end() }

    /// The lines that came with the head of the answer.
    func first() -> [[UInt8]] { split() }

    /// Waits for the next piece; the lines that are complete then. Nil at the end.
    func take() -> [[UInt8]]? {
      guard let piece = (try? connection.read()) ?? nil else { return nil }
      rest += piece
      return split()
    }

    private func split() -> [[UInt8]] {
      var lines = rest.split(separator: 10, omittingEmptySubsequences: false).map { Array($0) }
      rest = lines.removeLast()
      return lines.filter { !$0.isEmpty }
    }
  }

  /// What stands in the `Host` field.
  static func authority(_ endpoint: String) -> String? {
    guard let scheme = ["http://", "https://"].first(where: endpoint.hasPrefix) else { return nil }
    return endpoint.dropFirst(scheme.count).split(separator: "/").first.map(String.init)
  }

  static func message(_ answer: [UInt8]) -> String? { (try? JSON.parse(answer))?["message"]?.string }

  private static func refused(_ status: Int, _ answer: [UInt8]) -> RequestRefused {
    RequestRefused(description: message(answer) ?? "the server answered \(status)")
  }

  private struct ConnectionBroken: Error, CustomStringConvertible {
    var description: String { "the connection to the server broke" }
  }

  /// One connection for one request.
  private struct Connection {
    private let authority: String
    fileprivate let fd: Int32

    init(_ endpoint: String) throws {
      // A server that takes TLS takes plain HTTP from its own host on the same port, too.
      guard let scheme = ["http://", "https://"].first(where: endpoint.hasPrefix), let authority = LocalHTTP.authority(endpoint) else {
        throw ValidationError("The endpoint must be of the form http://HOST:PORT.")
      }
      let colon = authority.hasSuffix("]") ? nil : authority.lastIndex(of: ":")
      let host = String(colon.map { authority[..<$0] } ?? authority[...]).trimmingBrackets
      let port = colon.map { String(authority[authority.index(after: $0)...]) } ?? (scheme == "http://" ? "80" : "443")
      self.authority = authority
      fd = try Self.connect(host, port, endpoint)
    }

    func end() { close(fd) }

    private static func connect(_ host: String, _ port: String, _ endpoint: String) throws -> Int32 {
      var hints = addrinfo()
      hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
      var list: UnsafeMutablePointer<addrinfo>?
      guard getaddrinfo(host, port, &hints, &list) == 0 else { throw ValidationError("The host \(host) is not known.") }
      defer { freeaddrinfo(list) }
      var next = list
      while let address = next {
        let fd = socket(address.pointee.ai_family, address.pointee.ai_socktype, address.pointee.ai_protocol)
        // A program that this one starts would keep the connection open.
        if fd >= 0 { _ = fcntl(fd, F_SETFD, FD_CLOEXEC) }
        if fd >= 0, Glibc.connect(fd, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 { return fd }
        if fd >= 0 { close(fd) }
        next = address.pointee.ai_next
      }
      throw ValidationError("No server answers at \(endpoint). Start one with `dewpoint up`.")
    }

    func head(
      _ method: String, _ path: String, length: Int, version: String, _ headers: HeaderFields = ["content-type": "application/json"]
    ) -> [UInt8] {
      let lines = headers.fields.map { "\($0.name): \($0.value)\r\n" }.joined()
      return Array(
        "\(method) \(path) HTTP/\(version)\r\nHost: \(authority)\r\nConnection: close\r\nContent-Length: \(length)\r\n\(lines)\r\n"
          .utf8)
    }

    func write(_ bytes: [UInt8]) throws {
      do { try Files.write(bytes, to: fd, "the connection") } catch { throw ConnectionBroken() }
    }

    /// Nil at the end.
    func read() throws -> [UInt8]? {
      do { return try Files.readPiece(fd, "the connection", size: 64 << 10) } catch { throw ConnectionBroken() }
    }

    /// The status, and what of the body came with the head.
    func readHead() throws -> (status: Int, rest: [UInt8]) {
      var bytes: [UInt8] = []
      while bytes.count < LocalHTTP.maximumAnswer, let piece = try read() {
        bytes += piece
        var end = 0
        while end + 3 < bytes.count, bytes[end..<(end + 4)] != [13, 10, 13, 10] { end += 1 }
        guard end + 3 < bytes.count else { continue }
        let line = bytes.prefix { $0 != 13 }.utf8Text.split(separator: " ")
        guard line.count >= 2, let status = Int(line[1]) else { break }
        return (status, Array(bytes[(end + 4)...]))
      }
      throw ValidationError("The server's answer cannot be read.")
    }

    func readAll(_ first: [UInt8]) throws -> [UInt8] {
      var out = first
      while out.count < LocalHTTP.maximumAnswer, let piece = try read() { out += piece }
      return out
    }
  }
}

/// What the server said.
struct RequestRefused: Error, CustomStringConvertible { var description: String }

extension String {
  /// `[::1]` is `::1` to those who look addresses up.
  fileprivate var trimmingBrackets: String { hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self }
}
