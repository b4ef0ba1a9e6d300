import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A server that `dewpoint dev` started, because none ran.
final class DevServer {
  private let process: ExecProcess
  /// Where it keeps the state, in its own words.
  private(set) var place = ""

  /// Its words go to our standard error.
  var outputs: [Int32] { process.outputs }

  static func answers(at endpoint: String) -> Bool {
    (try? LocalHTTP.send("GET", endpoint, "/_dewpoint/health", []))?.status == 200
  }

  /// Returns when it is ready. Settings come from the environment and the configuration file, as for `dewpoint up`.
  /// - Throws: `DevError` when it cannot be started there.
  init(at endpoint: String) throws {
    let parts = LocalHTTP.authority(endpoint)?.split(separator: ":").map(String.init) ?? []
    guard endpoint.hasPrefix("http://"), let host = parts.first, ServerSettings.isLoopback(host) else {
      throw DevError("No server answers at \(endpoint), and one can only be started on this machine.")
    }
    let program = (try? Files.linkTarget("/proc/self/exe")) ?? CommandLine.arguments[0]
    // A group of its own: Ctrl-C is for us, who then let it end in order.
    process = try ExecProcess(
      [program, "up", "--port", parts.count > 1 ? parts[1] : "80", "--log-level", "warning"], [:], inOwnGroup: true)
    var text = ""
    while !text.contains("\n") {
      var polled = process.outputs.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      poll(&polled, nfds_t(polled.count), 100)
      let pieces = process.takeOutput()
      text += pieces[0].utf8Text
      try? Files.write(pieces[1], to: STDERR_FILENO, "the terminal")
      if process.end() != nil { throw DevError("The server could not be started at \(endpoint).") }
    }
    if let data = text.firstRange(of: " data="), let end = text.firstRange(of: " Ready.") {
      place = String(text[data.upperBound..<end.lowerBound])
    }
  }

  func handOn() {
    for bytes in process.takeOutput() { try? Files.write(bytes, to: STDERR_FILENO, "the terminal") }
  }

  /// Returns when it has ended in order.
  func stop() {
    kill(process.pid, SIGTERM)
    while process.end() == nil {
      var polled = process.outputs.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      poll(&polled, nfds_t(polled.count), 50)
      handOn()
    }
    handOn()
  }
}
