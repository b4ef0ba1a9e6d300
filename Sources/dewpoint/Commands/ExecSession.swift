import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One process between a terminal and a server: its words go to both, the server's messages are obeyed.
///
/// All in one thread that polls, so what happens first is seen first.
final class ExecSession {
  private let server: String
  private let command: [String]
  private let messages: LocalHTTP.Lines
  private let signals = SignalPipe([SIGCHLD, SIGINT, SIGTERM, SIGTSTP])
  private var id = ""
  private var process: ExecProcess?
  private var isBusy = false
  private var isHeld = false
  /// Set when there is nothing left to do.
  private var status: Int32?

  /// How often it is looked whether a debugger holds the process.
  private static let lookMilliseconds: Int32 = 100

  /// - Throws: with the server's words when the function cannot be attached to.
  init(server: String, path: String, command: [String]) throws {
    (self.server, self.command) = (server, command)
    messages = try LocalHTTP.Lines("POST", server, path)
  }

  /// The status to exit with.
  func run() -> Int32 {
    for line in messages.first() { obey(line) }
    while status == nil { turn() }
    return status ?? 0
  }

  private func turn() {
    var polled = ([messages.descriptor, signals.descriptor] + (process?.outputs ?? [])).map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    poll(&polled, nfds_t(polled.count), isBusy || isHeld ? Self.lookMilliseconds : -1)
    // The server's messages first: START was sent before the process could say anything.
    if polled[0].revents != 0 {
      guard let lines = messages.take() else { return serverIsGone() }
      for line in lines { obey(line) }
    }
    if polled[2...].contains(where: { $0.revents != 0 }) { handOn(flush: nil) }
    if isBusy || isHeld { look() }
    for signal in signals.take() { heard(signal) }
  }

  private func obey(_ line: [UInt8]) {
    guard status == nil, let message = try? JSON.parse(line) else { return }
    if let id = message["attached"]?.string {
      self.id = id
      start(message)
    } else if let text = message["log"]?.string {
      say(text)
    } else if let number = message["flush"]?.int {
      handOn(flush: number)
    } else if let isBusy = message["busy"]?.bool {
      self.isBusy = isBusy
    } else if let reason = message["end"]?.string {
      say("dewpoint: \(reason)\n")
      process?.killAll()
      status = 1
    }
  }

  private func start(_ message: JSON) {
    var variables: [String: String] = [:]
    for (name, value) in message["variables"]?.object ?? JSONObject() { variables[name] = value.string }
    do {
      process = try ExecProcess(command, variables)
      say("dewpoint: \(message["arn"]?.string ?? "The function") is served by this process until it ends.\n")
    } catch {
      say("dewpoint: \(error)\n")
      tell("status=127")
      status = 127
    }
  }

  /// What the process has written goes to the terminal and to the server.
  private func handOn(flush number: Int64?) {
    var all: [UInt8] = []
    for (index, bytes) in (process?.takeOutput() ?? []).enumerated() where !bytes.isEmpty {
      try? Files.write(bytes, to: index == 0 ? STDOUT_FILENO : STDERR_FILENO, "the terminal")
      all += bytes
    }
    if !all.isEmpty || number != nil { tell("output" + (number.map { "&flush=\($0)" } ?? ""), all) }
  }

  private func look() {
    let isHeldNow = process.map { ProcessTree.isHeld($0.pid) } ?? false
    guard isHeldNow != isHeld else { return }
    isHeld = isHeldNow
    tell("held=\(isHeld)")
  }

  private func heard(_ signal: Int32) {
    guard status == nil else { return }
    switch signal {
    case SIGCHLD:
      guard let end = process?.end() else { return }
      handOn(flush: nil)
      switch end {
      case .exited(let code):
        tell("status=\(code)")
        status = code
      case .signalled(let number):
        tell("signal=\(number)")
        status = 128 + number
      }
      say("dewpoint: The process has ended; the function goes back to its sandboxes.\n")
    case SIGTSTP:
      // The terminal stops the process, too.
      if !isHeld {
        isHeld = true
        tell("held=true")
      }
      raise(SIGSTOP)
    case SIGTERM: if let process { kill(process.pid, SIGTERM) } else { status = 128 + SIGTERM }
    // The terminal has sent it to the process, too, which decides.
    default: if process == nil { status = 128 + signal }
    }
  }

  private func serverIsGone() {
    handOnToTerminal()
    say("dewpoint: The server is gone.\n")
    process?.killAll()
    status = 1
  }

  private func handOnToTerminal() {
    for bytes in process?.takeOutput() ?? [] { try? Files.write(bytes, to: STDOUT_FILENO, "the terminal") }
  }

  private func say(_ text: String) { try? Files.write(Array(text.utf8), to: STDERR_FILENO, "the terminal") }

  /// That the server is gone is seen by the stream of messages.
  private func tell(_ what: String, _ body: [UInt8] = []) {
    _ = try? LocalHTTP.send("POST", server, "/_dewpoint/lambda/attach/\(id)?\(what)", body)
  }
}
