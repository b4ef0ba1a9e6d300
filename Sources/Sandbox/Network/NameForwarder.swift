// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Asks the host's name servers for the sandboxes, so that those need no way to them: they may be on the host's own loopback.
/// Messages pass unread. One thread serves datagrams; each question over TCP has a short-lived one.
final class NameForwarder: Sendable {
  private let datagrams: Int32
  private let connections: Int32
  private let stopRead: Int32
  private let stopWrite: Int32
  private let streams: Mutex<[UInt32: Int]> = Mutex([:])

  static let maximumQuestions = 512
  /// Of one sandbox. More are dropped, as a busy name server does.
  static let maximumQuestionsOfOne = 64
  private static let maximumStreams = 32
  private static let maximumStreamsOfOne = 4
  /// For each name server that is asked.
  private static let patience = 2_000
  private static let maximumMessage = 65_535

  /// - Parameters: sockets in the router's namespace, which are closed at the end.
  init(datagrams: Int32, connections: Int32) {
    (self.datagrams, self.connections) = (datagrams, connections)
    // Without descriptors nothing else works either.
    let ends = (try? Descriptors.pipe()) ?? (read: -1, write: -1)
    (stopRead, stopWrite) = ends
  }

  deinit { for descriptor in [datagrams, connections, stopRead, stopWrite] where descriptor >= 0 { close(descriptor) } }

  /// A socket on port 53 in the thread's network namespace.
  static func socket(_ kind: __socket_type, address: UInt32) throws(SandboxError) -> Int32 {
    let made = Glibc.socket(AF_INET, Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard made >= 0 else { throw .last("socket", "") }
    Descriptors.setNonBlocking(made)
    let isBound = SocketAddress(address, port: 53).withSocketAddress { bind(made, $0, $1) == 0 }
    if isBound, kind != SOCK_STREAM || listen(made, 64) == 0 { return made }
    defer { close(made) }
    throw .last("bind", "port 53")
  }

  func start() {
    detach { $0.serve() }
  }

  func stop() {
    var byte: UInt8 = 0
    _ = write(stopWrite, &byte, 1)
  }

  private func detach(_ body: @escaping @Sendable (NameForwarder) -> Void) {
    let work = Work { body(self) }
    var thread = pthread_t()
    let context = Unmanaged.passRetained(work)
    let started = pthread_create(
      &thread, nil,
      { context in
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        // The pointer is the retained work that pthread_create was given, never nil.
        Unmanaged<Work>.fromOpaque(context!).takeRetainedValue().body()
        return nil
      }, context.toOpaque())
    if started == 0 { pthread_detach(thread) } else { context.release() }
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  // Datagrams, on the one thread

  private struct Question {
    var client: SocketAddress
    var message: [UInt8]
    /// Connected to the name server that is asked now.
    var upstream: Int32
    var server: Int
    var deadline: Int
  }

  private func serve() {
    var servers = NameServers()
    var questions: [Int32: Question] = [:]
    while true {
      var polled = [stopRead, datagrams, connections].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      polled += questions.keys.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      let now = Self.milliseconds()
      let first = questions.values.map(\.deadline).min()
      guard poll(&polled, nfds_t(polled.count), first.map { Int32(max(0, $0 - now) + 1) } ?? -1) >= 0 || errno == EINTR else { break }
      if polled[0].revents != 0 { break }
      for entry in polled.dropFirst(3) where entry.revents != 0 { answer(&questions, entry.fd, servers) }
      if polled[1].revents != 0 { receive(&questions, &servers) }
      if polled[2].revents != 0 { accept(servers: &servers) }
      let late = Self.milliseconds()
      for (descriptor, question) in questions where question.deadline <= late {
        questions[descriptor] = nil
        close(descriptor)
        ask(question.server + 1, question.message, for: question.client, &questions, servers)
      }
    }
    for descriptor in questions.keys { close(descriptor) }
  }

  private func receive(_ questions: inout [Int32: Question], _ servers: inout NameServers) {
    servers.refresh()
    // A flood of one sandbox must not keep the answers for others waiting.
    for _ in 0..<64 {
      guard let (message, client) = Self.receive(from: datagrams) else { return }
      guard Self.isQuestion(message), questions.count < Self.maximumQuestions,
        questions.values.count(where: { $0.client.host == client.host }) < Self.maximumQuestionsOfOne
      else { continue }
      ask(0, message, for: client, &questions, servers)
    }
  }

  /// Asks the name server of this number, or the next one that can be asked; when there is none the client learns that.
  private func ask(
    _ number: Int, _ message: [UInt8], for client: SocketAddress, _ questions: inout [Int32: Question], _ servers: NameServers
  ) {
    for server in servers.addresses.indices.dropFirst(number) {
      guard let upstream = servers.addresses[server].connected(SOCK_DGRAM) else { continue }
      guard send(upstream, message, message.count, Int32(MSG_NOSIGNAL)) == message.count else {
        close(upstream)
        continue
      }
      questions[upstream] = Question(
        client: client, message: message, upstream: upstream, server: server, deadline: Self.milliseconds() + Self.patience)
      return
    }
    reply(Self.failure(of: message), to: client)
  }

  private func answer(_ questions: inout [Int32: Question], _ upstream: Int32, _ servers: NameServers) {
    guard let question = questions[upstream] else { return }
    let received = Self.receive(from: upstream)
    // Another message than the answer: it is waited for on.
    if let (message, _) = received, !message.prefix(2).elementsEqual(question.message.prefix(2)) { return }
    questions[upstream] = nil
    close(upstream)
    if let (message, _) = received {
      reply(message, to: question.client)
    } else {
      ask(question.server + 1, question.message, for: question.client, &questions, servers)
    }
  }

  private func reply(_ message: [UInt8], to client: SocketAddress) {
    _ = client.withSocketAddress { sendto(datagrams, message, message.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL), $0, $1) }
  }

  private static func receive(from descriptor: Int32) -> (message: [UInt8], sender: SocketAddress)? {
    var bytes = [UInt8](repeating: 0, count: maximumMessage)
    var sender = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let count = withUnsafeMutablePointer(to: &sender) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        recvfrom(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT), $0, &length)
      }
    }
    guard count > 0 else { return nil }
    return (Array(bytes.prefix(count)), SocketAddress(sender, length: length))
  }

  // Connections

  private func accept(servers: inout NameServers) {
    servers.refresh()
    var sender = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let made = withUnsafeMutablePointer(to: &sender) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.accept(connections, $0, &length) }
    }
    guard made >= 0 else { return }
    _ = fcntl(made, F_SETFD, FD_CLOEXEC)
    let (client, addresses) = (SocketAddress(sender, length: length).host, servers.addresses)
    let hasRoom = streams.withLock { streams in
      guard streams.values.reduce(0, +) < Self.maximumStreams, streams[client, default: 0] < Self.maximumStreamsOfOne else { return false }
      streams[client, default: 0] += 1
      return true
    }
    guard hasRoom else {
      close(made)
      return
    }
    detach { forwarder in
      Self.forward(made, to: addresses)
      close(made)
      forwarder.streams.withLock { $0[client] = $0[client].flatMap { $0 > 1 ? $0 - 1 : nil } }
    }
  }

  /// One question and its answer, each after two bytes of length (RFC 1035, 4.2.2).
  private static func forward(_ client: Int32, to servers: [SocketAddress]) {
    let end = milliseconds() + patience
    SocketAddress.setTimeout(client, seconds: patience / 1000)
    guard let message = readMessage(client, until: end), isQuestion(message) else { return }
    for server in servers {
      guard let upstream = server.connected(SOCK_STREAM, timeout: patience / 1000) else { continue }
      defer { close(upstream) }
      guard writeMessage(message, to: upstream), let answer = readMessage(upstream, until: milliseconds() + patience)
      else { continue }
      _ = writeMessage(answer, to: client)
      return
    }
    _ = writeMessage(failure(of: message), to: client)
  }

  private static func readMessage(_ descriptor: Int32, until end: Int) -> [UInt8]? {
    guard let length = read(descriptor, exactly: 2, until: end) else { return nil }
    return read(descriptor, exactly: Int(length[0]) << 8 | Int(length[1]), until: end)
  }

  private static func read(_ descriptor: Int32, exactly count: Int, until end: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let got = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress.map { $0 + filled }, count - filled, 0) }
      guard got > 0, milliseconds() < end else { return nil }
      filled += got
    }
    return bytes
  }

  private static func writeMessage(_ message: [UInt8], to descriptor: Int32) -> Bool {
    let framed = [UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message
    return send(descriptor, framed, framed.count, Int32(MSG_NOSIGNAL)) == framed.count
  }

  // Messages

  /// At least a header, and not itself an answer: nothing but questions leaves by this door.
  static func isQuestion(_ message: [UInt8]) -> Bool { message.count >= 12 && message[2] & 0x80 == 0 }

  /// SERVFAIL for a question.
  static func failure(of question: [UInt8]) -> [UInt8] {
    var answer = question
    answer[2] |= 0x80
    answer[3] = answer[3] & 0xf0 | 2
    return answer
  }

  /// Real time: name servers do not follow the adjustable clock.
  private static func milliseconds() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)  // beneath Ambient
    return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
  }
}
