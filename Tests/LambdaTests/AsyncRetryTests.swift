import Base
import Fabric
import Testing

@testable import Lambda

@Suite struct AsyncRetryTests {
  private let accepted = Instant(seconds: 1_700_000_000)
  private var event: AsyncEvent {
    AsyncEvent(
      requestID: "r", function: FunctionID(account: .local, region: .usEast1, name: "f"), payload: Array("{}".utf8),
      trace: TraceContext(root: "1-00000000-000000000000000000000000"), acceptedAt: accepted, failures: 0, refusals: 0)
  }
  private let failure = FunctionError(body: Array(#"{"errorMessage":"no"}"#.utf8))

  @Test func `a failing event is tried again after one minute, after two more, and then given up`() {
    guard case .retry(let second, let first) = AsyncRetry.after(.functionFailed(failure), of: event, now: accepted) else {
      Issue.record("no retry"); return
    }
    #expect(first == accepted + .minutes(1))
    guard case .retry(let third, let next) = AsyncRetry.after(.functionFailed(failure), of: second, now: first) else {
      Issue.record("no retry"); return
    }
    #expect(next == first + .minutes(2))
    #expect(AsyncRetry.after(.functionFailed(failure), of: third, now: next) == .giveUp(.retriesExhausted(failure)))
  }

  @Test(arguments: [(1, 1), (2, 2), (3, 4), (8, 128), (9, 256), (10, 300), (30, 300)])
  func `an event that cannot run waits from one second to five minutes, twice as long each time`(refusal: Int, seconds: Int) {
    var event = event
    event.refusals = refusal - 1
    guard case .retry(let changed, let due) = AsyncRetry.after(.notRun(reason: "429"), of: event, now: accepted) else {
      Issue.record("no retry"); return
    }
    #expect(due == accepted + .seconds(seconds))
    #expect(changed.failures == 0)
  }

  @Test func `an event is given up when the next attempt would come after six hours`() {
    let now = accepted + .hours(6) - .seconds(1)
    var event = event
    event.refusals = 20
    #expect(AsyncRetry.after(.notRun(reason: "429"), of: event, now: now) == .giveUp(.ageExceeded))
  }

  @Test func `the function's own settings change attempts and age`() {
    let none = EventInvokeSettings(maximumRetryAttempts: 0, maximumEventAge: .seconds(60), lastModified: accepted)
    #expect(
      AsyncRetry.after(.functionFailed(failure), of: event, settings: none, now: accepted)
        == .giveUp(.retriesExhausted(failure)))
    #expect(
      AsyncRetry.after(.notRun(reason: "429"), of: event, settings: none, now: accepted + .seconds(60)) == .giveUp(.ageExceeded))
  }

  @Test func `an event that waited for longer than its age is not run, whoever kept it`() {
    let short = EventInvokeSettings(maximumEventAge: .seconds(60), lastModified: accepted)
    for (settings, age) in [(nil, Duration.hours(6)), (short, .seconds(60))] {
      #expect(!AsyncRetry.isTooOld(event, settings: settings, now: accepted + age))
      #expect(AsyncRetry.isTooOld(event, settings: settings, now: accepted + age + .milliseconds(1)))
    }
    #expect(AsyncRetry.after(.tooOld, of: event, now: accepted) == .giveUp(.ageExceeded))
  }

  @Test func `reserved concurrency zero and a deleted function end it at once`() {
    #expect(AsyncRetry.after(.stoppedByZeroReservation, of: event, now: accepted) == .giveUp(.zeroReservation))
    #expect(AsyncRetry.after(.functionGone, of: event, now: accepted) == .giveUp(.functionGone))
    #expect(AsyncRetry.after(.succeeded, of: event, now: accepted) == .complete)
  }

  @Test func `an event is the same after it was stored`() throws {
    var event = event
    event.qualifier = "live"
    event.failures = 2
    #expect(try AsyncEvent(row: event.row) == event)
  }
}
