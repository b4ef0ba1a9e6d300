import Base
import Fabric
import Store

extension SQSService {
  /// Removes every queue of the account in every Region, with its messages, tasks and the minute's rest of its name. Clients
  /// that wait at one of them are refused as after DeleteQueue. The rows of messages go in the background.
  public func removeAll(of account: AccountID) async throws {
    copies.removeAll(of: account)
    while true {
      let names = try await store.read { rows in
        try rows.entries(Keys.queues(of: account), limit: SQSLimits.queuesPerSweep).map { try Keys.queueName($0.key) }
      }
      for name in names {
        try await commits.run(name) { transaction in
          guard let queue = try transaction.queue(name) else { return }
          try transaction.remove(queue)
        }
      }
      guard names.isEmpty else { continue }
      return try await store.transact { rows in
        for range in [Keys.deleted(of: account), Keys.moveTasks(of: account), Keys.activeMoves(of: account)] {
          try rows.deleteAll(range)
        }
      }
    }
  }

  /// How deep the first 200 queues are, in the order of account, Region and name, as long as no more than 100,000 hidden rows
  /// are to be counted for that. How many queues are left out is a number of its own.
  public func measurements() async -> [Measurement] {
    let now = ambient.now
    // A store that is closing has nothing to tell; a scrape is no place to fail.
    guard let depths = try? await store.read({ rows in try QueueDepths(rows, at: now) }) else { return [] }
    var out = [
      Measurement("dewpoint_sqs_queues", .gauge, Double(depths.total), help: "Queues of all accounts and Regions."),
      Measurement(
        "dewpoint_sqs_queues_unmeasured", .gauge, Double(depths.total - depths.queues.count),
        help: "Queues whose depth is not told because there are too many queues or messages in flight."),
    ]
    for (name, counts, age) in depths.queues {
      let labels = [("account", name.account.text), ("region", name.region.text), ("queue", name.name)]
      func add(_ what: String, _ value: Double, _ help: String) {
        out.append(Measurement("dewpoint_sqs_" + what, .gauge, value, labels: labels, help: help))
      }
      add("messages_visible", Double(counts.visible), "Messages that can be received.")
      add("messages_in_flight", Double(counts.inFlight), "Messages received and neither deleted nor visible again.")
      add("messages_delayed", Double(counts.delayed), "Messages that cannot be received yet.")
      add("oldest_message_age_seconds", age, "Time since the oldest message was sent.")
    }
    return out
  }
}
