import Base

/// Scalars as text: query strings, form fields, headers, labels and XML.
enum ScalarText {
  /// Nil when the text is not of the type. Structures, lists and maps have no text.
  static func value(_ text: String, _ type: ShapeType, _ format: TimestampFormat) -> Value? {
    switch type {
    case .string: .string(text)
    case .boolean: boolean(text).map(Value.bool)
    case .integer: Int64(text).map(Value.integer)
    case .double: double(text).map(Value.double)
    case .blob: decodeBase64(text).map(Value.blob)
    case .timestamp: timestamp(text, format).map(Value.timestamp)
    case .document, .rawJSON, .structure, .list, .map: nil
    }
  }

  private static func boolean(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true": true
    case "false": false
    default: nil
    }
  }

  private static func double(_ text: String) -> Double? {
    special(text) ?? Double(text).flatMap { $0.isFinite ? $0 : nil }
  }

  /// The doubles that JSON has no number for.
  static func special(_ text: String) -> Double? {
    switch text {
    case "NaN": .nan
    case "Infinity": .infinity
    case "-Infinity": -.infinity
    default: nil
    }
  }

  /// The given form first; then the other ones, since clients differ.
  static func timestamp(_ text: String, _ format: TimestampFormat) -> Instant? {
    let first: Instant? = switch format {
    case .epochSeconds: epoch(text)
    case .iso8601: Instant(iso8601: text)
    case .httpDate: httpDate(text)
    }
    return first ?? epoch(text) ?? Instant(iso8601: text) ?? httpDate(text)
  }

  /// `Instant(httpDate:)` takes years and seconds of any size; what a client sends is checked for its form first.
  private static func httpDate(_ text: String) -> Instant? {
    let parts = text.utf8.split(separator: UInt8(ascii: " "))
    guard parts.count == 6, parts[3].count == 4, parts[4].count <= 12,
      parts[4].allSatisfy({ ($0 >= 48 && $0 <= 58) || $0 == UInt8(ascii: ".") })
    else { return nil }
    return Instant(httpDate: text)
  }

  private static func epoch(_ text: String) -> Instant? { Double(text).flatMap(instant(seconds:)) }

  /// Nil outside the years that an AWS timestamp can have.
  static func instant(seconds: Double) -> Instant? {
    guard seconds.isFinite, abs(seconds) < 1e12 else { return nil }
    return Instant(milliseconds: Int64((seconds * 1000).rounded()))
  }

  /// Nil for types without a text.
  static func text(_ value: Value, _ format: TimestampFormat) -> String? {
    switch value {
    case .string(let text): text
    case .bool(let flag): flag ? "true" : "false"
    case .integer(let number): String(number)
    case .double(let number): text(number)
    case .blob(let bytes): bytes.base64
    case .timestamp(let instant): text(instant, format)
    case .document, .rawJSON, .list, .map, .record: nil
    }
  }

  private static func text(_ number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
    return String(number)
  }

  private static func text(_ instant: Instant, _ format: TimestampFormat) -> String {
    switch format {
    case .iso8601: return instant.iso8601
    case .httpDate: return instant.httpDate
    case .epochSeconds:
      var writer = JSONWriter(capacity: 16)
      writer.epochSeconds(instant)
      return writer.bytes.utf8Text
    }
  }
}
