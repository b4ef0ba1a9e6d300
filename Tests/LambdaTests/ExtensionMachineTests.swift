import Base
import Fabric
import Testing

@testable import Lambda

/// The life of an environment with extensions.
@Suite struct ExtensionMachineTests {
  private let timeout = Duration.seconds(3)

  private func register(_ machine: inout EnvironmentMachine, _ name: String, _ events: [String]) throws -> [String] {
    names(try machine.register(name, id: name, events: events, now: .milliseconds(10)).get())
  }

  /// With two programs, one for all events, the other for invocations only, that wait like the runtime for the first invocation.
  private func ready() throws -> EnvironmentMachine {
    var machine = EnvironmentMachine(timeout: timeout, now: .zero)
    #expect(names(machine.handle(.prepared(extensions: ["a", "b"]), now: .zero)) == ["start extensions a b"])
    #expect(try register(&machine, "a", ["INVOKE", "SHUTDOWN"]) == [])
    #expect(try register(&machine, "b", ["INVOKE"]) == ["start runtime"])
    #expect(names(machine.handle(.extensionAsked(id: "a"), now: .milliseconds(20))) == [])
    #expect(names(machine.handle(.nextAsked, now: .milliseconds(30))) == [])
    #expect(names(machine.handle(.extensionAsked(id: "b"), now: .milliseconds(40))) == ["a is Ready", "b is Ready", "free"])
    return machine
  }

  @Test func `the runtime starts when all programs have registered, and the init ends when all have asked for work`() throws {
    var machine = try ready()
    #expect(
      names(machine.handle(.assigned(invocation("1")), now: .milliseconds(50))) == ["start 1", "invoke a b 1", "deliver 1"])
    #expect(machine.extensions.members.allSatisfy { $0.stage == .running })
  }

  @Test func `the caller is answered at once, the environment is free when the extensions are done`() throws {
    var machine = try ready()
    _ = machine.handle(.assigned(invocation("1")), now: .milliseconds(50))
    #expect(names(machine.handle(.extensionAsked(id: "b"), now: .milliseconds(55))) == [])
    #expect(names(machine.handle(.responded(requestID: "1", Array("x".utf8)), now: .milliseconds(60))) == ["answer 1 x"])
    #expect(names(machine.handle(.nextAsked, now: .milliseconds(61))) == [])
    #expect(!machine.isResting)
    let last = machine.handle(.extensionAsked(id: "a"), now: .milliseconds(90))
    #expect(names(last) == ["finish 1 x ok", "free"])
    #expect(machine.isResting)
    let usage = try #require(usageOf(last))
    #expect(usage.duration == .milliseconds(40))
    #expect(usage.responseLatency == .milliseconds(10) && usage.runtimeOverhead == .milliseconds(1))
    #expect(usage.extensionOverhead == .milliseconds(29))
    // The init of a cold environment is reported once.
    #expect(usage.initDuration == .milliseconds(40))
  }

  @Test func `an extension that does not come to an end times the invocation out, whose caller has the answer`() throws {
    var machine = try ready()
    _ = machine.handle(.assigned(invocation("1")), now: .seconds(1))
    _ = machine.handle(.responded(requestID: "1", Array("x".utf8)), now: .seconds(1))
    _ = machine.handle(.nextAsked, now: .seconds(1))
    #expect(names(machine.handle(.ticked, now: .seconds(4))) == ["finish 1 x timeout", "terminate runtime"])
    #expect(names(machine.handle(.runtimeEnded(.signalled(15)), now: .milliseconds(4010))) == ["shut down a timeout"])
    #expect(machine.deadline == .seconds(6))
    #expect(names(machine.handle(.extensionEnded(name: "a", .exited(0)), now: .milliseconds(4050))) == ["kill"])
    #expect(names(machine.handle(.exited(.signalled(9)), now: .milliseconds(4051))) == ["free"])
    // Everything is started again for the next one.
    #expect(names(machine.handle(.assigned(invocation("2")), now: .seconds(5))) == ["launch"])
    #expect(names(machine.handle(.prepared(extensions: ["a"]), now: .seconds(5))) == ["start extensions a"])
    #expect(try register(&machine, "a", []) == ["start runtime"])
    _ = machine.handle(.extensionAsked(id: "a"), now: .seconds(6))
    #expect(names(machine.handle(.nextAsked, now: .seconds(6))) == ["a is Ready", "start 2", "deliver 2"])
  }

  @Test func `a runtime that ends fails the invocation, and the extensions are told of the failure`() throws {
    var machine = try ready()
    _ = machine.handle(.assigned(invocation("1")), now: .seconds(1))
    #expect(
      names(machine.handle(.runtimeEnded(.exited(3)), now: .seconds(2)))
        == ["fault 1 Runtime.ExitError", "finish 1 Runtime.ExitError error", "shut down a failure"])
    // It does not end in its two seconds.
    #expect(names(machine.handle(.ticked, now: .milliseconds(3999))) == [])
    #expect(names(machine.handle(.ticked, now: .seconds(4))) == ["kill"])
    #expect(names(machine.handle(.exited(.signalled(9)), now: .seconds(4))) == ["free"])
  }

  @Test(arguments: [
    (nil, ProcessEnd.exited(0), "Extension.Crash", "exit code 0"), (nil, .exited(255), "Extension.Crash", "exit status 255"),
    (nil, .signalled(11), "Extension.Crash", "signal: segmentation fault"),
    ("exit", .exited(1), "Extension.ExitError", "exit status 1"),
  ] as [(String?, ProcessEnd, String, String)])
  func `an extension that ends during an invocation fails it`(report: String?, end: ProcessEnd, type: String, words: String) throws {
    var machine = try ready()
    _ = machine.handle(.assigned(invocation("1")), now: .seconds(1))
    if report != nil {
      #expect(names(machine.handle(.extensionReported(id: "b", isInit: false, type: "Extension.My"), now: .seconds(1))) == [])
    }
    let actions = machine.handle(.extensionEnded(name: "b", end), now: .seconds(2))
    #expect(names(actions) == ["fault 1 \(type)", "finish 1 \(type) error", "terminate runtime"])
    for case .finish(_, .functionError(let error), _) in actions { #expect(error.message == "RequestId: 1 Error: \(words)") }
    #expect(names(machine.handle(.ticked, now: .milliseconds(2300))) == ["kill runtime", "shut down a failure"])
    #expect(names(machine.handle(.extensionEnded(name: "a", .exited(0)), now: .milliseconds(2400))) == ["kill"])
  }

  @Test func `an extension that fails in the init is named in the log, and the init is done over by the next invocation`() throws {
    var machine = EnvironmentMachine(timeout: timeout, now: .zero)
    _ = machine.handle(.prepared(extensions: ["a", "b"]), now: .zero)
    #expect(try register(&machine, "a", ["INVOKE"]) == [])
    #expect(names(machine.handle(.extensionReported(id: "a", isInit: true, type: "Extension.Bad"), now: .milliseconds(1))) == [])
    #expect(names(machine.handle(.extensionEnded(name: "a", .exited(0)), now: .milliseconds(2))) == ["a is InitError", "b is Started", "kill"])
    #expect(
      names(machine.handle(.exited(.signalled(9)), now: .milliseconds(3))) == ["init report error Extension.InitError", "free"])
    _ = machine.handle(.assigned(invocation("1")), now: .seconds(1))
    _ = machine.handle(.prepared(extensions: ["a"]), now: .seconds(1))
    #expect(
      names(machine.handle(.extensionNotStarted(name: "a", reason: "no", type: "PermissionDenied"), now: .seconds(2)))
        == ["a is LaunchError", "fault 1 Extension.LaunchError", "kill"])
    #expect(
      names(machine.handle(.exited(.signalled(9)), now: .seconds(2)))
        == ["invoke report error Extension.LaunchError", "start 1", "finish 1 Extension.LaunchError error", "free"])
  }

  @Test func `eleven programs are too many`() {
    var machine = EnvironmentMachine(timeout: timeout, now: .zero)
    let actions = names(machine.handle(.prepared(extensions: (0...10).map { "e\($0)" }), now: .zero))
    #expect(actions.first == "e0 is LaunchError" && actions.last == "kill")
    #expect(names(machine.handle(.exited(.signalled(9)), now: .zero)) == ["init report error Extension.LaunchError", "free"])
  }

  @Test func `an environment that is not needed any more tells its extensions before it goes`() throws {
    var machine = try ready()
    #expect(names(machine.handle(.stopAsked, now: .seconds(9))) == ["terminate runtime"])
    #expect(machine.deadline == .milliseconds(9300))
    #expect(names(machine.handle(.runtimeEnded(.exited(0)), now: .milliseconds(9100))) == ["shut down a spindown"])
    #expect(names(machine.handle(.stopAsked, now: .milliseconds(9150))) == [])
    #expect(names(machine.handle(.extensionEnded(name: "a", .exited(0)), now: .milliseconds(9200))) == ["kill", "gone"])
    #expect(names(machine.handle(.exited(.signalled(9)), now: .milliseconds(9201))) == [])
  }

  @Test func `a runtime with an internal extension gets half a second to end by itself`() throws {
    var machine = EnvironmentMachine(timeout: timeout, now: .zero)
    #expect(try register(&machine, "inner", ["INVOKE"]) == [])
    #expect(names(machine.handle(.nextAsked, now: .milliseconds(5))) == [])
    #expect(names(machine.handle(.extensionAsked(id: "inner"), now: .milliseconds(6))) == ["inner is Ready", "free"])
    #expect(names(machine.handle(.stopAsked, now: .seconds(1))) == ["terminate runtime"])
    #expect(machine.deadline == .milliseconds(1500))
    #expect(names(machine.handle(.ticked, now: .milliseconds(1500))) == ["kill runtime", "kill", "gone"])
  }

  @Test func `registration ends when the runtime is initialised`() throws {
    var machine = try ready()
    let refusal = machine.register("late", id: "late", events: [], now: .seconds(1))
    #expect(throws: ExtensionSet.Refusal(type: "Extension.RegistrationClosed", message: "Extension registration closed already")) {
      try refusal.get()
    }
  }
}

/// The life of an environment that is initialised ahead of its first invocation.
@Suite struct SnapshotMachineTests {
  private func snapshotted() -> EnvironmentMachine {
    var machine = EnvironmentMachine(timeout: .seconds(3), initialization: .snapStart, now: .zero)
    #expect(machine.deadline == .seconds(130))
    #expect(names(machine.handle(.restoreAsked, now: .seconds(20))) == ["free"])
    #expect(machine.isResting)
    return machine
  }

  @Test func `an environment waits after its init until an invocation restores it`() throws {
    var machine = snapshotted()
    #expect(names(machine.handle(.assigned(invocation("1")), now: .seconds(100))) == ["restore"])
    #expect(names(machine.handle(.nextAsked, now: .milliseconds(100_200))) == ["restore report success -", "start 1", "deliver 1"])
    let usage = try #require(usageOf(machine.handle(.responded(requestID: "1", []), now: .milliseconds(100_300))))
    #expect(usage.initDuration == nil && usage.restoreDuration == .milliseconds(200) && usage.duration == .milliseconds(100))
    #expect(usage.billedMilliseconds == 300)
  }

  @Test func `an invocation that comes during the init is restored right after it`() {
    var machine = EnvironmentMachine(timeout: .seconds(3), initialization: .snapStart, now: .zero)
    #expect(names(machine.handle(.assigned(invocation("1")), now: .zero)) == [])
    #expect(names(machine.handle(.restoreAsked, now: .seconds(1))) == ["restore"])
  }

  @Test func `hooks that fail or take too long fail the invocation, and the environment is reset`() {
    var failing = snapshotted()
    _ = failing.handle(.assigned(invocation("1")), now: .seconds(100))
    #expect(
      names(failing.handle(.restoreErrorPosted(.make("Runtime.AfterRestoreError", "no")), now: .seconds(101)))
        == ["restore report error Runtime.AfterRestoreError", "start 1", "finish 1 Runtime.AfterRestoreError error", "kill"])
    #expect(names(failing.handle(.exited(.exited(65)), now: .seconds(101))) == ["free"])
    var slow = snapshotted()
    _ = slow.handle(.assigned(invocation("1")), now: .seconds(100))
    #expect(
      names(slow.handle(.ticked, now: .seconds(110))) == ["restore report timeout -", "start 1", "finish 1 Sandbox.Timedout timeout", "kill"])
  }

  @Test func `an init that fails ahead of use is told and not tried again`() {
    var machine = EnvironmentMachine(timeout: .seconds(3), initialization: .snapStart, now: .zero)
    _ = machine.handle(.initErrorPosted(.make("Runtime.ImportModuleError", "no")), now: .seconds(1))
    #expect(
      names(machine.handle(.exited(.signalled(9)), now: .seconds(1)))
        == ["init report error Runtime.ImportModuleError", "init failed Runtime.ImportModuleError"])
  }

  @Test func `only an environment that is to be restored may ask for it`() {
    var machine = EnvironmentMachine(timeout: .seconds(3), now: .zero)
    #expect(names(machine.handle(.restoreAsked, now: .seconds(1))) == ["reject"])
  }
}

@Suite struct ExtensionSetTests {
  private func refusal(_ body: () throws -> Void) -> String? {
    do { try body() } catch { return (error as? ExtensionSet.Refusal)?.message }
    return nil
  }

  @Test func `what an extension may register for depends on whether it is a program of its own`() throws {
    var set = ExtensionSet(external: ["outer"])
    #expect(refusal { _ = try set.register("inner", id: "1", events: ["SHUTDOWN"]) } == "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension")
    #expect(refusal { _ = try set.register("inner", id: "1", events: ["REBOOT"]) } == "REBOOT: ErrorInvalidEventType")
    #expect(refusal { _ = try set.register("", id: "1", events: []) } == "Empty extension name")
    #expect(try set.register("outer", id: "1", events: ["SHUTDOWN", "SHUTDOWN"]).events == [.shutdown])
    #expect(try set.register("inner", id: "2", events: ["INVOKE"]).isExternal == false)
    #expect(refusal { _ = try set.register("inner", id: "3", events: []) } == "Extension with this name already registered")
    #expect(
      refusal { _ = try set.register("outer", id: "3", events: []) }
        == "State transition from Registered to Registered failed for extension outer. Error: State transition is not allowed")
  }

  @Test func `there are at most ten`() throws {
    var set = ExtensionSet(external: ["outer"])
    for number in 1...9 { _ = try set.register("inner \(number)", id: "\(number)", events: []) }
    #expect(refusal { _ = try set.register("inner 10", id: "10", events: []) } == "Extension limit (10) reached")
    _ = try set.register("outer", id: "11", events: [])
  }

  @Test func `an unknown identifier, and requests out of turn, are refused`() throws {
    var set = ExtensionSet(external: ["outer"])
    _ = try set.register("outer", id: "1", events: ["INVOKE"])
    #expect(refusal { try set.askedNext("9") } == "Unknown extension 9")
    #expect(refusal { try set.reported("9", isInit: true, type: "T") } == "Unknown Lambda-Extension-Identifier")
    try set.askedNext("1")
    #expect(
      refusal { try set.reported("1", isInit: true, type: "T") }
        == "State transition from Ready to InitError failed for extension outer. Error: State transition is not allowed")
    try set.reported("1", isInit: false, type: "T")
    try set.reported("1", isInit: false, type: "later")
    #expect(set.members[0].errorType == "T")
    #expect(
      refusal { try set.askedNext("1") }
        == "State transition from ExitError to Ready failed for extension outer. Error: State transition is not allowed")
  }
}
