import Fabric

/// How far a shard is read, and how far everything is done. Records are done in any order, since lanes go on by themselves; the
/// checkpoint is the last record before which all are.
struct ShardProgress: Sendable {
  private var outstanding: [(number: String, isDone: Bool)] = []
  private var places: [String: Int] = [:]
  /// Of the first outstanding record, counted from the beginning.
  private var first = 0
  private(set) var checkpoint: String?

  init(checkpoint: String? = nil) { self.checkpoint = checkpoint }

  var outstandingCount: Int { outstanding.count }

  /// Notes records in the order in which they were read.
  mutating func read(_ numbers: [String]) {
    for number in numbers {
      places[number] = first + outstanding.count
      outstanding.append((number, false))
    }
  }

  /// - Returns: whether the checkpoint has moved.
  mutating func done(_ numbers: [String]) -> Bool {
    for number in numbers {
      if let place = places[number] { outstanding[place - first].isDone = true }
    }
    let count = outstanding.firstIndex { !$0.isDone } ?? outstanding.count
    guard count > 0 else { return false }
    checkpoint = outstanding[count - 1].number
    for entry in outstanding[..<count] { places[entry.number] = nil }
    outstanding.removeFirst(count)
    first += count
    return true
  }
}
