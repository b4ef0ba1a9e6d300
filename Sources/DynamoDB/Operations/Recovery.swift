import Base
import Fabric
import Store
import Wire

extension UpdateContinuousBackupsInput: TableInput {}
extension DescribeContinuousBackupsInput: TableInput {}

/// Point-in-time recovery: while it is on, a table keeps what its items were before each change.
extension DynamoDBService {
  var recoveryOperations: [Operation] {
    [
      Operation("UpdateContinuousBackups", access: access("UpdateContinuousBackups"), run: updateContinuousBackups),
      Operation("DescribeContinuousBackups", access: access("DescribeContinuousBackups"), run: describeContinuousBackups),
    ]
  }

  private func updateContinuousBackups(
    _ input: UpdateContinuousBackupsInput, _ call: Call
  ) async throws -> UpdateContinuousBackupsOutput {
    let name = try name(input.tableName, call)
    let (isEnabled, days) = (
      input.pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled, input.pointInTimeRecoverySpecification.recoveryPeriodInDays
    )
    guard isEnabled || days == nil else {
      throw DynamoDBError.invalidParameters("RecoveryPeriodInDays can only be specified when PointInTimeRecoveryEnabled is true")
    }
    let table = try await change(name, missing: DynamoDBError.tableMissing(name.name)) { table, rows in
      if isEnabled {
        let since = table.recovery?.since ?? call.now
        table.recovery = Recovery(since: since, days: days ?? table.recovery?.days ?? DynamoDBLimits.recoveryDays)
      } else if table.recovery != nil {
        guard table.images.isEmpty else {
          throw AWSError("ContinuousBackupsUnavailableException", "Backups of the table are in progress: \(name.name)", status: 400)
        }
        table.recovery = nil
        try Log(Keys.history(table.id)).removeAll(rows)
      }
      return table
    }
    var output = UpdateContinuousBackupsOutput()
    output.continuousBackupsDescription = Self.description(table, call.now)
    return output
  }

  private func describeContinuousBackups(
    _ input: DescribeContinuousBackupsInput, _ call: Call
  ) async throws -> DescribeContinuousBackupsOutput {
    let name = try name(input.tableName, call)
    guard let stored = try await store.read({ try TableCache.read(name, $0) }) else { throw DynamoDBError.tableMissing(name.name) }
    var output = DescribeContinuousBackupsOutput()
    output.continuousBackupsDescription = Self.description(stored.table, call.now)
    return output
  }

  private static func description(_ table: Table, _ now: Instant) -> ContinuousBackupsDescription {
    var recovery = PointInTimeRecoveryDescription()
    recovery.pointInTimeRecoveryStatus = table.recovery == nil ? "DISABLED" : "ENABLED"
    if let known = table.recovery {
      recovery.recoveryPeriodInDays = known.days
      (recovery.earliestRestorableDateTime, recovery.latestRestorableDateTime) = (known.earliest(now), known.latest(now))
    }
    var out = ContinuousBackupsDescription()
    (out.continuousBackupsStatus, out.pointInTimeRecoveryDescription) = ("ENABLED", recovery)
    return out
  }

  /// Begins an image of the table as it was at a time; changes of that millisecond belong to it.
  static func beginImage(of table: inout Table, at time: Instant, _ rows: any Transaction) throws -> TableImage {
    let next = try Log(Keys.history(table.id)).number(since: time + .milliseconds(1), rows)
    return try beginImage(of: &table, .replaying(next: next), rows)
  }
}
