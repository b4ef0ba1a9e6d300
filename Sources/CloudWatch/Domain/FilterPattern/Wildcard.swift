/// A text in which `*` stands for any bytes, none included.
struct Wildcard: Sendable {
  /// The literal pieces between the stars; a star at an end leaves an empty piece there.
  private var pieces: [[UInt8]] = [[]]

  init(_ bytes: [PatternCursor.QuotedByte]) {
    for byte in bytes {
      if byte.byte == UInt8(ascii: "*"), !byte.isEscaped { pieces.append([]) } else { pieces[pieces.count - 1].append(byte.byte) }
    }
  }
  init(_ bytes: [UInt8]) { self.init(bytes.map { PatternCursor.QuotedByte(byte: $0, isEscaped: false) }) }

  /// Each piece is taken at its first place after the one before, which is right wherever any is, so nothing is tried twice.
  func matches(_ text: [UInt8]) -> Bool {
    guard pieces.count > 1, let first = pieces.first, let last = pieces.last else { return text == pieces[0] }
    guard text.count >= first.count + last.count, text.starts(with: first), text.suffix(last.count).elementsEqual(last) else {
      return false
    }
    var rest = text[first.count..<(text.count - last.count)]
    for piece in pieces.dropFirst().dropLast() {
      guard let place = firstPlace(of: piece, in: rest) else { return false }
      rest = rest[(place + piece.count)...]
    }
    return true
  }
}
