import Base

/// Cuts an expression into words, placeholders, numbers and signs.
struct Lexer {
  enum Kind: Equatable {
    case word, name, value, number, sign, end
  }
  struct Token {
    var kind: Kind
    var start: Int
    var end: Int
  }

  let text: [UInt8]
  let kind: String
  private(set) var tokens: [Token] = []

  /// - Parameter kind: the parameter that the expression came in, for error texts.
  init(_ text: String, kind: String) throws {
    (self.text, self.kind) = (Array(text.utf8), kind)
    guard !self.text.isEmpty, self.text.contains(where: { $0 > 32 }) else {
      throw DynamoDBError.expression(kind, "The expression can not be empty;")
    }
    guard self.text.count <= DynamoDBLimits.expressionBytes else {
      throw DynamoDBError.expression(kind, "Expression size has exceeded the maximum allowed size; expression size: \(self.text.count)")
    }
    try cut()
  }

  private mutating func cut() throws {
    var at = 0
    while true {
      while at < text.count, [32, 9, 10, 13].contains(text[at]) { at += 1 }
      guard at < text.count else { break }
      let start = at
      let byte = text[at]
      at += 1
      let kind: Kind
      if Self.isLetter(byte) {
        kind = .word
        while at < text.count, Self.isWord(text[at]) { at += 1 }
      } else if byte == UInt8(ascii: "#") || byte == UInt8(ascii: ":") {
        kind = byte == UInt8(ascii: "#") ? .name : .value
        while at < text.count, Self.isWord(text[at]) { at += 1 }
        if at == start + 1 {
          tokens.append(Token(kind: .sign, start: start, end: at))
          throw syntaxError(at: tokens.count - 1)
        }
      } else if byte >= 48, byte <= 57 {
        kind = .number
        while at < text.count, text[at] >= 48, text[at] <= 57 { at += 1 }
      } else {
        kind = .sign
        if at < text.count, byte == UInt8(ascii: "<") && (text[at] == UInt8(ascii: ">") || text[at] == UInt8(ascii: "="))
          || byte == UInt8(ascii: ">") && text[at] == UInt8(ascii: "=")
        {
          at += 1
        }
        guard at - start == 2 || "=<>()[],.+-".utf8.contains(byte) else {
          while at < text.count, text[at] >= 0x80, text[at] < 0xc0 { at += 1 }
          tokens.append(Token(kind: .sign, start: start, end: at))
          throw syntaxError(at: tokens.count - 1)
        }
      }
      tokens.append(Token(kind: kind, start: start, end: at))
    }
    tokens.append(Token(kind: .end, start: text.count, end: text.count))
  }

  static func isLetter(_ byte: UInt8) -> Bool { byte >= 65 && byte <= 90 || byte >= 97 && byte <= 122 || byte == 95 }
  static func isWord(_ byte: UInt8) -> Bool { isLetter(byte) || byte >= 48 && byte <= 57 }

  func text(_ token: Token) -> String { text[token.start..<token.end].utf8Text }

  func syntaxError(at place: Int) -> AWSError {
    let token = tokens[place]
    let from = place > 0 ? tokens[place - 1].start : token.start
    var to = token.end
    if place + 1 < tokens.count { to = max(to, tokens[place + 1].end) }
    let shown = token.kind == .end ? "<EOF>" : text(token)
    return DynamoDBError.expression(kind, "Syntax error; token: \"\(shown)\", near: \"\(text[from..<to].utf8Text.trimmed)\"")
  }
}

extension String {
  fileprivate var trimmed: String {
    let start = utf8.firstIndex { $0 > 32 } ?? utf8.startIndex
    let end = utf8.lastIndex { $0 > 32 }.map { utf8.index(after: $0) } ?? start
    return String(self[start..<max(start, end)])
  }
}
