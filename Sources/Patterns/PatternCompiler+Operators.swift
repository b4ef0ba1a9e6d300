import Base

/// The operators, each with the reasons for which AWS's own compiler refuses it: it looks at the first name, and says what is wrong with
/// the rest in the words of that operator.
extension PatternCompiler {
  func matcher(_ object: JSONObject) throws(PatternError) -> Matcher {
    guard let (name, operand) = object.first(where: { _ in true }) else { throw PatternError("Match expression name not found") }
    let isAlone = object.count == 1
    switch name {
    case "exactly":
      guard operand.string != nil else { throw PatternError("exact match pattern must be a string") }
      try require(isAlone)
      return .oneOf(ExactValues([operand]))
    case "prefix", "suffix", "equals-ignore-case":
      let test = try textTest(name, operand)
      try require(isAlone)
      return .text(test)
    case "wildcard" where dialect == .bus:
      guard let text = operand.string else { throw PatternError("wildcard match pattern must be a string") }
      let wildcard = try Wildcard(text)
      try require(isAlone)
      return .text(.wildcard(wildcard))
    case "anything-but":
      let matcher = try anythingBut(operand)
      try require(isAlone, Self.tooMany)
      return matcher
    case "numeric":
      let tests = try numeric(operand)
      try require(isAlone, Self.tooMany)
      return .numeric(tests)
    case "exists":
      guard let wanted = operand.bool else { throw PatternError("exists match pattern must be either true or false.") }
      try require(isAlone)
      return .exists(wanted)
    case "cidr":
      let range = try cidr(operand)
      try require(isAlone)
      return .cidr(range)
    default: throw PatternError("Unrecognized match type \(name)")
    }
  }

  private static let onlyOne = "Only one key allowed in match expression"
  /// AWS says so of `anything-but`, too.
  private static let tooMany = "Too many elements in numeric expression"

  private func require(_ holds: Bool, _ reason: String = onlyOne) throws(PatternError) {
    guard holds else { throw PatternError(reason) }
  }

  private func textTest(_ name: String, _ operand: JSON) throws(PatternError) -> TextTest {
    if let text = operand.string {
      switch name {
      case "prefix": return .prefix(text)
      case "suffix": return .suffix(text)
      default: return .equalsIgnoringCase(text)
      }
    }
    guard name != "equals-ignore-case", let inner = operand.object else { throw PatternError("\(name) match pattern must be a string") }
    guard let (operation, value) = inner.first(where: { _ in true }) else {
      throw PatternError("\(name == "prefix" ? "Prefix" : "Suffix") expression name not found")
    }
    guard operation == "equals-ignore-case" else { throw PatternError("Unsupported \(name) pattern: \(operation)") }
    guard let text = value.string else { throw PatternError("equals-ignore-case match pattern must be a string") }
    try require(inner.count == 1)
    return name == "prefix" ? .prefixIgnoringCase(text) : .suffixIgnoringCase(text)
  }

  private func cidr(_ operand: JSON) throws(PatternError) -> AddressRange {
    // So AWS says, whatever the operator.
    guard let text = operand.string else { throw PatternError("prefix match pattern must be a string") }
    guard text.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 1 else { throw PatternError("Malformed CIDR, one '/' required") }
    guard let range = AddressRange(text) else { throw PatternError("Malformed CIDR, invalid address or mask bits: \(text)") }
    return range
  }

  private func anythingBut(_ operand: JSON) throws(PatternError) -> Matcher {
    switch operand {
    case .string: return .anythingBut(ExactValues([operand]))
    case .int, .double, .number: return .anythingButNumbers(Set(operand.double.map { [$0] } ?? []))
    case .array(let values): return try anythingBut(values)
    case .object(let object) where dialect == .bus:
      guard let (name, inner) = object.first(where: { _ in true }) else { throw PatternError("Anything-But expression name not found") }
      let tests = try excluded(name, inner)
      try require(object.count == 1, Self.tooMany)
      return .anythingButText(tests)
    case .null, .bool, .object: throw PatternError("Value of anything-but must be an array or single string/number value.")
    }
  }

  private func anythingBut(_ values: [JSON]) throws(PatternError) -> Matcher {
    let texts = values.count { $0.string != nil }
    var numbers: Set<Double> = []
    for value in values {
      switch value {
      case .string: continue
      case .int, .double, .number: if let number = value.double { numbers.insert(number) }
      case .null, .bool, .array, .object: throw PatternError("Inside anything but list, start|null|boolean is not supported.")
      }
    }
    guard texts == 0 ? !numbers.isEmpty : texts == values.count else {
      throw PatternError("Inside anything but list, either all values are number or string, mixed type is not supported")
    }
    return texts > 0 ? .anythingBut(ExactValues(values)) : .anythingButNumbers(numbers)
  }

  /// The texts that `anything-but` with an operator leaves out.
  private func excluded(_ name: String, _ operand: JSON) throws(PatternError) -> [TextTest] {
    guard ["prefix", "suffix", "equals-ignore-case", "wildcard"].contains(name) else {
      throw PatternError("Unsupported anything-but pattern: \(name)")
    }
    let values: [JSON]
    switch operand {
    case .array(let list): values = list
    case .string, .int, .double, .number: values = [operand]
    case .null, .bool, .object: throw PatternError("Value of anything-but must be an array or single string/number value.")
    }
    var tests: [TextTest] = []
    for value in values {
      guard let text = value.string else { throw PatternError(Self.notText(name)) }
      if text.isEmpty, name == "prefix" || name == "suffix" { throw PatternError("Null prefix/suffix not allowed") }
      tests.append(name == "wildcard" ? .wildcard(try Wildcard(text)) : try textTest(name, value))
    }
    guard !tests.isEmpty else { throw PatternError("Empty arrays are not allowed") }
    return tests
  }

  private static func notText(_ name: String) -> String {
    switch name {
    case "equals-ignore-case": "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
    case "wildcard": "wildcard match pattern must be a string"
    default: "prefix/suffix match pattern must be a string"
    }
  }

  /// One comparison, or a lower and an upper bound.
  private func numeric(_ operand: JSON) throws(PatternError) -> [NumericTest] {
    guard let parts = operand.array else { throw PatternError("Value of numeric must be an array.") }
    guard let first = parts.first else { throw PatternError("Invalid member in numeric match: ]") }
    guard let name = first.string else { throw PatternError("Invalid member in numeric match: \(first.text)") }
    guard let comparison = NumericTest.Comparison(rawValue: name) else { throw PatternError("Unrecognized numeric range operator: \(name)") }
    let test = NumericTest(comparison: comparison, bound: try bound(parts.dropFirst().first, comparison == .equal ? "equals" : name))
    guard parts.count > 2 else { return [test] }
    guard [.greater, .greaterOrEqual].contains(comparison) else { throw PatternError(Self.tooMany) }
    guard let second = parts[2].string else { throw PatternError("Bad value in numeric range: \(parts[2].text)") }
    guard let upper = NumericTest.Comparison(rawValue: second), [.less, .lessOrEqual].contains(upper) else {
      throw PatternError("Bad numeric range operator: \(second)")
    }
    let top = NumericTest(comparison: upper, bound: try bound(parts.dropFirst(3).first, second))
    guard parts.count == 4 else { throw PatternError("Too many terms in numeric range expression") }
    guard test.bound < top.bound else { throw PatternError("Bottom must be less than top") }
    return [test, top]
  }

  private func bound(_ value: JSON?, _ name: String) throws(PatternError) -> Double {
    guard let value, value.string == nil, let bound = value.double, bound.isFinite else { throw PatternError("Value of \(name) must be numeric") }
    return bound
  }
}
