import Base
import Synchronization
import TestCloud
import Testing

@testable import DynamoDB

/// What several clients have done at the same time with items that count their own versions, as they saw it.
struct History {
  struct Action {
    /// Ticks of a common counter: when the call was made, and when its answer came.
    var began: Int
    var ended: Int
    /// The version of each item that was read.
    var reads: [String: Int]
    /// The version of each item that was made.
    var writes: [String: Int]
  }
  var actions: [Action] = []

  /// Nil when there is an order of all actions, in which each follows those that were over before it began, and in which each reads what
  /// the last one before it has written. Otherwise what speaks against it.
  func contradiction() -> String? {
    struct Place: Hashable { var item: String, version: Int }
    var writers: [Place: Int] = [:]
    for (number, action) in actions.enumerated() {
      for (item, version) in action.writes where writers.updateValue(number, forKey: Place(item: item, version: version)) != nil {
        return "version \(version) of \(item) was written twice: an update is lost"
      }
    }
    var after = [Set<Int>](repeating: [], count: actions.count)
    for (number, action) in actions.enumerated() {
      for (item, version) in action.writes where version > 1 {
        guard let before = writers[Place(item: item, version: version - 1)] else { return "version \(version - 1) of \(item) came from nowhere" }
        after[before].insert(number)
      }
      for (item, version) in action.reads {
        if version > 0 {
          guard let writer = writers[Place(item: item, version: version)] else { return "version \(version) of \(item) was read and never written" }
          if writer != number { after[writer].insert(number) }
        }
        if let next = writers[Place(item: item, version: version + 1)], next != number { after[number].insert(next) }
      }
      for (other, later) in actions.enumerated() where later.began > action.ended { after[number].insert(other) }
    }
    var waiting = [Int](repeating: 0, count: actions.count)
    for next in after { for number in next { waiting[number] += 1 } }
    var ready = actions.indices.filter { waiting[$0] == 0 }
    var count = 0
    while let number = ready.popLast() {
      count += 1
      for next in after[number] {
        waiting[next] -= 1
        if waiting[next] == 0 { ready.append(next) }
      }
    }
    return count == actions.count ? nil : "\(actions.count - count) actions are in a circle: there is no order of them"
  }
}

/// One client after the other may ask; the answers are what it has seen.
private final class Recording: Sendable {
  private let state = Mutex<(tick: Int, history: History)>((0, History()))
  func tick() -> Int { state.withLock { state in state.tick += 1; return state.tick } }
  func add(_ action: History.Action) { state.withLock { $0.history.actions.append(action) } }
  var history: History { state.withLock { $0.history } }
}

extension Tables {
  /// Writes whole groups of items, counts single ones, and reads groups.
  fileprivate func act(_ client: Int, _ count: Int, _ items: [String], _ recording: Recording) async throws {
    let random = SeededRandom(seed: UInt64(client))
    func number(below bound: Int) -> Int { Int(random.number(below: UInt64(bound))) }
    func key(_ item: String) -> JSON { Self.key(item, [1]) }
    for _ in 0..<count {
      let first = number(below: items.count)
      let group = (0..<(1 + number(below: 3))).map { items[(first + $0) % items.count] }
      switch number(below: 3) {
      case 0:
        // One update by itself, whose answer tells the version.
        let began = recording.tick()
        let output = try await call("UpdateItem", [
          "TableName": "tab", "Key": key(group[0]), "UpdateExpression": "ADD v :one", "ReturnValues": "UPDATED_NEW",
          "ExpressionAttributeValues": [":one": ["N": "1"]]])
        let version = Int(output["Attributes"]?["v"]?["N"]?.string ?? "") ?? -1
        recording.add(.init(began: began, ended: recording.tick(), reads: [group[0]: version - 1], writes: [group[0]: version]))
      case 1:
        let began = recording.tick()
        let seen = try await versions(of: group)
        recording.add(.init(began: began, ended: recording.tick(), reads: seen, writes: [:]))
      default:
        let seen = try await versions(of: group)
        let began = recording.tick()
        let writes: [JSON] = group.map { item in
          let version = seen[item] ?? 0
          var values = JSONObject([(":new", ["N": .string("\(version + 1)")])])
          if version > 0 { values[":old"] = ["N": .string("\(version)")] }
          return [
            "Update": [
              "TableName": "tab", "Key": key(item), "UpdateExpression": "SET v = :new",
              "ConditionExpression": .string(version == 0 ? "attribute_not_exists(v)" : "v = :old"),
              "ExpressionAttributeValues": .object(values),
            ]
          ]
        }
        do {
          try await call("TransactWriteItems", ["TransactItems": .array(writes)])
          recording.add(.init(began: began, ended: recording.tick(), reads: seen, writes: seen.mapValues { $0 + 1 }))
        } catch let error as AWSError where error.code == "TransactionCanceledException" {
          // Somebody was quicker. Nothing of it may be seen: what others read tells.
        }
      }
    }
  }
  private func versions(of items: [String]) async throws -> [String: Int] {
    let gets: [JSON] = items.map { ["Get": ["TableName": "tab", "Key": Self.key($0, [1])]] }
    let answers = try await call("TransactGetItems", ["TransactItems": .array(gets)])["Responses"]?.array ?? []
    return Dictionary(zip(items, answers.map { Int($0["Item"]?["v"]?["N"]?.string ?? "0") ?? 0 }), uniquingKeysWith: { $1 })
  }
}

struct HistoryTests {
  @Test(arguments: 1...4) func `what clients do at the same time has a serial order`(seed: Int) async throws {
    let tables = Tables()
    try await tables.create()
    let recording = Recording()
    let items = (0..<5).map { "item\($0)" }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for client in 0..<8 { group.addTask { try await tables.act(seed * 100 + client, 40, items, recording) } }
      try await group.waitForAll()
    }
    let history = recording.history
    #expect(history.actions.count > 150 && history.actions.contains { $0.writes.count > 1 })
    #expect(history.contradiction() == nil)
  }

  @Test func `the check finds a lost update, half a transaction and an old value`() {
    func history(_ actions: [([String: Int], [String: Int])]) -> History {
      // All at the same time, but for what `began` and `ended` say.
      History(actions: actions.map { .init(began: 0, ended: 100, reads: $0.0, writes: $0.1) })
    }
    #expect(history([(["a": 0], ["a": 1]), (["a": 1], ["a": 2]), (["a": 2, "b": 0], [:])]).contradiction() == nil)
    #expect(history([(["a": 0], ["a": 1]), (["a": 0], ["a": 1])]).contradiction()?.contains("lost") == true)
    #expect(history([([:], ["a": 1, "b": 1]), (["a": 1, "b": 0], [:])]).contradiction()?.contains("circle") == true)
    #expect(history([([:], ["a": 1]), (["a": 2], [:])]).contradiction()?.contains("never written") == true)
    var late = history([([:], ["a": 1]), (["a": 0], [:])])
    (late.actions[0].ended, late.actions[1].began) = (10, 20)
    #expect(late.contradiction()?.contains("circle") == true)
  }
}
