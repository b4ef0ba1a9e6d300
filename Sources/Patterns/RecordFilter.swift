import Base

/// The filters of a source of records, as event source mappings and pipes have them: a record is wanted when one pattern matches it.
///
/// What was sent stands in one member of the record (`body`, `data`), as a JSON object or as a text. A pattern for the one does not match
/// the other (AWS Lambda Developer Guide, "Control which events Lambda sends to your function").
public struct RecordFilter: Sendable {
  /// One pattern for each kind of content: a JSON object, and anything else, which is only a text.
  private struct Pair: Sendable {
    var ofObject: EventPattern
    var ofText: EventPattern
  }
  private let patterns: [Pair]

  /// - Parameters:
  ///   - texts: none wants everything.
  ///   - contentKey: the member with what was sent; nil where it is always an object.
  /// - Throws: `PatternError`.
  public init(_ texts: [String], contentKey: String?) throws(PatternError) {
    var patterns: [Pair] = []
    for text in texts {
      let pattern = try EventPattern(text, dialect: .filter)
      guard let contentKey, let json = try? JSON.parse(text) else {
        patterns.append(Pair(ofObject: pattern, ofText: pattern))
        continue
      }
      patterns.append(
        Pair(
          ofObject: try EventPattern(Self.narrow(json, contentKey, toObjects: true), dialect: .filter),
          ofText: try EventPattern(Self.narrow(json, contentKey, toObjects: false), dialect: .filter)))
    }
    self.patterns = patterns
  }

  public var isEmpty: Bool { patterns.isEmpty }

  public func wants(_ record: JSON, contentIsObject: Bool) -> Bool {
    patterns.isEmpty || patterns.contains { (contentIsObject ? $0.ofObject : $0.ofText).matches(record) }
  }

  /// What the pattern asks of the other kind of content becomes what none fulfils: else a text would lack a field as `exists`
  /// may want it.
  private static func narrow(_ pattern: JSON, _ key: String, toObjects: Bool) -> JSON {
    guard case .object(let fields) = pattern else { return pattern }
    return .object(
      JSONObject(
        fields.map { name, value in
          switch (name, value) {
          case (key, .object) where !toObjects: (name, [["exists": false]])
          case (key, .array) where toObjects: (name, [["exists": true]])
          case ("$or", .array(let alternatives)): (name, .array(alternatives.map { narrow($0, key, toObjects: toObjects) }))
          default: (name, value)
          }
        }))
  }
}
