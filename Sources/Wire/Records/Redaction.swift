import Base

extension Record {
  /// For logs: one line, sensitive members masked, long values cut, bytes counted.
  public var redactedDescription: String {
    var parts: [String] = []
    for (place, slot) in slots.enumerated() {
      guard let value = slot else { continue }
      let member = shape.members[place]
      parts.append("\(member.name): \(Redaction.text(value, member.type, member.constraints))")
    }
    return "\(shape.name)(\(parts.joined(separator: ", ")))"
  }
}

private enum Redaction {
  static let maximumText = 200
  static let maximumItems = 10
  static let mask = "***"

  static func text(_ value: Value, _ type: ShapeType, _ constraints: Constraints) -> String {
    if constraints.isSensitive { return mask }
    switch (value, type) {
    case (.string(let text), _): return "\"" + (text.utf8.count <= maximumText ? text : text.prefix(maximumText) + "…") + "\""
    case (.blob(let bytes), _): return "<\(bytes.count) bytes>"
    case (.record(let record), _): return record.redactedDescription
    case (.document, _), (.rawJSON, _): return "<document>"
    case (.list(let values), .list(let element)):
      let items = values.prefix(maximumItems).map { text($0, element.type, element.constraints) }
      return "[" + (items + (values.count > maximumItems ? ["… \(values.count) in all"] : [])).joined(separator: ", ") + "]"
    case (.map(let entries), .map(let key, let element)):
      let items = entries.prefix(maximumItems).map { entry in
        (key.constraints.isSensitive ? mask : entry.key) + ": " + text(entry.value, element.type, element.constraints)
      }
      return "{" + (items + (entries.count > maximumItems ? ["… \(entries.count) in all"] : [])).joined(separator: ", ") + "}"
    default: return ScalarText.text(value, .iso8601) ?? "?"
    }
  }
}
