import Base

/// `ERROR -"exit code 0"` or `?ERROR ?WARN`: terms that a message must, must not or may contain.
///
/// Terms are found anywhere in the message, within words too, and with their case.
struct TermPattern: Sendable {
  enum Term: Sendable {
    case text([UInt8])
    case regex(PatternRegex)

    func occurs(in message: [UInt8]) -> Bool {
      switch self {
      case .text(let text): contains(message, text)
      case .regex(let regex): regex.matches(message)
      }
    }
  }

  private var required: [Term] = []
  private var excluded: [Term] = []
  /// At least one must occur. As on AWS they count only where no other kind of term is given.
  private var optional: [Term] = []

  init(_ cursor: inout PatternCursor) throws(InvalidFilterPattern) {
    while true {
      cursor.skipBlanks()
      guard !cursor.isAtEnd else { return }
      if cursor.eat("?") {
        optional.append(try Self.term(&cursor))
      } else if cursor.eat("-") {
        excluded.append(try Self.term(&cursor))
      } else {
        required.append(try Self.term(&cursor))
      }
    }
  }

  private static func term(_ cursor: inout PatternCursor) throws(InvalidFilterPattern) -> Term {
    let term: Term
    switch cursor.peek {
    case UInt8(ascii: "\""): term = .text(try cursor.quoted().map(\.byte))
    case UInt8(ascii: "%"): term = .regex(try cursor.regex())
    default:
      let word = cursor.take { !isBlank($0) }
      guard !word.isEmpty else { throw InvalidFilterPattern() }
      guard word.allSatisfy(isWordByte) else {
        throw InvalidFilterPattern(reason: "Invalid character(s) in term '\(word.utf8Text)'")
      }
      term = .text(word)
    }
    if let byte = cursor.peek, !isBlank(byte) { throw InvalidFilterPattern() }
    return term
  }

  var count: Int { required.count + excluded.count + optional.count }
  var stateCount: Int {
    (required + excluded + optional).reduce(0) { if case .regex(let regex) = $1 { $0 + regex.stateCount } else { $0 } }
  }

  func matches(_ message: [UInt8]) -> Bool {
    if required.isEmpty, excluded.isEmpty { return optional.contains { $0.occurs(in: message) } }
    return required.allSatisfy { $0.occurs(in: message) } && !excluded.contains { $0.occurs(in: message) }
  }
}
