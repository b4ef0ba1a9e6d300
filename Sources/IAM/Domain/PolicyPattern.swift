import Base

/// The two bytes that stand for wildcards in compiled patterns; UTF-8 never contains them.
enum Wildcard {
  /// `*`: any run of characters, colons and slashes included.
  static let run: UInt8 = 0xff
  /// `?`: exactly one character.
  static let one: UInt8 = 0xfe
}

/// Whether the subject as a whole matches; linear but for the last `*`, so no pattern can blow up.
func globMatches(_ pattern: UnsafeBufferPointer<UInt8>, _ subject: UnsafeBufferPointer<UInt8>) -> Bool {
  var (i, j, star, mark) = (0, 0, -1, 0)
  while j < subject.count {
    if i < pattern.count, pattern[i] == Wildcard.run {
      (star, mark) = (i, j)
      i += 1
    } else if i < pattern.count, pattern[i] == Wildcard.one {
      i += 1
      j += 1
      while j < subject.count, subject[j] & 0xc0 == 0x80 { j += 1 }  // the rest of one UTF-8 character
    } else if i < pattern.count, pattern[i] == subject[j] {
      i += 1
      j += 1
    } else if star >= 0 {
      mark += 1
      (i, j) = (star + 1, mark)
    } else {
      return false
    }
  }
  while i < pattern.count, pattern[i] == Wildcard.run { i += 1 }
  return i == pattern.count
}

func globMatches(_ pattern: some Collection<UInt8>, _ subject: some Collection<UInt8>) -> Bool {
  Array(pattern).withUnsafeBufferPointer { p in Array(subject).withUnsafeBufferPointer { s in globMatches(p, s) } }
}

/// A pattern with policy variables: it becomes bytes only when the request is known.
struct PatternTemplate: Sendable {
  enum Piece: Sendable {
    case bytes([UInt8])
    case variable(ConditionKey, fallback: [UInt8]?)
  }
  var pieces: [Piece] = []

  /// How the text is read.
  struct Options: Sendable {
    /// `${…}` is a variable: only in documents of version 2012-10-17.
    var variables: Bool
    /// `*` and `?` are wildcards, not themselves.
    var wildcards: Bool
    var lowercased = false
  }

  init(_ text: String, _ options: Options) {
    let bytes = Array(text.utf8)
    var run: [UInt8] = []
    run.reserveCapacity(bytes.count)
    // Behind the last brace nothing is a variable, and nothing has to be searched for one.
    let lastClose = options.variables ? bytes.lastIndex(of: UInt8(ascii: "}")) ?? -1 : -1
    var i = 0
    while i < bytes.count {
      if i < lastClose, bytes[i] == UInt8(ascii: "$"), bytes[i + 1] == UInt8(ascii: "{"),
        let close = bytes[i...].firstIndex(of: UInt8(ascii: "}"))
      {
        let name = bytes[(i + 2)..<close]
        i = close + 1
        // ${*}, ${?} and ${$} are how a document writes the characters themselves.
        if name.count == 1, let only = name.first, [UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "$")].contains(only) {
          run.append(only)
          continue
        }
        if !run.isEmpty { pieces.append(.bytes(run)) }
        run = []
        pieces.append(Self.variable(name))
        continue
      }
      run.append(Self.byte(bytes[i], options))
      i += 1
    }
    if !run.isEmpty || pieces.isEmpty { pieces.append(.bytes(run)) }
  }

  private static func byte(_ byte: UInt8, _ options: Options) -> UInt8 {
    if options.wildcards, byte == UInt8(ascii: "*") { return Wildcard.run }
    if options.wildcards, byte == UInt8(ascii: "?") { return Wildcard.one }
    return options.lowercased && byte >= 65 && byte <= 90 ? byte + 32 : byte
  }

  /// `aws:PrincipalTag/team, 'company-wide'`: a key and, behind the comma, what stands for it when it is absent.
  private static func variable(_ text: ArraySlice<UInt8>) -> Piece {
    guard let comma = text.firstIndex(of: UInt8(ascii: ",")) else {
      return .variable(ConditionKey(text.utf8Text.trimmed), fallback: nil)
    }
    var fallback = Array(text[(comma + 1)...].utf8Text.trimmed.utf8)
    if fallback.count >= 2, fallback.first == UInt8(ascii: "'"), fallback.last == UInt8(ascii: "'") {
      fallback = Array(fallback.dropFirst().dropLast())
    }
    return .variable(ConditionKey(text[..<comma].utf8Text.trimmed), fallback: fallback)
  }

  /// The bytes when there is no variable in it.
  var fixed: [UInt8]? {
    guard pieces.count == 1, case .bytes(let bytes) = pieces[0] else { return nil }
    return bytes
  }

  /// Nil when the request lacks a variable that has no fallback: the element then matches nothing.
  /// Wildcards inside a variable's value are plain characters.
  func resolve(_ request: PolicyRequest) -> [UInt8]? {
    var out: [UInt8] = []
    for piece in pieces {
      switch piece {
      case .bytes(let bytes): out += bytes
      case .variable(let key, let fallback):
        // A key with several values cannot stand in a text.
        if let values = request.values(key), values.count == 1 {
          out += values[0].utf8
        } else if let fallback {
          out += fallback
        } else {
          return nil
        }
      }
    }
    return out
  }
}

/// Several patterns of which one has to match, in one block of bytes.
struct PatternSet: Sendable {
  private enum Kind: Sendable { case literal, prefix, glob }
  private struct Entry: Sendable {
    var kind: Kind
    var start: Int
    var end: Int
  }
  private var bytes: [UInt8] = []
  private var entries: [Entry] = []
  private var templates: [PatternTemplate] = []
  private var matchesAll = false

  init(_ texts: [String], _ options: PatternTemplate.Options) {
    for text in texts {
      let template = PatternTemplate(text, options)
      if let fixed = template.fixed { add(fixed) } else { templates.append(template) }
    }
  }

  private mutating func add(_ pattern: [UInt8]) {
    if pattern == [Wildcard.run] {
      matchesAll = true
      return
    }
    let firstWildcard = pattern.firstIndex { $0 == Wildcard.run || $0 == Wildcard.one }
    let start = bytes.count
    if firstWildcard == pattern.count - 1, pattern.last == Wildcard.run {
      bytes += pattern.dropLast()
      entries.append(Entry(kind: .prefix, start: start, end: bytes.count))
    } else {
      bytes += pattern
      entries.append(Entry(kind: firstWildcard == nil ? .literal : .glob, start: start, end: bytes.count))
    }
  }

  func matches(_ subject: UnsafeBufferPointer<UInt8>, _ request: PolicyRequest) -> Bool {
    if matchesAll { return true }
    let found = bytes.withUnsafeBufferPointer { all in
      entries.withUnsafeBufferPointer { entries in
        for entry in entries where Self.matches(entry, all, subject) { return true }
        return false
      }
    }
    if found { return true }
    for template in templates {
      if let pattern = template.resolve(request), pattern.withUnsafeBufferPointer({ globMatches($0, subject) }) { return true }
    }
    return false
  }

  @inline(__always)
  private static func matches(_ entry: Entry, _ all: UnsafeBufferPointer<UInt8>, _ subject: UnsafeBufferPointer<UInt8>) -> Bool {
    let count = entry.end - entry.start
    switch entry.kind {
    case .literal where count != subject.count: return false
    case .prefix where count > subject.count: return false
    case .literal, .prefix:
      for i in 0..<count where all[entry.start + i] != subject[i] { return false }
      return true
    case .glob: return globMatches(UnsafeBufferPointer(rebasing: all[entry.start..<entry.end]), subject)
    }
  }
}
