import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Shows what functions write and when their code is reloaded, until the user has enough.
final class DevSession {
  private let api: LocalAPI
  private let names: [String]
  private let server: DevServer?
  private let reloads: LocalHTTP.Lines
  private let signals: SignalPipe
  private let hasColours: Bool
  private struct Tail {
    /// Milliseconds; events before it have been shown.
    var from: Int64
    /// Their times, by their ids: those that come again when it is asked again.
    var shown: [String: Int64] = [:]
  }
  private var tails: [String: Tail]

  /// How often it is asked for new lines.
  private static let pauseMilliseconds: Int32 = 250
  /// Lines of several environments come in any order for a while; of the server's clock.
  private static let overlap: Int64 = 10_000
  /// Of one function at a time.
  private static let maximumPages = 20

  /// - Parameter account: of the functions.
  /// - Throws: with the server's words when it cannot tell of reloads.
  init(_ plan: DevPlan, api: LocalAPI, account: String, server: DevServer?, signals: SignalPipe) throws {
    (self.api, self.server, self.signals) = (api, server, signals)
    names = plan.functions.map(\.name)
    let query = "functions=\(percentEncoded(names.joined(separator: ",")))&account=\(account)&region=\(percentEncoded(api.region))"
    reloads = try LocalHTTP.Lines("GET", api.endpoint, "/_dewpoint/lambda/reloads?\(query)")
    hasColours = isatty(STDOUT_FILENO) == 1 && environment("NO_COLOR") == nil && environment("TERM") != "dumb"
    let clock = try LocalHTTP.send("GET", api.endpoint, "/_dewpoint/clock", []).body
    let now = (try? JSON.parse(clock))?["epochMilliseconds"]?.int ?? 0
    tails = Dictionary(uniqueKeysWithValues: names.map { ($0, Tail(from: now)) })
  }

  /// True when the user ended it, false when the server did.
  func run() -> Bool {
    for line in reloads.first() { show(reload: line) }
    while true {
      var polled = ([reloads.descriptor, signals.descriptor] + (server?.outputs ?? [])).map {
        pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
      }
      poll(&polled, nfds_t(polled.count), Self.pauseMilliseconds)
      server?.handOn()
      if !signals.take().isEmpty {
        showLogs()
        return true
      }
      if polled[0].revents != 0 {
        guard let lines = reloads.take() else { return false }
        for line in lines { show(reload: line) }
      }
      showLogs()
      fflush(nil)
    }
  }

  private func show(reload line: [UInt8]) {
    guard let message = try? JSON.parse(line), let directory = message["directory"]?.string else { return }
    let files = (message["files"]?.array ?? []).compactMap(\.string)
    let what = files.isEmpty ? directory : files.prefix(5).joined(separator: ", ") + (files.count > 5 ? ", …" : "")
    print(coloured("reloaded: \(what)", "1;36"))
    fflush(nil)
  }

  private func showLogs() {
    for name in names { tails[name] = tails[name].map { shown($0, of: name) } }
  }

  private func shown(_ before: Tail, of name: String) -> Tail {
    var tail = before
    var token: JSON?
    for _ in 0..<Self.maximumPages {
      var request = JSONObject([("logGroupName", .string("/aws/lambda/\(name)")), ("startTime", .int(before.from))])
      request["nextToken"] = token
      // Before its first invocation a function has no log.
      guard let answer = try? api.call("logs", "Logs_20140328.FilterLogEvents", .object(request)) else { break }
      for event in answer["events"]?.array ?? [] {
        guard let id = event["eventId"]?.string, tail.shown[id] == nil, let text = event["message"]?.string else { continue }
        let time = event["timestamp"]?.int ?? tail.from
        tail.shown[id] = time
        tail.from = max(tail.from, time - Self.overlap)
        show(text, of: name)
      }
      token = answer["nextToken"]
      if token == nil { break }
    }
    if tail.from > before.from { tail.shown = tail.shown.filter { $0.value >= tail.from } }
    return tail
  }

  private func show(_ text: String, of name: String) {
    let isPlatform = ["START ", "END ", "REPORT ", "INIT_"].contains(where: text.hasPrefix)
    let prefix = names.count > 1 ? "\(name): " : ""
    for line in text.split(separator: "\n") {
      let line = prefix + line.replacing("\t", with: "  ")
      print(isPlatform ? coloured(line, "2") : line)
    }
  }

  private func coloured(_ text: String, _ code: String) -> String { hasColours ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text }
}
