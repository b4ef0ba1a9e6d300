import Base

/// What a target gets: the input of the schedule with its keywords replaced (EventBridge Scheduler User Guide, "Adding context attributes").
struct InvocationContext: Sendable {
  var schedule: ScheduleName
  var scheduledAt: Instant
  var executionID: String
  /// From 1 on.
  var attempt: Int

  func replacing(in text: String) -> String {
    guard text.contains("<aws.scheduler.") else { return text }
    return text.replacing("<aws.scheduler.schedule-arn>", by: schedule.arn)
      .replacing("<aws.scheduler.scheduled-time>", by: scheduledAt.wholeSeconds.iso8601)
      .replacing("<aws.scheduler.execution-id>", by: executionID)
      .replacing("<aws.scheduler.attempt-number>", by: String(attempt))
  }

  /// What a templated target gets when the schedule has no input.
  var standardEvent: String {
    let event: JSON = [
      "version": "0", "id": .string(executionID), "detail-type": "Scheduled Event", "source": "aws.scheduler",
      "account": .string(schedule.account.text), "time": .string(scheduledAt.wholeSeconds.iso8601),
      "region": .string(schedule.region.text), "resources": [.string(schedule.arn)], "detail": "{}",
    ]
    return event.text
  }
}

extension Instant {
  var wholeSeconds: Instant { Instant(seconds: seconds) }
}
