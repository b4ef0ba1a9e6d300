import Base

extension ServiceModel {
  /// Checks an input against the model, in AWS's words. `WireCodec.decode` has done this for every request; a record that
  /// another service built goes through here itself.
  ///
  /// Fails with `ValidationException` (`ValidationError` for services that speak Query), or `MissingParameter` for services that
  /// check values in their own words.
  public func validate(_ record: Record) throws(AWSError) {
    switch validation {
    case .own:
      if let missing = Validation.firstMissing(record) {
        throw AWSError("MissingParameter", "The request must contain the parameter \(missing).", status: 400)
      }
    case .model:
      let failures = Validation.failures(record)
      guard !failures.isEmpty else { return }
      let count = failures.count == 1 ? "1 validation error detected: " : "\(failures.count) validation errors detected: "
      let code = Self.validationCodes[name] ?? (protocols.contains(.awsQuery) ? "ValidationError" : "ValidationException")
      throw AWSError(code, count + failures.joined(separator: "; "), status: 400)
    }
  }
}

extension ServiceModel {
  /// Services that word a breach of their model as everybody does and name the error otherwise.
  private static let validationCodes = ["logs": "InvalidParameterException"]
}

/// The walk over a record that finds what its model forbids.
public struct Validation {
  /// Failures reported at once; the walk stops there.
  public static let maximumFailures = 20

  private var found: [String] = []

  /// One sentence for each failure, without the count in front.
  public static func failures(_ record: Record) -> [String] {
    var validation = Validation()
    validation.check(record, "")
    return validation.found
  }

  /// The dotted path of the first required member that is absent, as the model writes it: `Entries.1.Id`.
  public static func firstMissing(_ record: Record) -> String? { missing(in: record) }

  private static func missing(in record: Record) -> String? {
    let table = record.shape.memberTable
    for place in table.required where record.slots[place] == nil { return table.members[place].name }
    for place in table.composites {
      if let value = record.slots[place], let inner = missing(in: value) { return "\(table.members[place].name).\(inner)" }
    }
    return nil
  }

  private static func missing(in value: Value) -> String? {
    switch value {
    case .record(let record): return missing(in: record)
    case .list(let values):
      for (index, value) in values.enumerated() { if let inner = missing(in: value) { return "\(index + 1).\(inner)" } }
    case .map(let entries):
      for (index, entry) in entries.enumerated() {
        if let inner = missing(in: entry.value) { return "\(index + 1).Value.\(inner)" }
      }
    default: break
    }
    return nil
  }

  private mutating func check(_ record: Record, _ prefix: String) {
    for (place, slot) in record.slots.enumerated() {
      let member = record.shape.members[place]
      guard let value = slot else {
        if member.isRequired { fail("Value null", prefix + camelCase(member.name), "Member must not be null") }
        continue
      }
      guard found.count < Self.maximumFailures else { return }
      if member.hasConstraints { check(value, member.type, member.constraints, prefix + camelCase(member.name)) }
    }
  }

  private mutating func check(_ value: Value, _ type: ShapeType, _ constraints: Constraints, _ path: String) {
    for broken in Self.broken(value, constraints) { fail(Self.shown(value, constraints), path, broken) }
    switch (value, type) {
    case (.record(let record), _): check(record, path + ".")
    case (.list(let values), .list(let element)):
      if element.isScalar {
        let isBroken = values.contains { !Self.broken($0, element.constraints).isEmpty }
        if isBroken {
          fail(
            Self.shown(value, constraints, element.constraints), path,
            "Member must satisfy constraint: \(Self.all(element.constraints))")
        }
      } else {
        for (index, item) in values.enumerated() { check(item, element.type, element.constraints, "\(path).\(index + 1).member") }
      }
    case (.map(let entries), .map(let key, let element)):
      check(entries, key, element, Self.shown(value, constraints, element.constraints), path)
    default: break
    }
  }

  private mutating func check(
    _ entries: [MapEntry], _ key: ElementShape, _ element: ElementShape, _ shown: @autoclosure () -> String,
    _ path: String
  ) {
    if entries.contains(where: { !Self.broken(.string($0.key), key.constraints).isEmpty }) {
      fail(shown(), path, "Map keys must satisfy constraint: \(Self.all(key.constraints))")
    }
    if element.isScalar {
      if entries.contains(where: { !Self.broken($0.value, element.constraints).isEmpty }) {
        fail(shown(), path, "Map value must satisfy constraint: \(Self.all(element.constraints))")
      }
    } else {
      for entry in entries { check(entry.value, element.type, element.constraints, "\(path).\(entry.key).member") }
    }
  }

  private mutating func fail(_ value: String, _ path: String, _ constraint: String) {
    guard found.count < Self.maximumFailures else { return }
    found.append("\(value) at '\(path)' failed to satisfy constraint: \(constraint)")
  }

  /// AWS lowers the first letter only: `functionName`, `sSEAlgorithm`.
  private func camelCase(_ name: String) -> String { name.prefix(1).lowercased() + name.dropFirst() }

  /// Sensitive values and bytes are not repeated.
  private static func shown(_ value: Value, _ constraints: Constraints...) -> String {
    if constraints.contains(where: \.isSensitive) { return "Value" }
    if case .blob = value { return "Value" }
    return "Value '\(value.validationText)'"
  }
}
