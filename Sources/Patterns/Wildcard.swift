import Base

/// A text with stars, each of which stands for any characters. `\*` and `\\` stand for themselves.
///
/// Matching looks for each piece between two stars once, from left to right, by the algorithm of Knuth, Morris and Pratt: the
/// cost is linear in text and pattern whatever they are.
struct Wildcard: Sendable, Equatable {
  private struct Piece: Sendable, Equatable {
    var bytes: [UInt8]
    /// How much of the piece is still matched after a mismatch behind that many bytes.
    var fallback: [Int]

    init(_ bytes: [UInt8]) {
      self.bytes = bytes
      fallback = [Int](repeating: 0, count: bytes.count)
      var length = 0
      for place in bytes.indices.dropFirst() {
        while length > 0, bytes[place] != bytes[length] { length = fallback[length - 1] }
        if bytes[place] == bytes[length] { length += 1 }
        fallback[place] = length
      }
    }

    /// Where the piece ends in the text for the first time.
    func end(in text: ArraySlice<UInt8>) -> Int? {
      guard !bytes.isEmpty else { return text.startIndex }
      var length = 0
      for place in text.indices {
        while length > 0, text[place] != bytes[length] { length = fallback[length - 1] }
        if text[place] == bytes[length] { length += 1 }
        if length == bytes.count { return place + 1 }
      }
      return nil
    }
  }

  private let pieces: [Piece]

  /// What a text must begin and end with, without a star both the whole.
  var beginning: [UInt8] { pieces[0].bytes }
  var ending: [UInt8] { pieces[pieces.count - 1].bytes }
  /// What stands between the stars.
  var literals: [[UInt8]] { pieces.map(\.bytes) }

  /// - Throws: `PatternError` for two stars in a row and for a backslash before anything else.
  init(_ pattern: String) throws(PatternError) {
    var pieces: [[UInt8]] = [[]]
    var isEscaped = false, wasStar = false
    for (place, byte) in pattern.utf8.enumerated() {
      if isEscaped {
        guard byte == UInt8(ascii: "*") || byte == UInt8(ascii: "\\") else {
          throw PatternError("Invalid escape character at pos \(place)")
        }
        pieces[pieces.count - 1].append(byte)
        (isEscaped, wasStar) = (false, false)
      } else if byte == UInt8(ascii: "\\") {
        (isEscaped, wasStar) = (true, false)
      } else if byte == UInt8(ascii: "*") {
        guard !wasStar else { throw PatternError("Consecutive wildcard characters at pos \(place - 1)") }
        pieces.append([])
        wasStar = true
      } else {
        pieces[pieces.count - 1].append(byte)
        wasStar = false
      }
    }
    guard !isEscaped else { throw PatternError("Invalid escape character at pos \(pattern.utf8.count - 1)") }
    self.pieces = pieces.map(Piece.init)
  }

  func matches(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    // There is always a first piece; without stars it is also the last.
    let (first, last) = (pieces[0].bytes, pieces[pieces.count - 1].bytes)
    guard pieces.count > 1 else { return bytes == first }
    guard bytes.count >= first.count + last.count, bytes.starts(with: first), bytes.suffix(last.count).elementsEqual(last) else {
      return false
    }
    var rest = bytes[first.count..<(bytes.count - last.count)]
    for piece in pieces.dropFirst().dropLast() {
      guard let end = piece.end(in: rest) else { return false }
      rest = rest[end...]
    }
    return true
  }
}
