import Store

/// How many items a table and each of its indexes have, and how large they are.
struct Tally: Equatable, Sendable {
  struct Count: Equatable, Sendable {
    var items = 0
    var bytes = 0
  }
  /// By the id of the index; 0 is the table.
  var counts: [(index: Int, count: Count)] = []

  static func == (a: Tally, b: Tally) -> Bool { a.counts.elementsEqual(b.counts) { $0 == $1 } }

  subscript(index: Int) -> Count {
    get { counts.first { $0.index == index }?.count ?? Count() }
    set {
      if let place = counts.firstIndex(where: { $0.index == index }) {
        counts[place].count = newValue
      } else {
        counts.append((index, newValue))
      }
    }
  }

  init() {}
  init(_ bytes: [UInt8]?) throws {
    guard let bytes else { return }
    var row = try RowReader(bytes)
    counts = try row.array { (try $0.int(), Count(items: try $0.int(), bytes: try $0.int())) }
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: 8 + counts.count * 12)
    row.array(counts) { row, entry in
      row.int(entry.index)
      row.int(entry.count.items)
      row.int(entry.count.bytes)
    }
    return row.bytes
  }
}
