import Base
import Fabric
import Store
import StoreMemory
import TestCloud
import Testing

@testable import Tracing

@Suite(.timeLimit(.minutes(1))) struct TracingServiceTests {
  private let clock = TestClock()
  private let store = MemoryStore()

  private func tracing(_ configuration: TracingService.Configuration = .init()) -> TracingService {
    TracingService(store: store, ambient: .test(clock: clock), configuration: configuration)
  }

  private func page(_ tracing: TracingService, _ path: String, query: String = "", accept: String? = "application/json") async throws -> JSON {
    let answer = try await answer(tracing, path, query: query, accept: accept)
    return try JSON.parse(answer.body)
  }
  private func answer(_ tracing: TracingService, _ path: String, query: String = "", accept: String? = nil) async throws -> PageAnswer {
    let page = try #require(tracing.pages.first { $0.path == path || $0.path.hasSuffix("/") && path.hasPrefix($0.path) })
    return try await page.answer(PageRequest(method: "GET", path: "/_dewpoint/" + path, query: query, accept: accept))
  }

  @Test func `every kind of hop is shown as it was recorded, also after a restart`() async throws {
    let outcomes: [HopOutcome] = [
      .accepted, .delivered, .retried(at: Instant(seconds: 1_700_000_100)), .failed, .filtered, .denied, .deadLettered(to: "arn:x"), .dropped,
    ]
    let first = tracing()
    let hops = outcomes.enumerated().map { n, outcome in
      hop("\(n)", under: n == 0 ? nil : "0", at: Double(n), took: .microseconds(7), attempt: n, outcome, n % 2 == 0 ? nil : "because")
    }
    for hop in hops { first.record(hop) }
    try await first.flush()
    #expect(try await tracing().tree(of: traceA).0.lines.map(\.hop) == hops)
  }

  @Test func `a trace is found whole although others were written between its hops`() async throws {
    let tracing = tracing()
    for n in 0..<3000 { tracing.record(hop("\(n)", trace: n % 1000 == 0 ? traceA : traceB)) }
    #expect(try await tracing.tree(of: traceA).0.lines.map(\.hop.id) == ["0", "1000", "2000"])
  }

  @Test func `the last trace is the one that began last, not the one of which something was heard last`() async throws {
    let tracing = tracing()
    tracing.record(hop("old", at: 1))
    tracing.record(hop("new", at: 2, trace: traceB))
    tracing.record(hop("retry of the old", under: "old", at: 60))
    let answer = try await page(tracing, "trace/last")
    #expect(answer["trace"] == .string(traceB))
  }

  @Test func `a list shows what matches, the newest first`() async throws {
    let tracing = tracing()
    tracing.record(hop("a", at: 1, target: "arn:aws:sqs:us-east-1:000000000000:blue"))
    tracing.record(hop("b", at: 2, trace: traceB, target: "arn:aws:sqs:us-east-1:000000000000:red", .filtered, "no"))
    func listed(_ query: String) async throws -> [JSON] { try await page(tracing, "trace", query: query)["traces"]?.array ?? [] }
    #expect(try await listed("").map { $0["trace"]?.string } == [traceB, traceA])
    #expect(try await listed("resource=blue").map { $0["trace"]?.string } == [traceA])
    #expect(try await listed("outcome=filtered").map { $0["trace"]?.string } == [traceB])
    #expect(try await listed("outcome=filtered&resource=blue").isEmpty)
    #expect(try await listed("limit=1").count == 1)
    #expect(try await listed("")[0]["outcomes"]?["filtered"]?.int == 1)
    #expect(try await answer(tracing, "trace").body.utf8Text.contains(traceA))
  }

  @Test(arguments: [
    "trace/nonsense", "trace/1-5759e988-bd862e3fe1be46a99427279", "trace/%2e%2e", "trace/1-5759e988-bd862e3fe1be46a994272793%00",
    "trace/1-5759e988-bd862e3fe1be46a994272793;Parent=x", "trace/", "trace/last", "trace/1-00000000-000000000000000000000001",
  ])
  func `a trace that is none, or of which nothing is known, is not found`(_ path: String) async throws {
    await #expect { try await answer(tracing(), path) } throws: { ($0 as? AWSError)?.status == 404 }
  }

  @Test(arguments: ["limit=0", "limit=x", "limit=100000", "outcome=lost"])
  func `a filter that is none is refused`(_ query: String) async throws {
    await #expect { try await answer(tracing(), "trace", query: query) } throws: { ($0 as? AWSError)?.status == 400 }
  }

  @Test func `hops that are too old go, on the adjustable clock`() async throws {
    let tracing = tracing(.init(retention: .hours(1)))
    tracing.record(hop("old"))
    try await tracing.flush()
    clock.advance(.hours(2))
    var young = hop("young", trace: traceB)
    young.at = clock.now()
    tracing.record(young)
    try await tracing.flush()
    try await tracing.trimAll()
    #expect(try await tracing.tree(of: traceA).0.lines.isEmpty)
    #expect(try await tracing.tree(of: traceB).0.lines.count == 1)
  }

  @Test func `all hops together never take more room than they may, and the newest are kept`() async throws {
    let tracing = tracing(.init(size: 100_000))
    for round in 0..<40 {
      for n in 0..<256 { tracing.record(hop("\(round)-\(n)", trace: n == 0 ? traceB : traceA, .failed, "reason \(n)")) }
      try await tracing.flush()
      try await tracing.trimAll()
    }
    let kept = try await store.read { try $0.entries(KeyRange(prefix: Key("trace"))).reduce(0) { $0 + $1.value.count } }
    #expect(kept <= 100_000 && kept > 50_000)
    let lines = try await tracing.tree(of: traceB).0.lines
    #expect(lines.last?.hop.id == "39-0" && lines.first?.hop.id != "0-0")
  }

  @Test func `hops that come faster than they are written are lost and counted`() async throws {
    let tracing = tracing()
    for n in 0..<20_000 { tracing.record(hop("\(n)")) }
    let lost = await tracing.measurements().first { $0.name == "dewpoint_hops_lost_total" }?.value
    #expect(lost == 3616.0)
  }

  @Test func `what a store could not take is written later`() async throws {
    let broken = MemoryStore()
    let buffered = TracingService(store: broken, ambient: .test(clock: clock))
    buffered.record(hop("a"))
    await broken.close()
    await #expect(throws: StoreError.self) { try await buffered.flush() }
    await #expect(throws: StoreError.self) { try await buffered.flush() }
    let lost = await buffered.measurements().first { $0.name == "dewpoint_hops_lost_total" }?.value
    #expect(lost == 0)
  }

  @Test func `an account that is emptied has no hops, and others keep theirs`() async throws {
    let tracing = tracing()
    tracing.record(hop("mine", account: .test(1)))
    tracing.record(hop("yours", account: .test(2)))
    tracing.record(hop("mine too", trace: traceB, account: .test(1)))
    try await tracing.removeAll(of: .test(1))
    #expect(try await tracing.tree(of: traceA).0.lines.map(\.hop.id) == ["yours"])
    #expect(try await tracing.tree(of: traceB).0.lines.isEmpty)
  }

  @Test func `what a client sends as its segment does not grow the trace`() async throws {
    let tracing = tracing()
    tracing.record(hop("a", under: String(repeating: "x", count: 8000), target: String(repeating: "y", count: 100_000)))
    let line = try #require(try await tracing.tree(of: traceA).0.lines.first)
    #expect(line.hop.parent == nil && line.hop.target.utf8.count < 4000)
  }
}
