import Base

/// The condition keys that a policy names, in conditions and in policy variables, as it writes them.
enum ContextKeys {
  static func names(in documents: [String]) -> [String] {
    var found: [String: String] = [:]
    for document in documents {
      guard let json = try? JSON.parse(document), let list = json["Statement"] else { continue }
      for statement in list.array ?? [list] {
        guard let fields = statement.object else { continue }
        for (_, block) in fields["Condition"]?.object?.members ?? [] {
          for (key, value) in block.object?.members ?? [] {
            found[key.lowercased()] = key
            collect(value, into: &found)
          }
        }
        for name in ["Resource", "NotResource"] { fields[name].map { collect($0, into: &found) } }
      }
    }
    return found.values.sorted()
  }

  private static func collect(_ value: JSON, into found: inout [String: String]) {
    for text in (value.array ?? [value]).compactMap(\.string) {
      for part in text.split(separator: "$").dropFirst(text.hasPrefix("$") ? 0 : 1) where part.hasPrefix("{") {
        let name = part.dropFirst().prefix { $0 != "}" && $0 != "," }.trimmed
        if name.contains(":") { found[name.lowercased()] = name }
      }
    }
  }
}

/// Where the statements of a policy stand in its text.
struct StatementSpan: Sendable {
  struct Position: Sendable {
    /// Both from 1.
    var line: Int
    var column: Int
  }
  var start: Position
  var end: Position

  /// In the order of the statements; empty for a text that is not JSON.
  static func all(in text: String) -> [StatementSpan] {
    let bytes = Array(text.utf8)
    var offsets: [(Int, Int)] = []
    let isRead: Void? = try? bytes.withUnsafeBufferPointer { buffer in
      var scanner = JSONScanner(buffer)
      try scanner.object { name, scanner in
        guard name == "Statement" else { return try scanner.skip() }
        if try scanner.peek() == .array {
          try scanner.array { offsets.append(try span(&$0)) }
        } else {
          offsets.append(try span(&scanner))
        }
      }
    }
    guard isRead != nil else { return [] }
    return offsets.map { StatementSpan(start: position($0.0, bytes), end: position($0.1, bytes)) }
  }

  private static func span(_ scanner: inout JSONScanner) throws -> (Int, Int) {
    _ = try scanner.peek()
    let start = scanner.offset
    try scanner.skip()
    return (start, scanner.offset)
  }

  private static func position(_ offset: Int, _ bytes: [UInt8]) -> Position {
    let before = bytes[..<offset]
    let line = before.count { $0 == 10 } + 1
    let lineStart = before.lastIndex(of: 10).map { $0 + 1 } ?? 0
    return Position(line: line, column: offset - lineStart + 1)
  }
}
