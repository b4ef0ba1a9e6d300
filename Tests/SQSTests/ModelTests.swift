import Base
import Testing

@testable import SQS

/// Random operations against a model that is too simple to be wrong.
@Suite struct ModelTests {
  private struct Entry { var visibleAt: Instant, handle: String? = nil, count: Int, deleted = false }

  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func `nothing is lost and nothing is received within its time-out`(seed: UInt64) async throws {
    var cloud = Cloud(seed: seed)
    let random = SeededRandom(seed: seed &* 977)
    let url = try await cloud.createQueue("q", ["VisibilityTimeout": "20"])
    var model: [String: Entry] = [:]
    for step in 0..<400 {
      let now = cloud.clock.now()
      switch random.number(below: 10) {
      case 0...2:
        let delay = Int(random.number(below: 4)) == 0 ? Int(random.number(below: 30)) : 0
        try await cloud.send("\(step)", to: url, delay: delay)
        model["\(step)"] = Entry(visibleAt: now + .seconds(delay), count: 0)
      case 3...5:
        let timeout = random.number(below: 2) == 0 ? nil : Int(random.number(below: 40))
        let maximum = 1 + Int(random.number(below: 10))
        let visible = model.values.filter { !$0.deleted && $0.visibleAt <= now }.count
        let got = try await cloud.receive(url, maximum, timeout: timeout, system: ["ApproximateReceiveCount"])
        #expect(got.count == min(maximum, visible), "a look sees all that is visible")
        for message in got {
          let body = try #require(message.body)
          var entry = try #require(model[body])
          #expect(!entry.deleted && entry.visibleAt <= now, "\(body) at step \(step)")
          entry.count += 1
          #expect(message.attributes?["ApproximateReceiveCount"] == "\(entry.count)")
          (entry.visibleAt, entry.handle) = (now + .seconds(timeout ?? 20), message.receiptHandle)
          model[body] = entry
        }
      case 6...7:
        guard
          let (body, entry) = model.sorted(by: { $0.key < $1.key }).first(where: { $0.value.handle != nil && !$0.value.deleted })
        else { continue }
        try await cloud.delete(entry.handle, from: url)
        model[body]?.deleted = true
      case 8:
        let held = model.sorted { $0.key < $1.key }.last {
          $0.value.handle != nil && !$0.value.deleted && $0.value.visibleAt > now
        }
        guard let (body, entry) = held else { continue }
        let seconds = Int(random.number(below: 60))
        try await cloud.changeVisibility(entry.handle, of: url, to: seconds)
        model[body]?.visibleAt = now + .seconds(seconds)
      default:
        cloud.clock.advance(.milliseconds(Int64(random.number(below: 15_000))))
        if random.number(below: 5) == 0 { cloud = cloud.restarted() }
        if random.number(below: 5) == 0 { try await cloud.work() }
      }
    }
    let left = model.filter { !$0.value.deleted }
    let counts = try await cloud.counts(url)
    #expect(counts[0] + counts[1] + counts[2] == left.count)
    cloud.clock.advance(.hours(12))
    var rest: Set<String> = []
    while case let got = try await cloud.bodies(url), !got.isEmpty { rest.formUnion(got) }
    #expect(rest == Set(left.keys))
  }
}
