import Base
import Fabric
import Testing

@testable import Lambda

private let function = FunctionID(account: .local, region: .usEast1, name: "f")

@Suite struct RateLimitsTests {
  @Test func `a function adds a thousand environments at once, and then a hundred in a second`() {
    var limits = RateLimits()
    let start = Duration.seconds(50)
    func granted(of count: Int, at time: Duration) -> Int { (0..<count).count { _ in limits.mayScale(function, time) } }
    let (first, second, later) = (
      granted(of: 1001, at: start), granted(of: 101, at: start + .seconds(1)), granted(of: 2000, at: start + .hours(1))
    )
    #expect(first == 1000 && second == 100)
    // What is not used does not accrue beyond a thousand.
    #expect(later == 1000)
    let other = limits.mayScale(FunctionID(account: .local, region: .usEast1, name: "g"), start)
    #expect(other)
  }

  @Test(arguments: [(1, 10), (5, 50), (1000, 10_000)])
  func `a function takes ten requests a second for each concurrent execution`(executions: Int, requests: Int) {
    var limits = RateLimits()
    let start = Duration.seconds(1)
    func granted(at time: Duration) -> Int {
      (0...requests).count { _ in limits.mayRequest(function, executions: executions, time) }
    }
    let (first, second) = (granted(at: start), granted(at: start + .milliseconds(500)))
    #expect(first == requests && second == requests / 2)
  }

  @Test func `the functions of an account share ten requests a second for each execution of its quota`() {
    var limits = RateLimits()
    let scope = ConcurrencyLedger.Scope(function)
    let granted = (0...50).count { _ in limits.mayCall(scope, executions: 5, .zero) }
    let elsewhere = limits.mayCall(
      ConcurrencyLedger.Scope(FunctionID(account: .one, region: .usEast1, name: "f")), executions: 5, .zero)
    #expect(granted == 50 && elsewhere)
  }

  @Test func `a changed reservation counts at once`() {
    var limits = RateLimits()
    for _ in 0..<10 { _ = limits.mayRequest(function, executions: 1, .zero) }
    let (before, after) = (
      limits.mayRequest(function, executions: 1, .zero), limits.mayRequest(function, executions: 2, .zero)
    )
    #expect(!before && after)
  }
}

@Suite struct LineageTests {
  private let a = FunctionID(account: .local, region: .usEast1, name: "a")
  private let b = FunctionID(account: .local, region: .usEast1, name: "b")

  @Test func `a trace counts how often it came through each function`() {
    var trace = TraceContext(root: "1-00000000-000000000000000000000000")
    for _ in 0..<3 { trace = trace.visiting(a).visiting(b) }
    trace = trace.visiting(a)
    let lineage = Lineage(TraceContext(header: trace.header)?.lineage)
    #expect(lineage.count(of: a) == 4 && lineage.count(of: b) == 3)
  }

  @Test(arguments: ["", "x", "0123456:1", "01234567:-1", "01234567:", "|||", "01234567:99999999999999999999"])
  func `a lineage from a hostile caller is only what can be read of it`(text: String) {
    var lineage = Lineage(text)
    lineage.visit(a)
    #expect(lineage.count(of: a) == 1)
  }

  @Test func `a lineage does not grow for ever`() {
    var lineage = Lineage(nil)
    for n in 0..<1000 { lineage.visit(FunctionID(account: .local, region: .usEast1, name: "f\(n)")) }
    #expect(lineage.text.utf8.count < 512)
  }
}
