import Base

/// The places of patterns by the values of one field.
struct ValueIndex: Sendable {
  private struct RangeSize: Equatable {
    var byteCount: Int
    var bits: Int
  }
  private var values: [ExactValue: [Int]] = [:]
  private var folded: [String: [Int]] = [:]
  private var prefixes = ByteTree()
  private var foldedPrefixes = ByteTree()
  private var suffixes = ByteTree()
  private var foldedSuffixes = ByteTree()
  private var numbers = NumberIndex()
  private var addresses: [AddressRange: [Int]] = [:]
  /// The sizes of those ranges, at most 33 and 129.
  private var rangeSizes: [RangeSize] = []
  private var present: [Int] = []

  mutating func insert(_ place: Int, _ probe: Probe) {
    switch probe {
    case .value(let value): values[value, default: []].append(place)
    case .folded(let text): folded[text, default: []].append(place)
    case .prefix(let bytes): prefixes.insert(place, bytes)
    case .foldedPrefix(let bytes): foldedPrefixes.insert(place, bytes)
    case .suffix(let bytes): suffixes.insert(place, bytes)
    case .foldedSuffix(let bytes): foldedSuffixes.insert(place, bytes)
    case .numbers(let range): numbers.insert(place, range)
    case .addresses(let range):
      addresses[range, default: []].append(place)
      let size = RangeSize(byteCount: range.byteCount, bits: range.bits)
      if !rangeSizes.contains(size) { rangeSizes.append(size) }
    case .present: present.append(place)
    }
  }

  /// How many patterns are found by the probe already, about; what lets much through counts for more.
  func sharers(of probe: Probe) -> Int {
    let known =
      switch probe {
      case .value(let value): values[value]?.count ?? 0
      case .folded(let text): folded[text]?.count ?? 0
      case .prefix(let bytes): prefixes.count(along: bytes)
      case .foldedPrefix(let bytes): foldedPrefixes.count(along: bytes)
      case .suffix(let bytes): suffixes.count(along: bytes)
      case .foldedSuffix(let bytes): foldedSuffixes.count(along: bytes)
      case .numbers(let range): numbers.count(at: range.low.isFinite ? range.low : range.high)
      case .addresses(let range): addresses[range]?.count ?? 0
      case .present: present.count
      }
    return known + Self.vagueness(of: probe)
  }

  /// What a probe costs that nobody shares.
  static func vagueness(of probe: Probe) -> Int {
    switch probe {
    case .value, .folded: 0
    case .prefix, .foldedPrefix, .suffix, .foldedSuffix: 1
    case .numbers(let range): range.low == range.high ? 0 : range.low.isFinite && range.high.isFinite ? 2 : 8
    case .addresses: 2
    case .present: 16
    }
  }

  /// Adds the places that a value finds.
  func collect(_ leaf: JSON, _ found: inout [Int]) {
    found += present
    if !values.isEmpty, let value = ExactValue(leaf), let places = values[value] { found += places }
    switch leaf {
    case .string(let text): collect(text, &found)
    case .int, .double, .number:
      if !numbers.isEmpty, let number = leaf.double { numbers.collect(number, &found) }
    case .null, .bool, .array, .object: break
    }
  }

  private func collect(_ text: String, _ found: inout [Int]) {
    if !prefixes.isEmpty { prefixes.collect(text.utf8, &found) }
    if !suffixes.isEmpty { suffixes.collect(text.utf8.reversed(), &found) }
    if !folded.isEmpty || !foldedPrefixes.isEmpty || !foldedSuffixes.isEmpty {
      let lower = text.lowercased()
      if let places = folded[lower] { found += places }
      foldedPrefixes.collect(lower.utf8, &found)
      foldedSuffixes.collect(lower.utf8.reversed(), &found)
    }
    guard !rangeSizes.isEmpty, let address = AddressRange.address(text) else { return }
    for size in rangeSizes where size.byteCount == address.count {
      if let places = addresses[AddressRange(around: address, bits: size.bits)] { found += places }
    }
  }
}
