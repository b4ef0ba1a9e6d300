import Base
import Testing

@testable import EventBridge

private func target(attempts: Int? = nil, age: Int? = nil) -> Target {
  var target = Target(id: "t", arn: "arn:aws:sqs:us-east-1:111111111111:q")
  (target.maximumAttempts, target.maximumAgeSeconds) = (attempts, age)
  return target
}

@Test func `by default an event is tried for a day, 185 times again`() {
  var (now, attempts) = (Instant.epoch, 0)
  while true {
    attempts += 1
    let verdict = RetrySchedule.verdict(
      after: .internalError, attempts: attempts, acceptedAt: .epoch, target: target(), now: now, jitter: 0.5)
    guard case .retry(let at) = verdict else {
      #expect(verdict == .giveUp(.attempts))
      break
    }
    #expect(at > now)
    now = at
  }
  #expect(attempts == 186)
  #expect((80_000...86_400).contains(now.seconds), "\(now.seconds)")
}

@Test(arguments: [0, 1, 5])
func `so many attempts as the target wants`(maximum: Int) {
  for attempts in 1...(maximum + 1) {
    let verdict = RetrySchedule.verdict(
      after: .throttling, attempts: attempts, acceptedAt: .epoch, target: target(attempts: maximum), now: .epoch, jitter: 0)
    #expect((verdict == .giveUp(.attempts)) == (attempts == maximum + 1))
  }
}

@Test func `the last attempt is made when the event's time is up`() {
  let target = target(age: 60)
  let late = RetrySchedule.verdict(
    after: .timeout, attempts: 9, acceptedAt: .epoch, target: target, now: Instant(seconds: 50), jitter: 0.5)
  #expect(late == .retry(at: Instant(seconds: 60)))
  let over = RetrySchedule.verdict(
    after: .timeout, attempts: 10, acceptedAt: .epoch, target: target, now: Instant(seconds: 60), jitter: 0.5)
  #expect(over == .giveUp(.age))
}

private let codes: [(String, ErrorCode, Bool)] = [
  ("AccessDeniedException", .noPermissions, false), ("AccessDenied", .noPermissions, false), ("QueueDoesNotExist", .noResource, false),
  ("ResourceNotFoundException", .noResource, false), ("NotFound", .noResource, false), ("NoSuchEntity", .noResource, false),
  ("ExecutionAlreadyExists", .resourceAlreadyExists, false), ("ThrottlingException", .throttling, true),
  ("TooManyRequestsException", .throttling, true), ("InternalFailure", .sdkClientError, true), ("TIMEOUT", .timeout, true),
  ("InvalidParameterValueException", .invalidParameter, false),
]

@Test(arguments: codes)
func `what no retry mends is not tried again`(code: String, expected: ErrorCode, isRetried: Bool) {
  let found = ErrorCode(AWSError(code, "text"))
  #expect(found == expected)
  #expect(found.isRetried == isRetried)
}

@Test func `pauses double and end at eight minutes, a tenth more or less`() {
  let seconds = (1...12).map { RetrySchedule.delay(after: $0, jitter: 0.5).inMilliseconds / 1000 }
  #expect(seconds == [1, 2, 4, 8, 16, 32, 64, 128, 256, 480, 480, 480])
  #expect(RetrySchedule.delay(after: 4, jitter: 0) == .milliseconds(7200))
  #expect(RetrySchedule.delay(after: 1_000_000, jitter: 0.999) < .seconds(529))
}
