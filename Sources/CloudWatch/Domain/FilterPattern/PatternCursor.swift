import Base

/// Walks over the bytes of a filter pattern.
struct PatternCursor {
  let bytes: [UInt8]
  private(set) var at = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  var isAtEnd: Bool { at >= bytes.count }
  var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

  mutating func next() -> UInt8? {
    guard at < bytes.count else { return nil }
    defer { at += 1 }
    return bytes[at]
  }

  mutating func skipBlanks() { while let byte = peek, isBlank(byte) { at += 1 } }

  /// Steps over the text when it comes next.
  mutating func eat(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard at + count <= bytes.count else { return false }
    for i in 0..<count where bytes[at + i] != text.utf8Start[i] { return false }
    at += count
    return true
  }

  /// Steps over a word in either case that ends at something other than a letter.
  mutating func eatWord(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard at + count <= bytes.count else { return false }
    for i in 0..<count where bytes[at + i] & 0xdf != word.utf8Start[i] { return false }
    if at + count < bytes.count, isWordByte(bytes[at + count]) { return false }
    at += count
    return true
  }

  mutating func take(while accept: (UInt8) -> Bool) -> [UInt8] {
    let start = at
    while let byte = peek, accept(byte) { at += 1 }
    return Array(bytes[start..<at])
  }

  /// The text between two quotes, the first of which comes next. A backslash takes away the meaning of what follows.
  mutating func quoted() throws(InvalidFilterPattern) -> [QuotedByte] {
    guard let quote = next() else { throw InvalidFilterPattern() }
    var out: [QuotedByte] = []
    while let byte = next() {
      if byte == quote { return out }
      if byte == UInt8(ascii: "\\"), let escaped = next() {
        // Only what has a meaning of its own needs the backslash; elsewhere it stands for itself, as in a Windows path.
        if escaped != quote, escaped != UInt8(ascii: "\\"), escaped != UInt8(ascii: "*") {
          out.append(QuotedByte(byte: byte, isEscaped: true))
        }
        out.append(QuotedByte(byte: escaped, isEscaped: true))
      } else {
        out.append(QuotedByte(byte: byte, isEscaped: false))
      }
    }
    throw InvalidFilterPattern()
  }
  struct QuotedByte {
    var byte: UInt8
    var isEscaped: Bool
  }

  /// The regular expression between two percent signs, the first of which comes next.
  mutating func regex() throws(InvalidFilterPattern) -> PatternRegex {
    guard next() == UInt8(ascii: "%") else { throw InvalidFilterPattern() }
    var out: [UInt8] = []
    while let byte = next() {
      if byte == UInt8(ascii: "%") { return try PatternRegex(out) }
      out.append(byte)
      if byte == UInt8(ascii: "\\"), let escaped = next() { out.append(escaped) }
    }
    throw InvalidFilterPattern()
  }
}

func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (byte >= 9 && byte <= 13) }

/// Letters, digits, the underscore, and every byte of a character beyond ASCII.
func isWordByte(_ byte: UInt8) -> Bool {
  switch byte {
  case 48...57, 65...90, 97...122, UInt8(ascii: "_"), 128...255: true
  default: false
  }
}

/// Whether the needle occurs in the text.
func contains(_ text: [UInt8], _ needle: [UInt8]) -> Bool { firstPlace(of: needle, in: text[...]) != nil }

/// Where the needle first occurs in the slice, in time linear in both: a long needle may nearly occur everywhere.
func firstPlace(of needle: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
  guard text.count >= needle.count else { return nil }
  if needle.isEmpty { return text.startIndex }
  let offset = text.withUnsafeBufferPointer { text in
    needle.withUnsafeBufferPointer { needle in needle.count <= 8 ? compared(needle, text) : matched(needle, text) }
  }
  return offset.map { $0 + text.startIndex }
}

/// Compares at each place; quick for a short needle.
private func compared(_ needle: UnsafeBufferPointer<UInt8>, _ text: UnsafeBufferPointer<UInt8>) -> Int? {
  let head = needle[0]
  for i in 0...(text.count - needle.count) where text[i] == head {
    var j = 1
    while j < needle.count, text[i + j] == needle[j] { j += 1 }
    if j == needle.count { return i }
  }
  return nil
}

/// Looks at each byte of the text once (Knuth, Morris and Pratt).
private func matched(_ needle: UnsafeBufferPointer<UInt8>, _ text: UnsafeBufferPointer<UInt8>) -> Int? {
  // How much of the needle still matches when it does not go on after so many bytes.
  var shorter = [0]
  shorter.reserveCapacity(needle.count)
  var count = 0
  for i in 1..<needle.count {
    while count > 0, needle[i] != needle[count] { count = shorter[count - 1] }
    if needle[i] == needle[count] { count += 1 }
    shorter.append(count)
  }
  count = 0
  for i in 0..<text.count {
    while count > 0, text[i] != needle[count] { count = shorter[count - 1] }
    if text[i] == needle[count] { count += 1 }
    if count == needle.count { return i + 1 - count }
  }
  return nil
}
