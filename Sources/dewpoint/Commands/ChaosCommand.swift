import ArgumentParser
import Base

/// Puts faults into what goes through a running server.
struct ChaosCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chaos", abstract: "Deliver twice, reorder, fail, throttle or slow what goes through a running server.",
    discussion: """
      A rule strikes at the rate that it is given, until it is stopped, the state is reset or the server ends. Nothing that was \
      accepted is lost by it. 'dewpoint trace' shows where it struck. docs/CHAOS.md says what each fault does where.
      """,
    subcommands: [Duplicate.self, Reorder.self, Fail.self, Throttle.self, Slow.self, List.self, Stop.self], defaultSubcommand: List.self)

  struct Duplicate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Deliver messages, events and batches twice.")
    @OptionGroup var rule: RuleOptions
    func run() async throws { try rule.add("duplicate") }
  }
  struct Reorder: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Give the messages of standard queues in another order.")
    @OptionGroup var rule: RuleOptions
    func run() async throws { try rule.add("reorder") }
  }
  struct Fail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Let calls and attempts to deliver fail on the server's side.")
    @OptionGroup var rule: RuleOptions
    func run() async throws { try rule.add("fail") }
  }
  struct Throttle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Refuse calls and attempts to deliver as too many, as the service does.")
    @OptionGroup var rule: RuleOptions
    func run() async throws { try rule.add("throttle") }
  }
  struct Slow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let calls and deliveries take longer.",
      discussion: "Calls take longer in real time, deliveries on the clock of the server.")
    @Option(help: "How much longer, such as 500ms or 2s.") var delay: String
    @OptionGroup var rule: RuleOptions
    func run() async throws { try rule.add("slow", delay: delay) }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the rules and how often they struck.")
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var server: ServerOption

    func run() async throws {
      let page = try server.page("/_dewpoint/chaos")
      if json { return print(page.text) }
      let rules = page["rules"]?.array ?? []
      if rules.isEmpty { print("No rules: nothing is struck.") }
      for rule in rules { print(Self.line(rule)) }
    }

    static func line(_ rule: JSON) -> String {
      func part(_ name: String, _ word: String) -> String? { rule[name].map { "\(word) \($0.string ?? $0.text)" } }
      let place = [rule["fault"]?.string, rule["service"]?.string, rule["operation"]?.string].compactMap { $0 }.joined(separator: " ")
      let details = [
        part("resource", "of"), part("account", "in account"), part("rate", "rate"), part("count", "at most"),
        rule["delayMilliseconds"].map { "by \($0.text) ms" }, part("seed", "seed"),
      ].compactMap { $0 }.joined(separator: ", ")
      let end = rule["isOver"]?.bool == true ? ", over" : ""
      return "\(rule["id"]?.text ?? "?")  \(place)  \(details)  struck \(rule["hits"]?.text ?? "?") of \(rule["seen"]?.text ?? "?")\(end)"
    }
  }

  struct Stop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Stop one rule, or all.")
    @Argument(help: "The number of the rule; all when it is left out.") var id: Int?
    @OptionGroup var server: ServerOption

    func run() async throws {
      let answer = try server.change("DELETE", "/_dewpoint/chaos" + (id.map { "/\($0)" } ?? ""), nil, expecting: 200)
      print(id == nil ? "stopped \(answer["removed"]?.text ?? "?")" : "stopped  \(List.line(answer))")
    }
  }
}

/// What a rule strikes, and how often.
struct RuleOptions: ParsableArguments {
  @Option(help: "The service whose calls and deliveries are struck: sqs, sns, s3, events, scheduler, pipes, lambda, dynamodb, ….")
  var service: String
  @Option(help: "Only this operation of its API, such as PutItem; 'deliver' for what it delivers.") var operation: String?
  @Option(
    name: [.long, .customLong("function")], help: "Only this resource: an ARN or a name; * stands for any text.") var resource: String?
  @Option(help: "Only this account.") var account: String?
  @Option(help: "How probable it is each time: 0.2 or 20%.") var rate = "1"
  @Option(help: "At most this many times.") var count: Int?
  @Option(help: "The same seed and the same sequence strike the same ones; a new one when it is left out.") var seed: Int?
  @OptionGroup var server: ServerOption

  func add(_ fault: String, delay: String? = nil) throws {
    var members: [(String, JSON)] = [("fault", .string(fault)), ("service", .string(service)), ("rate", .double(try probability()))]
    for (name, text) in [("operation", operation), ("resource", resource), ("account", account), ("delay", delay)] {
      if let text { members.append((name, .string(text))) }
    }
    for (name, number) in [("count", count), ("seed", seed)] {
      if let number { members.append((name, .int(Int64(number)))) }
    }
    print(ChaosCommand.List.line(try server.change("POST", "/_dewpoint/chaos", .object(JSONObject(members)), expecting: 201)))
  }

  private func probability() throws -> Double {
    let isPercent = rate.hasSuffix("%")
    guard let number = Double(isPercent ? String(rate.dropLast()) : rate), number.isFinite else {
      throw ValidationError("A rate is a number such as 0.2 or 20%.")
    }
    return isPercent ? number / 100 : number
  }
}

extension ServerOption {
  /// Changes something on a page, and returns its JSON.
  fileprivate func change(_ method: String, _ path: String, _ body: JSON?, expecting wanted: Int) throws -> JSON {
    let (status, answer) = try LocalHTTP.send(method, address, path, body?.bytes ?? [])
    guard status == wanted, let json = try? JSON.parse(answer) else {
      throw ValidationError(LocalHTTP.message(answer) ?? "The server answered \(status).")
    }
    return json
  }
}
