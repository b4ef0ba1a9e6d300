import Base
import Fabric
import Testing

@testable import Lambda

@Suite struct EnvironmentMachineTests {
  private let timeout = Duration.seconds(3)

  private func ready() -> EnvironmentMachine {
    var machine = EnvironmentMachine(timeout: timeout, now: .zero)
    _ = machine.handle(.nextAsked, now: .milliseconds(50))
    return machine
  }

  @Test func `a booted environment is free, runs one invocation, and is free as soon as it has answered`() {
    var machine = EnvironmentMachine(timeout: timeout, now: .zero)
    #expect(names(machine.handle(.nextAsked, now: .milliseconds(50))) == ["free"])
    #expect(names(machine.handle(.assigned(invocation("a")), now: .milliseconds(60))) == ["start a", "deliver a"])
    let answer = machine.handle(.responded(requestID: "a", Array("1".utf8)), now: .milliseconds(70))
    #expect(names(answer) == ["finish a 1 ok", "free"])
    // The next one waits for the runtime to ask.
    #expect(names(machine.handle(.assigned(invocation("b")), now: .milliseconds(71))) == [])
    #expect(names(machine.handle(.nextAsked, now: .milliseconds(72))) == ["start b", "deliver b"])
  }

  @Test func `the time of the init phase counts from when the environment's turn came`() {
    var machine = EnvironmentMachine(timeout: timeout, now: .zero)
    #expect(names(machine.handle(.turnCame, now: .seconds(60))) == [])
    #expect(machine.deadline == .seconds(70))
    #expect(names(machine.handle(.ticked, now: .seconds(69))) == [])
    #expect(names(machine.handle(.nextAsked, now: .seconds(69))) == ["free"])
  }

  @Test func `only the first invocation of a cold environment reports the init`() throws {
    var machine = ready()
    _ = machine.handle(.assigned(invocation("a")), now: .milliseconds(60))
    let first = try #require(usageOf(machine.handle(.responded(requestID: "a", []), now: .milliseconds(61))))
    #expect(first.initDuration == .milliseconds(50))
    #expect(first.duration == .milliseconds(1))
    _ = machine.handle(.nextAsked, now: .milliseconds(62))
    _ = machine.handle(.assigned(invocation("b")), now: .milliseconds(63))
    let second = try #require(usageOf(machine.handle(.responded(requestID: "b", []), now: .milliseconds(64))))
    #expect(second.initDuration == nil)
  }

  @Test func `a time-out answers the caller, kills the process and keeps the environment for the next invocation`() {
    var machine = ready()
    _ = machine.handle(.assigned(invocation("a")), now: .seconds(1))
    #expect(machine.deadline == .seconds(4))
    #expect(names(machine.handle(.ticked, now: .milliseconds(3999))) == [])
    #expect(names(machine.handle(.ticked, now: .seconds(4))) == ["finish a Sandbox.Timedout timeout", "kill"])
    // A late answer of the dying process is not taken.
    #expect(names(machine.handle(.responded(requestID: "a", []), now: .seconds(4))) == ["reject"])
    #expect(names(machine.handle(.exited(.signalled(9)), now: .seconds(4))) == ["free"])
    #expect(names(machine.handle(.assigned(invocation("b")), now: .seconds(5))) == ["launch"])
    #expect(names(machine.handle(.nextAsked, now: .seconds(6))) == ["start b", "deliver b"])
    // The suppressed init counted against the time-out of the invocation.
    #expect(machine.deadline == .seconds(8))
  }

  @Test func `a runtime that answers and never asks for more is killed at the deadline, and who waits gets a new process`() {
    var machine = ready()
    _ = machine.handle(.assigned(invocation("a")), now: .seconds(1))
    #expect(names(machine.handle(.responded(requestID: "a", Array("1".utf8)), now: .seconds(2))) == ["finish a 1 ok", "free"])
    _ = machine.handle(.assigned(invocation("b")), now: .seconds(3))
    #expect(machine.deadline == .seconds(4))
    #expect(names(machine.handle(.ticked, now: .seconds(4))) == ["kill"])
    #expect(names(machine.handle(.exited(.signalled(9)), now: .seconds(4))) == ["launch"])
  }

  @Test func `an environment whose silent runtime was killed is not said to be free twice`() {
    var machine = ready()
    _ = machine.handle(.assigned(invocation("a")), now: .seconds(1))
    _ = machine.handle(.responded(requestID: "a", []), now: .seconds(2))
    #expect(names(machine.handle(.ticked, now: .seconds(4))) == ["kill"])
    #expect(names(machine.handle(.exited(.signalled(9)), now: .seconds(4))) == [])
    #expect(names(machine.handle(.assigned(invocation("b")), now: .seconds(5))) == ["launch"])
  }

  @Test(arguments: [
    (ProcessEnd.exited(0), "Runtime.ExitError"), (.exited(127), "Runtime.ExitError"), (.signalled(11), "Runtime.ExitError"),
    (.outOfMemory, "Runtime.OutOfMemory"), (.notStarted("no"), "Runtime.InvalidEntrypoint"),
  ])
  func `a runtime that ends during an invocation fails it and is booted again for the next`(end: ProcessEnd, type: String) {
    var machine = ready()
    _ = machine.handle(.assigned(invocation("a")), now: .seconds(1))
    #expect(names(machine.handle(.exited(end), now: .seconds(2))) == ["fault a \(type)", "finish a \(type) error", "free"])
    #expect(names(machine.handle(.assigned(invocation("b")), now: .seconds(3))) == ["launch"])
  }

  @Test func `a failed init is reported, done over inside the first invocation, and then answers it`() {
    var machine = EnvironmentMachine(timeout: timeout, now: .zero)
    let error = FunctionError(type: "Runtime.ImportModuleError", body: Array(#"{"errorType":"Runtime.ImportModuleError"}"#.utf8))
    #expect(names(machine.handle(.initErrorPosted(error), now: .milliseconds(40))) == ["kill"])
    #expect(
      names(machine.handle(.exited(.exited(1)), now: .milliseconds(41))) == ["init report error Runtime.ImportModuleError", "free"])
    #expect(names(machine.handle(.assigned(invocation("a")), now: .milliseconds(50))) == ["launch"])
    _ = machine.handle(.initErrorPosted(error), now: .milliseconds(90))
    #expect(
      names(machine.handle(.exited(.signalled(9)), now: .milliseconds(91)))
        == ["invoke report error Runtime.ImportModuleError", "start a", "finish a Runtime.ImportModuleError error", "free"])
  }

  @Test func `an init that takes longer than ten seconds is cut off and done over under the function's time-out`() {
    var machine = EnvironmentMachine(timeout: timeout, now: .zero)
    #expect(machine.deadline == .seconds(10))
    #expect(names(machine.handle(.ticked, now: .seconds(10))) == ["kill"])
    #expect(names(machine.handle(.nextAsked, now: .seconds(10))) == ["reject"])
    #expect(names(machine.handle(.exited(.signalled(9)), now: .seconds(10))) == ["init report timeout -", "free"])
    _ = machine.handle(.assigned(invocation("a")), now: .seconds(11))
    #expect(machine.deadline == .seconds(14))
    #expect(names(machine.handle(.ticked, now: .seconds(14))) == ["start a", "finish a Sandbox.Timedout timeout", "kill"])
  }

  @Test func `what is made ready ahead may take longer, and its first invocation reports no init`() {
    var machine = EnvironmentMachine(timeout: timeout, initialization: .provisioned, now: .zero)
    #expect(machine.deadline == .seconds(130))
    #expect(EnvironmentMachine(timeout: .seconds(600), initialization: .provisioned, now: .zero).deadline == .seconds(600))
    #expect(names(machine.handle(.nextAsked, now: .seconds(60))) == ["free"])
    _ = machine.handle(.assigned(invocation("a")), now: .seconds(70))
    let usage = usageOf(machine.handle(.responded(requestID: "a", []), now: .seconds(71)))
    #expect(usage?.duration == .seconds(1) && usage?.initDuration == nil)
  }

  @Test func `what fails while it is made ready ahead is reported and never runs, and later it is reset like others`() {
    var machine = EnvironmentMachine(timeout: timeout, initialization: .provisioned, now: .zero)
    _ = machine.handle(.initErrorPosted(.make("Runtime.ImportModuleError", "no")), now: .seconds(1))
    #expect(
      names(machine.handle(.exited(.signalled(9)), now: .seconds(1)))
        == ["init report error Runtime.ImportModuleError", "init failed Runtime.ImportModuleError"])
    machine = EnvironmentMachine(timeout: timeout, initialization: .provisioned, now: .zero)
    #expect(names(machine.handle(.ticked, now: .seconds(130))) == ["kill"])
    #expect(names(machine.handle(.exited(.signalled(9)), now: .seconds(130))) == ["init report timeout -", "init failed Sandbox.Timedout"])
    machine = EnvironmentMachine(timeout: timeout, initialization: .provisioned, now: .zero)
    _ = machine.handle(.nextAsked, now: .seconds(1))
    #expect(names(machine.handle(.exited(.exited(1)), now: .seconds(2))) == [])
    #expect(names(machine.handle(.assigned(invocation("a")), now: .seconds(3))) == ["launch"])
  }

  @Test func `an invocation that waits for a runtime which ends after its answer is run by a new process`() {
    var machine = ready()
    _ = machine.handle(.assigned(invocation("a")), now: .seconds(1))
    _ = machine.handle(.responded(requestID: "a", []), now: .seconds(1))
    _ = machine.handle(.assigned(invocation("b")), now: .seconds(1))
    #expect(names(machine.handle(.exited(.exited(0)), now: .seconds(1))) == ["launch"])
    #expect(names(machine.handle(.nextAsked, now: .seconds(2))) == ["start b", "deliver b"])
  }

  @Test func `answers for another invocation are rejected`() {
    var machine = ready()
    _ = machine.handle(.assigned(invocation("a")), now: .seconds(1))
    #expect(names(machine.handle(.responded(requestID: "other", []), now: .seconds(1))) == ["reject"])
    #expect(names(machine.handle(.nextAsked, now: .seconds(1))) == ["reject"])
    #expect(names(machine.handle(.responded(requestID: "a", Array("2".utf8)), now: .seconds(1))) == ["finish a 2 ok", "free"])
  }

  @Test func `a stopped environment ends what it runs and takes no more`() {
    var machine = ready()
    _ = machine.handle(.assigned(invocation("a")), now: .seconds(1))
    #expect(names(machine.handle(.stopAsked, now: .seconds(1))) == ["finish a system ok", "kill", "gone"])
    #expect(names(machine.handle(.exited(.signalled(9)), now: .seconds(1))) == [])
    #expect(names(machine.handle(.stopAsked, now: .seconds(1))) == [])
    #expect(names(machine.handle(.assigned(invocation("b")), now: .seconds(2))) == ["finish b system ok"])
  }

  @Test func `an environment that cannot be launched answers whoever waits and is gone`() {
    var machine = ready()
    _ = machine.handle(.exited(.exited(0)), now: .seconds(1))
    _ = machine.handle(.assigned(invocation("a")), now: .seconds(1))
    #expect(names(machine.handle(.launchFailed("no"), now: .seconds(2))) == ["finish a system ok", "gone"])
  }

  // Streamed answers.

  /// An environment that sends its answer to `a` in pieces.
  private func streaming() -> EnvironmentMachine {
    var machine = ready()
    _ = machine.handle(.assigned(invocation("a")), now: .seconds(1))
    #expect(names(machine.handle(.streamBegan(requestID: "a"), now: .seconds(1))) == [])
    return machine
  }

  @Test func `an invocation whose answer is streamed ends with the stream`() {
    var machine = streaming()
    #expect(machine.deadline == .seconds(4))
    #expect(names(machine.handle(.streamEnded(requestID: "a", .success([])), now: .seconds(2))) == ["finish a  ok", "free"])
    #expect(names(machine.handle(.nextAsked, now: .seconds(2))) == [])
  }

  @Test func `a stream is the only answer to its invocation, and begins once`() {
    var machine = streaming()
    #expect(names(machine.handle(.streamBegan(requestID: "a"), now: .seconds(1))) == ["reject"])
    #expect(names(machine.handle(.responded(requestID: "a", []), now: .seconds(1))) == ["reject"])
    #expect(names(machine.handle(.errorPosted(requestID: "a", .truncated), now: .seconds(1))) == ["reject"])
    #expect(names(machine.handle(.streamEnded(requestID: "other", .success([])), now: .seconds(1))) == ["reject"])
    var other = ready()
    #expect(names(other.handle(.streamBegan(requestID: "a"), now: .seconds(1))) == ["reject"])
    _ = other.handle(.assigned(invocation("a")), now: .seconds(1))
    #expect(names(other.handle(.streamEnded(requestID: "a", .success([])), now: .seconds(1))) == ["reject"])
  }

  @Test func `a stream that fails in its middle is a function error`() {
    var machine = streaming()
    let error = FunctionError(type: "Function.Custom", body: Array(#"{"errorType":"Custom"}"#.utf8))
    let actions = machine.handle(.streamEnded(requestID: "a", .functionError(error)), now: .seconds(2))
    #expect(names(actions) == ["finish a Custom error", "free"])
  }

  @Test func `time runs out in the middle of a stream, too`() {
    var machine = streaming()
    #expect(names(machine.handle(.ticked, now: .seconds(4))) == ["finish a Sandbox.Timedout timeout", "kill"])
    #expect(names(machine.handle(.streamEnded(requestID: "a", .success([])), now: .seconds(4))) == ["reject"])
    #expect(names(machine.handle(.streamBroke(requestID: "a"), now: .seconds(4))) == [])
    #expect(names(machine.handle(.exited(.signalled(9)), now: .seconds(4))) == ["free"])
  }

  @Test(arguments: [(ProcessEnd.exited(1), "Runtime.ExitError"), (.outOfMemory, "Runtime.OutOfMemory"), (.signalled(11), "Runtime.ExitError")])
  func `a process that ends in its stream leaves it truncated, whichever of the two is noticed first`(_ end: ProcessEnd, _ type: String) {
    for isSeen in [false, true] {
      var machine = streaming()
      if isSeen { #expect(names(machine.handle(.streamBroke(requestID: "a"), now: .seconds(2))) == ["kill"]) }
      let actions = machine.handle(.exited(end), now: .seconds(2))
      #expect(names(actions) == ["fault a \(type)", "finish a Runtime.TruncatedResponse error", "free"])
      #expect(usageOf(actions)?.errorType == type)
    }
  }

  @Test func `a runtime that cuts its stream off is ended for it`() {
    var machine = streaming()
    #expect(names(machine.handle(.streamBroke(requestID: "a"), now: .seconds(2))) == ["kill"])
    let actions = machine.handle(.exited(.signalled(9)), now: .seconds(2))
    #expect(names(actions) == ["fault a Runtime.ExitError", "finish a Runtime.TruncatedResponse error", "free"])
    #expect(usageOf(actions)?.errorType == "Runtime.TruncatedResponse")
  }

  @Test func `an environment that is stopped in its stream ends it`() {
    var machine = streaming()
    #expect(names(machine.handle(.stopAsked, now: .seconds(2))) == ["finish a system ok", "kill", "gone"])
  }
}
