import Base

/// What a target or an enrichment gets of an event (EventBridge User Guide, "Input transformation" for pipes): a text in which `<$.path>`
/// and `<aws.pipes.…>` stand for values.
///
/// In a template that is JSON a value outside quotes is inserted as JSON, and one inside quotes as text; in any other template
/// values are text. A path that leads nowhere is the empty text.
struct InputTemplate: Sendable {
  /// What reserved names stand for.
  struct Surroundings: Sendable {
    var pipe: Pipe
    var now: Instant
  }
  private enum Source: Sendable {
    case path(ValuePath)
    case reserved(String)
  }
  private enum Part: Sendable {
    case text(String)
    case value(Source, isQuoted: Bool)
  }
  private var parts: [Part] = []
  private let isJSON: Bool

  private static let reserved: Set<String> = [
    "aws.pipes.pipe-arn", "aws.pipes.pipe-name", "aws.pipes.source-arn", "aws.pipes.enrichment-arn", "aws.pipes.target-arn",
    "aws.pipes.event-ingestion-time", "aws.pipes.event", "aws.pipes.event.json",
  ]

  init(_ template: String) {
    var sample = ""
    var isQuoted = false
    var rest = template[...]
    while let open = rest.firstIndex(of: "<") {
      let before = rest[..<open]
      Self.scan(before, &isQuoted)
      sample += before
      if !before.isEmpty { parts.append(.text(String(before))) }
      // Not beyond the next `<`, or a template of many would be read through for each of them.
      let inner = rest.index(after: open)
      if let close = rest[inner...].firstIndex(where: { $0 == ">" || $0 == "<" }), rest[close] == ">",
        let source = Self.source(rest[inner..<close])
      {
        parts.append(.value(source, isQuoted: isQuoted))
        sample += "0"
        rest = rest[rest.index(after: close)...]
      } else {
        parts.append(.text("<"))
        sample += "<"
        rest = rest[rest.index(after: open)...]
      }
    }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    isJSON = (try? JSON.parse(sample + rest)) != nil
  }

  private static func source(_ name: Substring) -> Source? {
    if let path = ValuePath(name) { return .path(path) }
    return reserved.contains(String(name)) ? .reserved(String(name)) : nil
  }

  /// Whether the text behind stands in a JSON string.
  private static func scan(_ text: Substring, _ isQuoted: inout Bool) {
    var isEscaped = false
    for byte in text.utf8 {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = isQuoted
      } else if byte == UInt8(ascii: "\"") {
        isQuoted.toggle()
      }
    }
  }

  /// - Parameter event: as it came; paths see a body that is JSON as what it says.
  func render(_ event: PipeEvent, _ surroundings: Surroundings) -> JSON {
    var out = ""
    for part in parts {
      switch part {
      case .text(let text): out += text
      case .value(let source, let isQuoted):
        let value = Self.value(source, event, surroundings) ?? .string("")
        out += isJSON ? (isQuoted ? Self.escaped(value.plainText) : value.text) : value.plainText
      }
    }
    guard isJSON, let json = try? JSON.parse(out) else { return .string(out) }
    return json
  }

  private static func value(_ source: Source, _ event: PipeEvent, _ surroundings: Surroundings) -> JSON? {
    let pipe = surroundings.pipe
    switch source {
    case .path(let path): return path.value(in: event.parsed)
    case .reserved("aws.pipes.pipe-arn"): return .string(pipe.name.arn)
    case .reserved("aws.pipes.pipe-name"): return .string(pipe.name.name)
    case .reserved("aws.pipes.source-arn"): return .string(pipe.source)
    case .reserved("aws.pipes.enrichment-arn"): return .string(pipe.enrichment ?? "")
    case .reserved("aws.pipes.target-arn"): return .string(pipe.target)
    case .reserved("aws.pipes.event-ingestion-time"): return .string(surroundings.now.iso8601)
    case .reserved("aws.pipes.event"): return event.json
    case .reserved: return event.parsed
    }
  }

  /// As it stands between the quotes of a JSON string.
  private static func escaped(_ text: String) -> String { String(JSON.string(text).text.dropFirst().dropLast()) }
}

extension JSON {
  /// A text as it is, anything else as JSON.
  var plainText: String { string ?? text }
}
