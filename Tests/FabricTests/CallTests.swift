import Base
import Fabric
import TestCloud
import Testing

private let root = "1-5759e988-bd862e3fe1be46a994272793"

@Test(arguments: [
  ("Root=\(root)", TraceContext(root: root)),
  ("Root=\(root);Parent=53995c3f42cd8ad8;Sampled=1", TraceContext(root: root, parent: "53995c3f42cd8ad8", sampled: "1")),
  ("Sampled=?; Root=\(root)", TraceContext(root: root, sampled: "?")),
  ("Self=1-2-3;Root=\(root);Lineage=a87bd80c:1|68fd508a:5", TraceContext(root: root, lineage: "a87bd80c:1|68fd508a:5")),
])
func `a trace header is read`(_ header: String, _ trace: TraceContext) {
  #expect(TraceContext(header: header) == trace)
  #expect(TraceContext(header: trace.header) == trace)
}

@Test(arguments: [
  "", "Root", "Root=", "Root=1", "Parent=53995c3f42cd8ad8", "Root=2-5759e988-bd862e3fe1be46a994272793", "root=\(root)",
  "Root=\(root)0", "Root=1-5759e98z-bd862e3fe1be46a994272793", "Root=1-5759e9888bd862e3fe1be46a994272793",
  "Root=1-../../../../../../../../../etc/x",
])
func `a header without a well-formed root is no trace`(_ header: String) {
  #expect(TraceContext(header: header) == nil)
}

@Test func `a new trace tells its real time`() {
  let clock = TestClock(Instant(seconds: 0x5759_e988))
  let trace = TraceContext(.test(clock: clock))
  #expect(trace.root.hasPrefix("1-5759e988-"))
  #expect(TraceContext(header: trace.header) == trace)
  #expect(trace.header == "Root=\(trace.root)")
}

@Test func `each principal has its ARN, id and account`() {
  let account = AccountID.test(1)
  let table: [(Principal, arn: String, AccountID?)] = [
    (.root(account), "arn:aws:iam::111111111111:root", account),
    (.user("ann", in: account), "arn:aws:iam::111111111111:user/ann", account),
    (.role("work", in: account, session: "s"), "arn:aws:sts::111111111111:assumed-role/work/s", account),
    (.service("sns.amazonaws.com", from: ARN("sns", .usEast1, account, "t")), "sns.amazonaws.com", account),
    (.anonymous, "anonymous", nil),
  ]
  for (principal, arn, owner) in table {
    #expect(principal.arn == arn)
    #expect(principal.account == owner)
    #expect(!principal.userID.isEmpty)
  }
}
