import Base

/// The places of patterns by ranges of numbers.
///
/// A range between two numbers lies in one or two cells of the grid whose cells are just wider than itself, so a number looks into two
/// neighbouring cells of each grid that there is. Ranges without one end are kept in the order of the other.
struct NumberIndex: Sendable {
  private struct Cell: Hashable {
    var grid: Int
    var number: Double
  }
  private var points: [Double: [Int]] = [:]
  private var cells: [Cell: [(range: NumberRange, place: Int)]] = [:]
  private var grids: [Int] = []
  /// With a lower bound only, the lowest first; with an upper bound only, the highest first.
  private var above: [(bound: Double, place: Int)] = []
  private var below: [(bound: Double, place: Int)] = []
  private var unbounded: [Int] = []

  var isEmpty: Bool { points.isEmpty && cells.isEmpty && above.isEmpty && below.isEmpty && unbounded.isEmpty }

  mutating func insert(_ place: Int, _ range: NumberRange) {
    switch (range.low.isFinite, range.high.isFinite) {
    case (true, true) where range.low == range.high: points[range.low, default: []].append(place)
    case (true, true):
      let grid = Self.grid(range)
      if !grids.contains(grid) { grids.append(grid) }
      cells[Self.cell(range.low, grid), default: []].append((range, place))
    case (true, false): above.insert((range.low, place), at: Self.rank(above) { $0.bound <= range.low })
    case (false, true): below.insert((range.high, place), at: Self.rank(below) { $0.bound >= range.high })
    case (false, false): unbounded.append(place)
    }
  }

  func collect(_ number: Double, _ found: inout [Int]) {
    if let places = points[number] { found += places }
    for grid in grids {
      // The range may have begun in the cell before.
      let cell = Self.cell(number, grid)
      for cell in [cell, Cell(grid: grid, number: cell.number - 1)] {
        for (range, place) in cells[cell] ?? [] where range.low <= number && number <= range.high { found.append(place) }
      }
    }
    for (_, place) in above[..<Self.rank(above) { $0.bound <= number }] { found.append(place) }
    for (_, place) in below[..<Self.rank(below) { $0.bound >= number }] { found.append(place) }
    found += unbounded
  }

  func count(at number: Double) -> Int {
    var found: [Int] = []
    collect(number, &found)
    return found.count
  }

  /// The exponent of cells that are at least as wide as the range.
  private static func grid(_ range: NumberRange) -> Int {
    let width = range.high - range.low
    // So wide that its width is no number any more: one cell for all.
    guard width.isFinite else { return 1100 }
    return max(Int(width.exponent) + 1, -900)
  }

  private static func cell(_ number: Double, _ grid: Int) -> Cell {
    guard grid < 1000 else { return Cell(grid: grid, number: 0) }
    return Cell(grid: grid, number: (number / Double(sign: .plus, exponent: grid, significand: 1)).rounded(.down))
  }

  /// How many from the beginning on fulfil the condition, which holds up to some place.
  private static func rank(_ list: [(bound: Double, place: Int)], _ holds: ((bound: Double, place: Int)) -> Bool) -> Int {
    var (low, high) = (0, list.count)
    while low < high {
      let middle = (low + high) / 2
      if holds(list[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
