import Base
import Fabric
import Testing

@testable import Tracing

/// A hop of the test's trace.
func hop(
  _ id: String, under parent: String? = nil, at seconds: Double = 0, took: Duration = .zero, trace: String = traceA,
  account: AccountID = .local, service: String = "sns", action: String = "deliver",
  source: String = "arn:aws:sns:us-east-1:000000000000:orders", target: String = "arn:aws:sqs:us-east-1:000000000000:work", attempt: Int = 0,
  _ outcome: HopOutcome = .delivered, _ reason: String? = nil
) -> Hop {
  Hop(
    id: id, parent: parent, trace: trace, at: Instant(seconds: 1_700_000_000) + .milliseconds(Int64(seconds * 1000)), duration: took,
    account: account, region: .usEast1, service: service, action: action, source: source, target: target, attempt: attempt,
    outcome: outcome, reason: reason)
}

let traceA = "1-5759e988-bd862e3fe1be46a994272793"
let traceB = "1-5759e989-bd862e3fe1be46a994272793"

@Suite struct TraceTreeTests {
  private func shape(_ hops: [Hop]) -> [String] { TraceTree(hops).lines.map { String(repeating: ".", count: $0.depth) + $0.hop.id } }

  @Test func `each hop stands below its cause, in the order of time, whatever order they were written in`() {
    let hops = [hop("a"), hop("c", under: "a", at: 2), hop("b", under: "a", at: 1), hop("d", under: "b", at: 3)]
    for order in [hops, hops.reversed()] { #expect(shape(order) == ["a", ".b", "..d", ".c"]) }
  }

  @Test func `a hop whose cause is not known, or is a client's own segment, stands at the top`() {
    #expect(shape([hop("a", under: "client"), hop("b", under: "a"), hop("x", under: "gone", at: 5)]) == ["a", ".b", "x"])
  }

  @Test func `causes that go round in a circle are shown once each`() {
    #expect(Set(shape([hop("a", under: "b"), hop("b", under: "a", at: 1), hop("c", under: "c")])) == ["c", "a", ".b"])
  }

  @Test func `a delay is the time since the cause began`() {
    let tree = TraceTree([hop("a", at: 1), hop("b", under: "a", at: 3, took: .seconds(2)), hop("top", at: 4)])
    #expect(tree.lines.map(\.delay) == [.zero, .seconds(2), .seconds(3)])
    #expect(tree.ended - tree.began == .seconds(4))
  }

  @Test func `a trace of ten thousand hops below each other is shown`() {
    let hops = (0..<10_000).map { hop("\($0)", under: $0 == 0 ? nil : "\($0 - 1)", at: Double($0) / 1000) }
    let tree = TraceTree(hops)
    #expect(tree.lines.count == 10_000 && tree.lines.last?.depth == 9_999)
    #expect(tree.text(traceA, isCut: false).utf8.count < 4 << 20)
  }

  @Test func `the text shows the tree, the attempts and the reasons`() {
    let text = TraceTree([
      hop("a", action: "Publish", source: "arn:aws:iam::000000000000:root", target: "arn:aws:sns:us-east-1:000000000000:orders", .accepted),
      hop("b", under: "a", at: 0.002, took: .microseconds(1500), attempt: 1, .retried(at: Instant(seconds: 1_700_000_060)), "Throttled: no room"),
      hop("c", under: "a", at: 60, took: .milliseconds(12), attempt: 2, .deadLettered(to: "arn:aws:sqs:us-east-1:000000000000:dead"), "the retries are used up"),
      hop("d", under: "c", at: 60.1, service: "sqs", action: "SendMessage", source: "sns.amazonaws.com", target: "arn:aws:sqs:us-east-1:000000000000:dead", .accepted),
      hop("e", under: "a", at: 61, action: "filter", target: "arn:aws:sns:us-east-1:000000000000:orders:1b2c", .filtered, "the filter policy"),
    ]).text(traceA, isCut: false)
    #expect(
      text == """
        trace 1-5759e988-bd862e3fe1be46a994272793
        2023-11-14T22:13:20.000Z  5 hops in 1 min 1 s

        sns Publish  iam:root → sns:orders  accepted
        ├─ sns deliver  sns:orders → sqs:work  failed, to be tried again at 2023-11-14T22:14:20.000Z  +2.0 ms, took 1.5 ms
        │       Throttled: no room
        ├─ sns deliver  sns:orders → sqs:work  given up → arn:aws:sqs:us-east-1:000000000000:dead  (attempt 2)  +1 min 0 s, took 12 ms
        │       the retries are used up
        │  └─ sqs SendMessage  sns.amazonaws.com → sqs:dead  accepted  +100 ms
        └─ sns filter  sns:orders → sns:orders:1b2c  filtered  +1 min 1 s
                the filter policy

        """)
  }

  @Test func `nothing of a name or a reason looks like a line of ours or reaches the terminal`() {
    let text = TraceTree([hop("a", target: "x\n└─ sqs SendMessage", .failed, "\u{1b}[2J\r\nfaked \u{202e}")]).text(traceA, isCut: false)
    #expect(text.split(separator: "\n").count == 4)
    #expect(!text.contains("\u{1b}") && !text.contains("\u{202e}") && !text.contains("\r"))
  }
}
