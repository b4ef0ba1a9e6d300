import Base
import Testing

@testable import SQS

private enum Step: Sendable {
  case send(delay: Int, tenant: Int?)
  case receive(Int, timeout: Int?)
  case delete(Int)
  case change(Int, seconds: Int)
  case advance(Int64)
  case purge, restart, work

  static func random(_ random: SeededRandom) -> Step {
    func number(_ below: Int) -> Int { Int(random.number(below: UInt64(below))) }
    switch number(21) {
    case 0...6: return .send(delay: number(4) == 0 ? number(30) : 0, tenant: number(3) == 0 ? nil : number(3))
    case 7...11: return .receive(1 + number(10), timeout: number(2) == 0 ? nil : number(40))
    case 12...14: return .delete(number(60))
    case 15...16: return .change(number(60), seconds: number(3) == 0 ? 0 : number(60))
    case 17...19: return .advance(Int64(number(15_000)))
    default: return [.purge, .restart, .work][number(3)]
    }
  }
}

/// Random operations on a standard queue, with tenants and without, against a model that is too simple to be wrong.
@Suite struct ModelTests {
  @Test(arguments: 1...24 as ClosedRange<UInt64>)
  func `nothing is lost, nothing is received within its time-out, and the counts add up`(seed: UInt64) async throws {
    try await checkRandomTraces(seed: seed, salt: 977, of: 300, draw: Step.random) { try await Run(seed).perform($0) }
  }
}

private final class Run {
  private struct Entry { var visibleAt: Instant, handles: [String] = [], count = 0, isChanged = false }
  private var cloud: Cloud
  private var url = ""
  private var model: [String: Entry] = [:]
  private var purged = Instant.epoch
  private var sent = 0

  init(_ seed: UInt64) { cloud = Cloud(seed: seed) }
  private var now: Instant { cloud.clock.now() }

  func perform(_ steps: [Step]) async throws {
    url = try await cloud.createQueue("q", ["VisibilityTimeout": "20"])
    for step in steps {
      try await perform(step)
      try await count()
    }
    cloud.clock.advance(.hours(12))
    var rest: Set<String> = []
    while case let got = try await cloud.bodies(url), !got.isEmpty { rest.formUnion(got) }
    guard rest == Set(model.keys) else { throw Difference("left \(rest.sorted()) instead of \(model.keys.sorted())") }
  }

  private func perform(_ step: Step) async throws {
    switch step {
    case .send(let delay, let tenant):
      sent += 1
      try await cloud.send("m\(sent)", to: url, delay: delay, group: tenant.map { "t\($0)" })
      model["m\(sent)"] = Entry(visibleAt: now + .seconds(delay))
    case .receive(let maximum, let timeout): try await receive(maximum, timeout)
    case .delete(let pick):
      guard let (body, handle, isLatest) = picked(pick) else { return }
      try await cloud.delete(handle, from: url)
      if isLatest { model[body] = nil }
    case .change(let pick, let seconds): try await change(pick, seconds)
    case .advance(let milliseconds): cloud.clock.advance(.milliseconds(milliseconds))
    case .restart: cloud = cloud.restarted()
    case .work: try await cloud.work()
    case .purge:
      guard now >= purged + .seconds(60) else { return }
      try await cloud.purge(url)
      (model, purged) = ([:], now)
    }
  }

  private func receive(_ maximum: Int, _ timeout: Int?) async throws {
    let visible = model.values.filter { $0.visibleAt <= now }.count
    let got = try await cloud.receive(url, maximum, timeout: timeout, system: ["ApproximateReceiveCount"])
    guard got.count == min(maximum, visible) else { throw Difference("\(got.count) of \(visible) visible received") }
    for message in got {
      let body = message.body ?? ""
      guard var entry = model[body], entry.visibleAt <= now else { throw Difference("\(body) was hidden or gone") }
      entry.count += 1
      guard message.attributes?["ApproximateReceiveCount"] == "\(entry.count)" else { throw Difference("\(body): receive count") }
      entry.handles.append(message.receiptHandle ?? "")
      (entry.visibleAt, entry.isChanged) = (now + .seconds(timeout ?? 20), false)
      model[body] = entry
    }
  }

  private func picked(_ pick: Int) -> (body: String, handle: String, isLatest: Bool)? {
    let all = model.sorted { $0.key < $1.key }.flatMap { body, entry in
      entry.handles.map { (body, $0, $0 == entry.handles.last) }
    }
    return all.isEmpty ? nil : all[pick % all.count]
  }

  private func change(_ pick: Int, _ seconds: Int) async throws {
    guard let (body, handle, isLatest) = picked(pick), let entry = model[body] else { return }
    do {
      try await cloud.changeVisibility(handle, of: url, to: seconds)
      guard isLatest else { throw Difference("an old handle changed \(body)") }
      model[body]?.visibleAt = now + .seconds(seconds)
      model[body]?.isChanged = true
    } catch let error as AWSError {
      let expected = isLatest ? (entry.isChanged && entry.visibleAt <= now ? "MessageNotInflight" : "none") : "InvalidParameterValue"
      guard error.code == expected else { throw error }
    }
  }

  private func count() async throws {
    let counts = try await cloud.counts(url)
    let visible = model.values.filter { $0.visibleAt <= now }.count
    let inFlight = model.values.filter { $0.visibleAt > now && $0.count > 0 }.count
    let expected = [visible, inFlight, model.count - visible - inFlight]
    guard counts == expected else { throw Difference("counts \(counts) instead of \(expected)") }
  }
}
