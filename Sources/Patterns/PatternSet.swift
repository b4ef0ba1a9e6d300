import Base

/// Many patterns that are matched together: an event finds the few that may match by looking up its own values.
///
/// Each pattern hangs on one of its conditions, the one that fewest others share, and the rest of it is looked at only for events
/// that fulfil this one. So the cost grows with the event and with what matches, not with the number of patterns; a pattern that asks
/// only for what is missing is looked at for every event.
public struct PatternSet<ID: Hashable & Sendable>: Sendable {
  private struct Entry: Sendable {
    var id: ID
    var pattern: EventPattern
  }
  /// By place; what is removed leaves its place empty until the set is put in order.
  private var entries: [Entry?] = []
  private var places: [ID: Int] = [:]
  private var index = PatternIndex()

  public init() {}

  public var count: Int { places.count }
  public var isEmpty: Bool { places.isEmpty }

  /// Adds a pattern, or puts it in place of the one that has the id.
  public mutating func add(_ id: ID, _ pattern: EventPattern) {
    remove(id)
    let place = entries.count
    entries.append(Entry(id: id, pattern: pattern))
    places[id] = place
    index.insert(place, pattern.root)
  }

  /// False when there is no such pattern.
  @discardableResult
  public mutating func remove(_ id: ID) -> Bool {
    guard let place = places.removeValue(forKey: id) else { return false }
    entries[place] = nil
    if entries.count > 64, entries.count > 2 * places.count { putInOrder() }
    return true
  }

  /// The patterns that match, in the order in which they were added.
  /// - Parameter event: anything but an object matches nothing.
  public func matches(_ event: JSON) -> [ID] {
    guard case .object = event else { return [] }
    let event = event.withNestedNames()
    var ids: [ID] = []
    for place in index.candidates(event) {
      if let entry = entries[place], entry.pattern.root.matches(event) { ids.append(entry.id) }
    }
    return ids
  }

  private mutating func putInOrder() {
    let left = entries.compactMap(\.self)
    (entries, places, index) = ([], [:], PatternIndex())
    for entry in left { add(entry.id, entry.pattern) }
  }
}
