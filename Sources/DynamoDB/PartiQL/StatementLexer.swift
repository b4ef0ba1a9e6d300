import Base

/// Cuts a PartiQL statement into tokens.
struct StatementLexer {
  enum Token: Equatable {
    /// A word as it is written; keywords are compared without case.
    case word(String)
    /// "a name in double quotes"
    case name(String)
    /// 'a text in single quotes'
    case text(String)
    case number(String)
    case sign(String)
    case end
  }

  static func tokens(_ statement: String) throws -> [Token] {
    let bytes = Array(statement.utf8)
    var tokens: [Token] = []
    var at = 0
    while at < bytes.count {
      let byte = bytes[at]
      let start = at
      if byte <= 32 {
        at += 1
      } else if Lexer.isLetter(byte) {
        while at < bytes.count, Lexer.isWord(bytes[at]) { at += 1 }
        tokens.append(.word(bytes[start..<at].utf8Text))
      } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
        let content = try quoted(bytes, &at)
        tokens.append(byte == UInt8(ascii: "'") ? .text(content) : .name(content))
      } else if isDigit(byte) || byte == UInt8(ascii: "-") && at + 1 < bytes.count && isDigit(bytes[at + 1]) && isValuePlace(tokens.last) {
        at += 1
        while at < bytes.count {
          let isExponentSign = (bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+")) && bytes[at - 1] | 0x20 == UInt8(ascii: "e")
          guard isDigit(bytes[at]) || bytes[at] == UInt8(ascii: ".") || bytes[at] | 0x20 == UInt8(ascii: "e") || isExponentSign else { break }
          at += 1
        }
        tokens.append(.number(bytes[start..<at].utf8Text))
      } else {
        let pair = at + 1 < bytes.count ? bytes[at...(at + 1)].utf8Text : ""
        at += ["<<", ">>", "<=", ">=", "<>", "!="].contains(pair) ? 2 : 1
        let sign = bytes[start..<at].utf8Text
        guard "<<>>=!,.*?()[]{}:+-;".contains(sign) || ["<=", ">=", "<>", "!="].contains(sign) else { throw failure("unexpected character") }
        tokens.append(.sign(sign))
      }
    }
    if tokens.last == .sign(";") { tokens.removeLast() }
    tokens.append(.end)
    return tokens
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
  /// Where a minus belongs to a number.
  private static func isValuePlace(_ last: Token?) -> Bool {
    switch last {
    case .sign(let sign): sign != ")" && sign != "]"
    case .word(let word): ["BETWEEN", "AND", "OR", "NOT", "IN", "WHERE"].contains(word.uppercased())
    case .name, .number, .text, .end: false
    case nil: true
    }
  }
  /// A quote that is written twice stands for itself.
  private static func quoted(_ bytes: [UInt8], _ at: inout Int) throws -> String {
    let quote = bytes[at]
    var out: [UInt8] = []
    at += 1
    while at < bytes.count {
      if bytes[at] == quote {
        guard at + 1 < bytes.count, bytes[at + 1] == quote else {
          at += 1
          return out.utf8Text
        }
        at += 1
      }
      out.append(bytes[at])
      at += 1
    }
    throw failure("unterminated quote")
  }

  static func failure(_ what: String) -> AWSError {
    DynamoDBError.validation("Statement wasn't well formed, can't be processed: \(what)")
  }
}
