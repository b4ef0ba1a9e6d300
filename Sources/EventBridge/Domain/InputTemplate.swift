import Base

/// The template of an input transformer: text with `<variables>` (user guide, "Amazon EventBridge input transformation").
///
/// A variable inside quotes is filled in as text; one outside them as JSON. What an event does not have is an empty text.
struct InputTemplate: Sendable, Equatable {
  /// What is known besides the event.
  struct Surroundings: Sendable {
    var ruleARN: String
    var ruleName: String
    var ingested: Instant
  }
  private enum Part: Sendable, Equatable {
    case text(String)
    case variable(String, isQuoted: Bool)
  }

  static let reserved: Set<String> = [
    "aws.events.rule-arn", "aws.events.rule-name", "aws.events.event.ingestion-time", "aws.events.event", "aws.events.event.json",
  ]

  private var parts: [Part] = []
  private let paths: [String: EventPath]

  /// - Parameter id: of the target, for the errors.
  /// - Throws: `ValidationException` for a path that is none, a variable that nobody defines, and a template that makes no JSON.
  init(_ template: String, paths: [String: String], target id: String) throws(AWSError) {
    var known: [String: EventPath] = [:]
    for (name, path) in paths.sorted(by: { $0.key < $1.key }) {
      guard !name.lowercased().hasPrefix("aws.") else {
        throw EventBridgeError.invalid("InputPathsMap for target \(id) contains reserved variable \(name).")
      }
      guard let parsed = EventPath(path) else {
        throw EventBridgeError.invalid("InputPathsMap for target \(id) contains invalid JSON path \(path).")
      }
      known[name] = parsed
    }
    self.paths = known
    parts = Self.parts(of: template)
    for case .variable(let name, _) in parts where known[name] == nil && !Self.reserved.contains(name) {
      throw EventBridgeError.invalid("InputTemplate for target \(id) contains invalid placeholder \(name).")
    }
    let sample = text { _, isQuoted in isQuoted ? "" : "null" }
    guard let place = Self.firstError(in: sample) else { return }
    let before = Array(sample.utf8.prefix(place))
    let line = before.filter { $0 == 10 }.count + 1
    let column = before.count - (before.lastIndex(of: 10).map { $0 + 1 } ?? 0) + 1
    throw EventBridgeError.invalid(
      "Invalid InputTemplate for target \(id) : [Source: (String)\"\(sample)\"; line: \(line), column: \(column)].")
  }

  /// A template that was checked when it was put.
  init(known template: String, paths: [String: String]) {
    self.paths = paths.compactMapValues { EventPath($0) }
    parts = Self.parts(of: template)
  }

  private static func parts(of template: String) -> [Part] {
    let bytes = Array(template.utf8)
    var parts: [Part] = []
    var (start, at, isQuoted) = (0, 0, false)
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "\\") where isQuoted: at += 1
      case UInt8(ascii: "\""): isQuoted.toggle()
      case UInt8(ascii: "<"):
        guard let end = variableEnd(bytes, at + 1) else { break }
        if start < at { parts.append(.text(bytes[start..<at].utf8Text)) }
        parts.append(.variable(bytes[(at + 1)..<end].utf8Text, isQuoted: isQuoted))
        (start, at) = (end + 1, end)
      default: break
      }
      at += 1
    }
    if start < bytes.count { parts.append(.text(bytes[start...].utf8Text)) }
    return parts
  }

  /// Where the `>` of a variable is; nil when this is no variable.
  private static func variableEnd(_ bytes: [UInt8], _ start: Int) -> Int? {
    var at = start
    while at < bytes.count, bytes[at] != UInt8(ascii: ">") {
      let b = bytes[at]
      guard b | 32 >= 97 && b | 32 <= 122 || b >= 48 && b <= 57 || b == 45 || b == 46 || b == 95 else { return nil }
      at += 1
    }
    return at < bytes.count && at > start ? at : nil
  }

  private func text(_ value: (String, Bool) -> String) -> String {
    parts.map { part in
      switch part {
      case .text(let text): text
      case .variable(let name, let isQuoted): value(name, isQuoted)
      }
    }.joined()
  }

  /// A template is one JSON value, or several on lines of their own. Returns the offset of what is none.
  private static func firstError(in text: String) -> Int? {
    Array(text.utf8).withUnsafeBufferPointer { bytes in
      var scanner = JSONScanner(bytes)
      do {
        repeat { try scanner.skip() } while bytes[scanner.offset...].contains { $0 > 32 }
        return nil
      } catch {
        return scanner.offset
      }
    }
  }

  /// The template filled in.
  func filled(with event: JSON, _ surroundings: Surroundings) -> String {
    text { name, isQuoted in
      let value = value(name, event, surroundings)
      return isQuoted ? Self.quotedText(value) : value.text
    }
  }

  private func value(_ name: String, _ event: JSON, _ surroundings: Surroundings) -> JSON {
    switch name {
    case "aws.events.rule-arn": return .string(surroundings.ruleARN)
    case "aws.events.rule-name": return .string(surroundings.ruleName)
    case "aws.events.event.ingestion-time": return .string(surroundings.ingested.iso8601)
    case "aws.events.event.json": return event
    case "aws.events.event":
      guard var object = event.object else { return event }
      object["detail"] = nil
      return .object(object)
    default: return paths[name]?.value(in: event) ?? ""
    }
  }

  /// As it stands inside the quotes of a JSON text: lists of texts lose their quotes, as on AWS.
  private static func quotedText(_ value: JSON) -> String {
    switch value {
    case .string(let text): escaped(text)
    case .array(let elements): "[" + elements.map(quotedText).joined(separator: ",") + "]"
    case .null, .bool, .int, .double, .number, .object: escaped(value.text)
    }
  }
  private static func escaped(_ text: String) -> String { String(JSON.string(text).text.dropFirst().dropLast()) }
}
