/// Why compressed data is refused.
public enum InflateFailure: Error, Sendable, Equatable {
  /// The reason is for the log.
  case malformed(String)
  /// More comes out than the caller allows.
  case tooLarge
}

/// Decompresses DEFLATE data (RFC 1951).
///
/// Written for input that means harm: every access is checked, the output never exceeds `limit`, and the memory that
/// it holds is a window and one block, however large the output.
public struct Inflater {
  private static let window = 32_768
  private static let flushAt = window * 8

  private var input: BitReader
  private var output: [UInt8] = []
  private var written = 0
  private let limit: Int
  /// The limit is the very size, and nothing follows the data.
  private let isExact: Bool
  private let sink: (ArraySlice<UInt8>) throws -> Void

  /// Passes the decompressed bytes to the sink piece by piece.
  /// - Throws: `InflateFailure` for malformed data, for output that is not exactly `size` bytes long, and for bytes after
  ///   the end of the data.
  public static func inflate(_ data: ArraySlice<UInt8>, size: Int, into sink: (ArraySlice<UInt8>) throws -> Void) throws {
    try withoutActuallyEscaping(sink) { sink in
      var inflater = Inflater(input: BitReader(data), limit: size, isExact: true, sink: sink)
      try inflater.run()
    }
  }

  /// Decompresses from where the reader stands to the end of the DEFLATE data, and leaves the reader behind it.
  /// - Throws: `InflateFailure`, also when more than `limit` bytes come out.
  static func inflate(_ input: inout BitReader, upTo limit: Int, into sink: (ArraySlice<UInt8>) throws -> Void) throws {
    input = try withoutActuallyEscaping(sink) { sink in
      var inflater = Inflater(input: input, limit: limit, isExact: false, sink: sink)
      try inflater.run()
      return inflater.input
    }
  }

  private init(input: BitReader, limit: Int, isExact: Bool, sink: @escaping (ArraySlice<UInt8>) throws -> Void) {
    (self.input, self.limit, self.isExact, self.sink) = (input, limit, isExact, sink)
    output.reserveCapacity(min(limit, Self.flushAt + 512))
  }

  private mutating func run() throws {
    var isLast = false
    while !isLast {
      isLast = try input.take(1) == 1
      switch try input.take(2) {
      case 0: try stored()
      case 1: try compressed(Self.fixed.literals, Self.fixed.distances)
      case 2:
        let tables = try dynamicTables()
        try compressed(tables.literals, tables.distances)
      default: throw InflateFailure.malformed("unknown block type")
      }
    }
    try sink(output[flushed...])
    guard isExact else { return }
    guard written + output.count == limit else { throw InflateFailure.malformed("less data than declared") }
    guard input.isAtEnd else { throw InflateFailure.malformed("bytes after the compressed data") }
  }

  /// Bytes at the start of `output` that the sink has and that stay as the window.
  private var flushed = 0

  /// Keeps the memory small: passes on what is new and drops all but the window.
  private mutating func flushIfLarge() throws {
    guard output.count >= Self.flushAt else { return }
    try sink(output[flushed...])
    let excess = output.count - Self.window
    output.removeFirst(excess)
    written += excess
    flushed = Self.window
  }

  private func checkRoom(for count: Int) throws {
    guard written + output.count + count <= limit else {
      throw isExact ? InflateFailure.malformed("more data than declared") : .tooLarge
    }
  }

  private mutating func stored() throws {
    try input.alignToByte()
    let length = try input.take(16), complement = try input.take(16)
    guard length == ~complement & 0xffff else { throw InflateFailure.malformed("stored block with a wrong length") }
    try checkRoom(for: length)
    for _ in 0..<length { output.append(UInt8(try input.take(8))) }
    try flushIfLarge()
  }

  private mutating func compressed(_ literals: HuffmanTable, _ distances: HuffmanTable) throws {
    while true {
      let symbol = try literals.symbol(&input)
      if symbol < 256 {
        try checkRoom(for: 1)
        output.append(UInt8(symbol))
      } else if symbol == 256 {
        return
      } else {
        try copy(symbol - 257, distances)
      }
      try flushIfLarge()
    }
  }

  private mutating func copy(_ lengthSymbol: Int, _ distances: HuffmanTable) throws {
    guard lengthSymbol < Self.lengthBase.count else { throw InflateFailure.malformed("unknown length") }
    let length = Self.lengthBase[lengthSymbol] + (try input.take(Self.lengthBits[lengthSymbol]))
    let symbol = try distances.symbol(&input)
    guard symbol < Self.distanceBase.count else { throw InflateFailure.malformed("unknown distance") }
    let distance = Self.distanceBase[symbol] + (try input.take(Self.distanceBits[symbol]))
    guard distance <= output.count else { throw InflateFailure.malformed("distance before the start") }
    try checkRoom(for: length)
    var from = output.count - distance
    for _ in 0..<length { output.append(output[from]); from += 1 }
  }

  private mutating func dynamicTables() throws -> (literals: HuffmanTable, distances: HuffmanTable) {
    let literalCount = try input.take(5) + 257, distanceCount = try input.take(5) + 1, codeCount = try input.take(4) + 4
    guard literalCount <= 286, distanceCount <= 30 else { throw InflateFailure.malformed("too many codes") }
    var codeLengths = [UInt8](repeating: 0, count: 19)
    for place in Self.codeOrder.prefix(codeCount) { codeLengths[place] = UInt8(try input.take(3)) }
    let codes = try HuffmanTable(codeLengths[...])
    var lengths: [UInt8] = []
    while lengths.count < literalCount + distanceCount {
      let symbol = try codes.symbol(&input)
      switch symbol {
      case 0...15: lengths.append(UInt8(symbol))
      case 16:
        guard let last = lengths.last else { throw InflateFailure.malformed("repeat without a code before it") }
        lengths += [UInt8](repeating: last, count: 3 + (try input.take(2)))
      case 17: lengths += [UInt8](repeating: 0, count: 3 + (try input.take(3)))
      default: lengths += [UInt8](repeating: 0, count: 11 + (try input.take(7)))
      }
    }
    guard lengths.count == literalCount + distanceCount, lengths[256] != 0 else { throw InflateFailure.malformed("bad code lengths") }
    return (try HuffmanTable(lengths[..<literalCount]), try HuffmanTable(lengths[literalCount...]))
  }

  private static let lengthBase = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
  ]
  private static let lengthBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
  private static let distanceBase = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193,
    12289, 16385, 24577,
  ]
  private static let distanceBits = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
  ]
  private static let codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

  /// The code of block type 1 (RFC 1951 §3.2.6).
  private static let fixed: (literals: HuffmanTable, distances: HuffmanTable) = {
    let literals = (0..<288).map { UInt8($0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8) }
    let distances = [UInt8](repeating: 5, count: 32)
    guard let l = try? HuffmanTable(literals[...]), let d = try? HuffmanTable(distances[...]) else {
      preconditionFailure("the fixed prefix codes of RFC 1951 are complete")
    }
    return (l, d)
  }()
}
