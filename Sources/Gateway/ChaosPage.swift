import Base
import Fabric

/// `/_dewpoint/chaos`: the rules by which faults are put into events and calls on their way.
public enum ChaosPage {
  /// GET shows the rules, POST adds one, DELETE removes all; below it, GET and DELETE do so with one by its number.
  /// - Parameters:
  ///   - random: makes the seeds that are not given.
  ///   - refusal: why rules may not be changed, when they may not.
  public static func pages(_ chaos: Chaos, _ catalog: ChaosCatalog, _ random: any RandomSource, refusal: String? = nil) -> [InternalPage] {
    [
      InternalPage("chaos") { request in
        try request.require("GET", "POST", "DELETE")
        if request.method != "GET", request.method != "HEAD", let refusal { return .message(403, refusal) }
        switch request.method {
        case "POST":
          let settings = try ChaosRequest(request.body).settings(random)
          try catalog.check(settings)
          return .json(try chaos.add(settings).json, status: 201)
        case "DELETE": return .json(["removed": JSON(chaos.removeAll())])
        default: return .json(["rules": .array(chaos.rules.map(\.json))])
        }
      },
      InternalPage("chaos/") { request in
        try request.require("GET", "DELETE")
        let name = request.path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        let isChange = request.method == "DELETE"
        if isChange, let refusal { return .message(403, refusal) }
        let id = Int(name)
        guard let rule = isChange ? id.flatMap({ chaos.remove($0) }) : chaos.rules.first(where: { $0.id == id }) else {
          return .message(404, "There is no chaos rule '\(name)'.")
        }
        return .json(rule.json)
      },
    ]
  }
}

/// A rule as it is asked for in JSON. Members that are not known are refused.
private struct ChaosRequest {
  private static let names = ["fault", "service", "operation", "resource", "account", "rate", "count", "delay", "seed"]
  private let members: JSON

  init(_ body: [UInt8]) throws(AWSError) {
    guard let json = try? JSON.parse(body), let object = json.object else { throw Self.bad("Send a JSON object with 'fault' and 'service'.") }
    for (name, _) in object.members where !Self.names.contains(name) {
      throw Self.bad("A rule has no member '\(name)'. There are: \(Self.names.joined(separator: ", ")).")
    }
    members = json
  }

  func settings(_ random: any RandomSource) throws(AWSError) -> ChaosRule.Settings {
    guard let fault = try text("fault").flatMap({ ChaosFault(rawValue: $0) }) else {
      throw Self.bad("'fault' is one of: \(ChaosFault.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    guard let service = try text("service") else { throw Self.bad("'service' is missing.") }
    var account: AccountID?
    if let text = try text("account") {
      account = AccountID(text)
      if account == nil { throw Self.bad("An account has twelve digits.") }
    }
    // Those that fit into the numbers of every JSON reader, so that a seed comes back as it was shown.
    let seed = try number("seed", in: 0...(1 << 53 - 1)) ?? Int(random.number(below: 1 << 32))
    return ChaosRule.Settings(
      fault, service: service, operation: try text("operation"), resource: try text("resource"), account: account, rate: try rate(),
      count: try number("count", in: 1...1_000_000_000), delay: try delay(), seed: UInt64(seed))
  }

  /// Nil: not given. JSON's null is as good as nothing.
  private func value(_ name: String) -> JSON? { members[name].flatMap { $0.isNull ? nil : $0 } }

  private func text(_ name: String) throws(AWSError) -> String? {
    guard let value = value(name) else { return nil }
    guard let text = value.string, !text.isEmpty else { throw Self.bad("'\(name)' is a text.") }
    return text
  }

  private func number(_ name: String, in range: ClosedRange<Int>) throws(AWSError) -> Int? {
    guard let value = value(name) else { return nil }
    guard case .int(let number) = value, let whole = Int(exactly: number), range.contains(whole) else {
      throw Self.bad("'\(name)' is a whole number from \(range.lowerBound) to \(range.upperBound).")
    }
    return whole
  }

  private func rate() throws(AWSError) -> Double {
    switch value("rate") {
    case nil: return 1
    case .int(let number)?: return Double(number)
    case .double(let number)?: return number
    default: throw Self.bad("'rate' is a number above 0 and at most 1.")
    }
  }

  private func delay() throws(AWSError) -> Duration {
    guard let text = try text("delay") else { return .zero }
    guard let delay = parseDuration(text) else { throw Self.bad("'delay' is a duration such as 500ms or 2s.") }
    return delay
  }

  private static func bad(_ text: String) -> AWSError { AWSError("BadRequest", text, status: 400) }
}

extension ChaosRule {
  fileprivate var json: JSON {
    var members: [(String, JSON)] = [
      ("id", JSON(id)), ("fault", .string(settings.fault.rawValue)), ("service", .string(settings.service)),
    ]
    func add(_ name: String, _ text: String?) { if let text { members.append((name, .string(text))) } }
    add("operation", settings.operation)
    add("resource", settings.resource)
    add("account", settings.account?.text)
    members.append(("rate", .double(settings.rate)))
    if let count = settings.count { members.append(("count", JSON(count))) }
    if settings.fault == .slow { members.append(("delayMilliseconds", .int(settings.delay.inMilliseconds))) }
    members += [("seed", JSON(Int(settings.seed))), ("seen", JSON(seen)), ("hits", JSON(hits)), ("isOver", .bool(isOver))]
    return .object(JSONObject(members))
  }
}
