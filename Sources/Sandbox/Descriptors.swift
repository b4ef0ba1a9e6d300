// SPDX-License-Identifier: Apache-2.0
import Glibc

/// System calls on descriptors and small files, with errors that name step and path. All descriptors are close-on-exec.
enum Descriptors {
  static func pipe() throws(SandboxError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    guard Glibc.pipe(&ends) == 0 else { throw .last("pipe", "") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// A pair that keeps the borders of packets.
  static func packetPair() throws(SandboxError) -> (ours: Int32, theirs: Int32) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw .last("socketpair", "") }
    return (ends[0], ends[1])
  }

  static func setNonBlocking(_ descriptor: Int32) { _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) }

  static func port(of socket: Int32) -> UInt16? {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
    }
    return result == 0 ? UInt16(bigEndian: address.sin_port) : nil
  }

  /// A packet and the descriptors that came with it; no bytes at the end. `nil` when nothing waits.
  static func receivePacket(_ socket: Int32) -> (bytes: [UInt8], descriptors: [Int32])? {
    var bytes = [UInt8](repeating: 0, count: 2048)
    // 8-byte words, because the kernel writes a cmsghdr (length, level, type, then data) that wants this alignment.
    var ancillary = [UInt64](repeating: 0, count: 16)
    var message = msghdr()
    let length = bytes.withUnsafeMutableBytes { body in
      ancillary.withUnsafeMutableBytes { control in
        var vector = iovec(iov_base: body.baseAddress, iov_len: body.count)
        return withUnsafeMutablePointer(to: &vector) { vector in
          message.msg_iov = vector
          message.msg_iovlen = 1
          message.msg_control = control.baseAddress
          message.msg_controllen = control.count
          return recvmsg(socket, &message, Int32(MSG_DONTWAIT) | Int32(MSG_CMSG_CLOEXEC))
        }
      }
    }
    if length < 0 { return errno == EAGAIN || errno == EINTR ? nil : ([], []) }
    var descriptors: [Int32] = []
    let header = MemoryLayout<cmsghdr>.size
    if message.msg_controllen >= header {
      ancillary.withUnsafeBytes { control in
        let head = control.load(as: cmsghdr.self)
        guard head.cmsg_level == SOL_SOCKET, head.cmsg_type == Int32(SCM_RIGHTS) else { return }
        let end = min(Int(head.cmsg_len), control.count)
        for offset in stride(from: header, to: end, by: 4) {
          descriptors.append(control.loadUnaligned(fromByteOffset: offset, as: Int32.self))
        }
      }
    }
    return (Array(bytes.prefix(length)), descriptors)
  }

  static func sendPacket(_ socket: Int32, _ bytes: [UInt8]) -> Bool {
    send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
  }

  /// Does not wait: false when the other end has stopped taking packets.
  static func sendPacket(_ socket: Int32, _ bytes: [UInt8], descriptor: Int32?) -> Bool {
    var bytes = bytes
    // 8-byte words, because the kernel reads a cmsghdr that wants this alignment; the header has 16 bytes, then the descriptor.
    var ancillary = [UInt64](repeating: 0, count: 3)
    return bytes.withUnsafeMutableBytes { body in
      ancillary.withUnsafeMutableBytes { control in
        var vector = iovec(iov_base: body.baseAddress, iov_len: body.count)
        return withUnsafeMutablePointer(to: &vector) { vector in
          var message = msghdr()
          message.msg_iov = vector
          message.msg_iovlen = 1
          if let descriptor {
            let header = MemoryLayout<cmsghdr>.size
            var head = cmsghdr()
            (head.cmsg_len, head.cmsg_level, head.cmsg_type) = (header + 4, SOL_SOCKET, Int32(SCM_RIGHTS))
            control.storeBytes(of: head, as: cmsghdr.self)
            control.storeBytes(of: descriptor, toByteOffset: header, as: Int32.self)
            message.msg_control = control.baseAddress
            message.msg_controllen = control.count
          }
          return sendmsg(socket, &message, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) == body.count
        }
      }
    }
  }

  /// The whole small file (at most `limit` bytes), or `nil`.
  static func read(_ path: String, limit: Int = 1 << 20) -> String? {
    readBytes(path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
  }

  static func readBytes(_ path: String, limit: Int) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16384)
    while all.count < limit {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      all.append(contentsOf: chunk.prefix(count))
    }
    return all
  }

  /// Writes in one call, as the files of the kernel want it.
  static func write(_ text: String, to path: String, create: Bool = false) throws(SandboxError) {
    try write(Array(text.utf8), to: path, create: create)
  }

  static func write(_ bytes: [UInt8], to path: String, create: Bool) throws(SandboxError) {
    let file = open(path, O_WRONLY | O_CLOEXEC | (create ? O_CREAT | O_TRUNC : 0), 0o644)
    guard file >= 0 else { throw .last("open", path) }
    defer { close(file) }
    // Guests read what we create for them, whatever the umask of the server.
    if create { fchmod(file, 0o644) }
    guard Glibc.write(file, bytes, bytes.count) == bytes.count else { throw .last("write", path) }
  }

  static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws(SandboxError) {
    guard mkdir(path, mode) != 0, errno != EEXIST else { return }
    throw .last("mkdir", path)
  }

  static func makeDirectories(_ path: String, mode: mode_t = 0o755) throws(SandboxError) {
    var built = ""
    for part in path.split(separator: "/") {
      built += "/\(part)"
      if access(built, F_OK) != 0 { try makeDirectory(built, mode: mode) }
    }
  }

  /// The names in a directory without `.` and `..`; none when it cannot be read.
  static func list(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  static func linkTarget(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes { raw in
      raw.withMemoryRebound(to: CChar.self) { $0.baseAddress.map { start in readlink(path, start, 4096) } ?? -1 }
    }
    return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
  }

  /// Removes a directory and what is in it, never through a link and never on another file system.
  static func removeTree(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    removeTree(path, device: status.st_dev, depth: 0)
  }

  private static func removeTree(_ path: String, device: dev_t, depth: Int) {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_dev == device, depth < 256 else { return }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      unlink(path)
      return
    }
    for name in list(path) { removeTree("\(path)/\(name)", device: device, depth: depth + 1) }
    rmdir(path)
  }

  static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
