import Glibc
import Testing

@testable import Sandbox

@Suite(.enabled(if: Workbench.canIsolate && Workbench.python != nil), .timeLimit(.minutes(1)))
struct NetworkTests {
  let host: SandboxHost
  init() throws { host = try Workbench.host() }

  static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"

  @Test func `a program inside reaches a server outside through the socket that was handed out`() async throws {
    let temporary = try host.makeTemporaryDirectory(limitBytes: 1 << 20)
    defer { temporary.release() }
    let process = try await host.launch(fetching([9001, 4566], temporary))
    #expect(process.listeners.keys.sorted() == [4566, 9001])
    for port: UInt16 in [9001, 4566] {
      let listener = try #require(process.listeners[port])
      #expect(listener.port == port)
      try NetworkTests.serveOnce(listener.descriptor)
    }
    #expect(await Workbench.text(process) == "hello\nhello\n")
    #expect(await process.exit().reason == .exited(0))
    for listener in process.listeners.values { close(listener.descriptor) }
  }

  @Test func `neither the host's loopback nor another sandbox's can be reached`() async throws {
    let temporary = try host.makeTemporaryDirectory(limitBytes: 1 << 20)
    defer { temporary.release() }
    let own = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(own) }
    // Listening without bind takes a free port of any address.
    try #require(listen(own, 8) == 0)
    let port = try #require(Descriptors.port(of: own))
    let neighbour = try await host.launch(Workbench.shell("sleep 60", temporary) { $0.listeners = [9001] })
    let (_, output) = try await Workbench.run(
      """
      python3 -c 'import socket
      for port in (\(port), 9001):
        try: socket.create_connection(("127.0.0.1", port), 2); print("connected")
        except ConnectionRefusedError: print("refused")
      try: socket.create_connection(("192.0.2.1", 80), 2); print("connected")
      except OSError as error: print(error.errno)'
      """, on: host)
    #expect(output == "refused\nrefused\n\(ENETUNREACH)\n")
    neighbour.kill()
    _ = await neighbour.exit()
    for listener in neighbour.listeners.values { close(listener.descriptor) }
  }

  @Test func `as a plain process, only as asked, it listens on a free port and uses host paths`() async throws {
    let directory = try TestDirectory()
    let plain = try Workbench.host(.plainProcess, directory: directory.path)
    let temporary = try plain.makeTemporaryDirectory(limitBytes: 1 << 20)
    defer { temporary.release() }
    directory.write("code.txt", "code\n")
    let process = try await plain.launch(
      Workbench.shell("cat $CODE/code.txt; echo x > $TMPDIR/x; (setsid sleep 62 &); exit 5", temporary) {
        $0.readOnlyBinds = [.init(host: directory.path, guest: "/var/task")]
        $0.environment["CODE"] = "/var/task"
        $0.listeners = [9001]
      })
    let listener = try #require(process.listeners[9001])
    #expect(listener.port != 9001 && listener.port != 0)
    close(listener.descriptor)
    #expect(await Workbench.text(process) == "code\n")
    #expect(await process.exit().reason == .exited(5))
    #expect(!plain.hasGroup(process.id))
    let path = try #require(temporary.hostPath)
    #expect(Descriptors.list(path) == ["x"])
  }

  private func fetching(_ ports: [UInt16], _ temporary: TemporaryDirectory) -> SandboxSpec {
    Workbench.shell(
      """
      exec python3 -c 'import urllib.request
      for port in \(ports):
        print(urllib.request.urlopen(f"http://127.0.0.1:{port}/x").read().decode(), flush=True)'
      """, temporary) { $0.listeners = ports }
  }

  /// Accepts one connection, reads the head of its request, answers, closes.
  static func serveOnce(_ listener: Int32) throws {
    var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
    try #require(poll(&entry, 1, 20_000) == 1)
    let connection = accept(listener, nil, nil)
    try #require(connection >= 0)
    defer { close(connection) }
    var request: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while !String(decoding: request, as: UTF8.self).contains("\r\n\r\n") {
      let count = read(connection, &chunk, chunk.count)
      try #require(count > 0)
      request += chunk.prefix(count)
    }
    let bytes = Array(answer.utf8)
    #expect(write(connection, bytes, bytes.count) == bytes.count)
  }
}
