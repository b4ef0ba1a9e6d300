import ArgumentParser
import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One request to a server on this host, for the commands; blocking, since nothing else runs in their process.
enum LocalHTTP {
  static func send(_ method: String, _ endpoint: String, _ path: String, _ body: [UInt8]) throws -> (status: Int, body: [UInt8]) {
    guard endpoint.hasPrefix("http://"),
      let authority = endpoint.dropFirst("http://".count).split(separator: "/").first.map(String.init)
    else { throw ValidationError("The endpoint must be of the form http://HOST:PORT.") }
    let colon = authority.lastIndex(of: ":")
    let host = colon.map { String(authority[..<$0]) } ?? authority
    let port = colon.map { String(authority[authority.index(after: $0)...]) } ?? "80"

    let fd = try connect(host, port, endpoint)
    defer { close(fd) }
    let head =
      "\(method) \(path) HTTP/1.1\r\nHost: \(authority)\r\nConnection: close\r\nContent-Type: application/json\r\n"
      + "Content-Length: \(body.count)\r\n\r\n"
    try write(fd, Array(head.utf8) + body)
    return try parse(readAll(fd))
  }

  private static func connect(_ host: String, _ port: String, _ endpoint: String) throws -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, port, &hints, &list) == 0 else { throw ValidationError("The host \(host) is not known.") }
    defer { freeaddrinfo(list) }
    var next = list
    while let address = next {
      let fd = socket(address.pointee.ai_family, address.pointee.ai_socktype, address.pointee.ai_protocol)
      if fd >= 0, Glibc.connect(fd, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 { return fd }
      if fd >= 0 { close(fd) }
      next = address.pointee.ai_next
    }
    throw ValidationError("No server answers at \(endpoint). Start one with `dewpoint up`.")
  }

  private static func write(_ fd: Int32, _ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(fd, $0.baseAddress, $0.count) }
      guard count > 0 else { throw ValidationError("The connection to the server broke (errno \(errno)).") }
      rest = rest.dropFirst(count)
    }
  }

  private static func readAll(_ fd: Int32) -> [UInt8] {
    var out: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while out.count < 16 << 20 {
      let count = read(fd, &chunk, chunk.count)
      guard count > 0 else { break }
      out += chunk[..<count]
    }
    return out
  }

  private static func parse(_ bytes: [UInt8]) throws -> (status: Int, body: [UInt8]) {
    var end = 0
    while end + 3 < bytes.count, bytes[end..<(end + 4)] != [13, 10, 13, 10] { end += 1 }
    let line = bytes.prefix { $0 != 13 }.utf8Text.split(separator: " ")
    guard end + 3 < bytes.count, line.count >= 2, let status = Int(line[1]) else {
      throw ValidationError("The server's answer cannot be read.")
    }
    return (status, Array(bytes[(end + 4)...]))
  }
}
