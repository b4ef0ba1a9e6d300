import Base

extension Validation {
  /// The constraints that the value itself breaks, in AWS's words.
  static func broken(_ value: Value, _ constraints: Constraints) -> [String] {
    var broken: [String] = []
    switch value {
    case .string(let text):
      if let pattern = constraints.pattern, let compiled = Pattern.of(pattern), !compiled.matches(text) {
        broken.append(patternText(pattern))
      }
      if constraints.minimum != nil || constraints.maximum != nil { checkLength(text.utf16.count, constraints, &broken) }
      if let allowed = constraints.allowed, !allowed.contains(text) { broken.append(enumText(allowed)) }
    case .blob(let bytes): checkLength(bytes.count, constraints, &broken)
    case .list(let values): checkLength(values.count, constraints, &broken)
    case .map(let entries): checkLength(entries.count, constraints, &broken)
    case .integer(let number): checkRange(Double(number), constraints, &broken)
    case .double(let number): checkRange(number, constraints, &broken)
    case .bool, .timestamp, .document, .rawJSON, .record: break
    }
    return broken
  }

  private static func checkLength(_ count: Int, _ constraints: Constraints, _ broken: inout [String]) {
    if let maximum = constraints.maximum, Double(count) > maximum { broken.append(lengthText("less", maximum)) }
    if let minimum = constraints.minimum, Double(count) < minimum { broken.append(lengthText("greater", minimum)) }
  }

  private static func checkRange(_ number: Double, _ constraints: Constraints, _ broken: inout [String]) {
    if let maximum = constraints.maximum, number > maximum { broken.append(valueText("less", maximum)) }
    if let minimum = constraints.minimum, number < minimum { broken.append(valueText("greater", minimum)) }
  }

  /// Every constraint of an element, broken or not: AWS names them all when one item of a list fails.
  static func all(_ constraints: Constraints) -> String {
    var texts: [String] = []
    if let maximum = constraints.maximum { texts.append(lengthText("less", maximum)) }
    if let minimum = constraints.minimum { texts.append(lengthText("greater", minimum)) }
    if let pattern = constraints.pattern { texts.append(patternText(pattern)) }
    if let allowed = constraints.allowed { texts.append(enumText(allowed)) }
    return "[\(texts.joined(separator: ", "))]"
  }

  private static func patternText(_ pattern: String) -> String { "Member must satisfy regular expression pattern: \(pattern)" }
  private static func enumText(_ allowed: [String]) -> String {
    "Member must satisfy enum value set: [\(allowed.joined(separator: ", "))]"
  }
  private static func lengthText(_ side: String, _ bound: Double) -> String {
    "Member must have length \(side) than or equal to \(plain(bound))"
  }
  private static func valueText(_ side: String, _ bound: Double) -> String {
    "Member must have value \(side) than or equal to \(plain(bound))"
  }
  private static func plain(_ bound: Double) -> String {
    bound == bound.rounded() && abs(bound) < 1e15 ? String(Int64(bound)) : String(bound)
  }
}

extension Constraints {
  var isEmpty: Bool { minimum == nil && maximum == nil && pattern == nil && allowed == nil }
}

extension Member {
  /// False when nothing in the member can break the model, so that the walk passes over it.
  var hasConstraints: Bool {
    if !constraints.isEmpty { return true }
    return switch type {
    case .structure, .list, .map: true
    default: false
    }
  }
}

extension ElementShape {
  var isScalar: Bool {
    switch type {
    case .structure, .list, .map: false
    default: true
    }
  }
}

extension Value {
  /// As AWS's messages print it, cut at 1,024 characters.
  var validationText: String {
    let text =
      switch self {
      case .string(let text): text
      case .list(let values): "[" + values.prefix(100).map(\.validationText).joined(separator: ", ") + "]"
      case .map(let entries):
        "{" + entries.prefix(100).map { "\($0.key)=\($0.value.validationText)" }.joined(separator: ", ") + "}"
      case .record(let record): record.redactedDescription
      case .document(let json): json.text
      case .rawJSON(let raw): raw.bytes.utf8Text
      default: ScalarText.text(self, .iso8601) ?? ""
      }
    return text.utf8.count <= 1024 ? text : String(text.prefix(1024))
  }
}
