import Base

/// Turns the JSON of a pattern into conditions, or says in AWS's words why it is none.
struct PatternCompiler {
  let dialect: EventPattern.Dialect
  private var combinations = 1

  init(dialect: EventPattern.Dialect) { self.dialect = dialect }

  mutating func level(_ object: JSONObject) throws(PatternError) -> Level {
    guard !object.isEmpty else { throw PatternError("Empty objects are not allowed") }
    var level = Level()
    for (name, value) in object {
      // An `$or` with anything but several objects is an ordinary name, as in AWS's own matcher.
      if name == "$or", let alternatives = Self.alternatives(value) {
        level.alternatives.append(try any(alternatives))
        continue
      }
      switch value {
      case .object(let inner): level.fields.append((name, .level(try self.level(inner))))
      case .array(let values): level.fields.append((name, .leaf(try matchers(values))))
      default: throw PatternError("\"\(name)\" must be an object or an array")
      }
    }
    return level
  }

  private static func alternatives(_ value: JSON) -> [JSONObject]? {
    guard let values = value.array, values.count > 1 else { return nil }
    let objects = values.compactMap(\.object)
    // `{"numeric": …}` in a list is a condition; an alternative has an object or a list below each name of the event.
    let operators: Set<String> = ["prefix", "suffix", "equals-ignore-case", "wildcard", "anything-but", "numeric", "cidr", "exists"]
    guard objects.count == values.count, !objects.contains(where: { $0.names.allSatisfy(operators.contains) }) else { return nil }
    return objects
  }

  private mutating func any(_ alternatives: [JSONObject]) throws(PatternError) -> [Level] {
    let (product, isTooMany) = combinations.multipliedReportingOverflow(by: alternatives.count)
    guard !isTooMany, product <= EventPattern.maximumCombinations else {
      throw PatternError("Rule is too complex - there are too many combinations of $or")
    }
    combinations = product
    var levels: [Level] = []
    for alternative in alternatives { levels.append(try level(alternative)) }
    return levels
  }

  private func matchers(_ values: [JSON]) throws(PatternError) -> [Matcher] {
    guard !values.isEmpty else { throw PatternError("Empty arrays are not allowed") }
    // All plain values of a list are looked up at once.
    var (plain, matchers): ([JSON], [Matcher]) = ([], [])
    for value in values {
      switch value {
      case .string, .null, .bool, .int, .double, .number: plain.append(value)
      case .array, .object: matchers.append(try matcher(value))
      }
    }
    return (plain.isEmpty ? [] : [.oneOf(ExactValues(plain))]) + matchers
  }

  private func matcher(_ value: JSON) throws(PatternError) -> Matcher {
    switch value {
    case .string, .null, .bool, .int, .double, .number: return .oneOf(ExactValues([value]))
    case .array: throw PatternError("Match value must be String, number, true, false, or null")
    case .object(let object):
      guard object.count == 1, let (name, operand) = object.first(where: { _ in true }) else {
        throw PatternError("Only one key allowed in match expression")
      }
      return try matcher(name, operand)
    }
  }

  private func matcher(_ name: String, _ operand: JSON) throws(PatternError) -> Matcher {
    switch name {
    case "prefix", "suffix", "equals-ignore-case": return .text(try textTest(name, operand))
    case "wildcard" where dialect == .bus: return .text(try textTest(name, operand))
    case "anything-but": return try anythingBut(operand)
    case "numeric": return .numeric(try numeric(operand))
    case "exists":
      guard let wanted = operand.bool else { throw PatternError("exists match pattern must be either true or false.") }
      return .exists(wanted)
    case "cidr":
      guard let text = operand.string else { throw PatternError("prefix match pattern must be a string") }
      guard text.contains("/") else { throw PatternError("Malformed CIDR, one '/' required") }
      guard let range = AddressRange(text) else { throw PatternError("Malformed CIDR, invalid address or mask bits: \(text)") }
      return .cidr(range)
    default: throw PatternError("Unrecognized match type \(name)")
    }
  }

  private func textTest(_ name: String, _ operand: JSON) throws(PatternError) -> TextTest {
    if let text = operand.string {
      switch name {
      case "prefix": return .prefix(text)
      case "suffix": return .suffix(text)
      case "equals-ignore-case": return .equalsIgnoringCase(text)
      default: return .wildcard(try Wildcard(text))
      }
    }
    guard name == "prefix" || name == "suffix", let inner = operand.object else {
      throw PatternError("\(name) match pattern must be a string")
    }
    guard inner.count == 1, let text = inner["equals-ignore-case"]?.string else {
      throw PatternError("Unsupported anything-but pattern: \(inner.names.joined(separator: ", "))")
    }
    return name == "prefix" ? .prefixIgnoringCase(text) : .suffixIgnoringCase(text)
  }

  private func anythingBut(_ operand: JSON) throws(PatternError) -> Matcher {
    switch operand {
    case .string, .int, .double, .number: return .anythingBut(ExactValues([operand]))
    case .array(let values):
      guard !values.isEmpty else { throw PatternError("Empty arrays are not allowed") }
      let texts = values.count { $0.string != nil }
      let numbers = values.count { value in
        switch value {
        case .int, .double, .number: true
        default: false
        }
      }
      guard texts + numbers == values.count else {
        throw PatternError("Inside anything but list, start|null|boolean is not supported.")
      }
      guard texts == 0 || numbers == 0 else {
        throw PatternError("Inside anything but list, either all values are number or string, mixed type is not supported")
      }
      return .anythingBut(ExactValues(values))
    case .object(let object) where dialect == .bus:
      guard object.count == 1, let (name, inner) = object.first(where: { _ in true }),
        ["prefix", "suffix", "equals-ignore-case", "wildcard"].contains(name)
      else { throw PatternError("Unsupported anything-but pattern: \(object.names.joined(separator: ", "))") }
      var tests: [TextTest] = []
      for text in inner.array ?? [inner] { tests.append(try textTest(name, text)) }
      guard !tests.isEmpty else { throw PatternError("Empty arrays are not allowed") }
      return .anythingButText(tests)
    default: throw PatternError("Value of anything-but must be an array or single string/number value.")
    }
  }

  /// One comparison, or a lower and an upper bound.
  private func numeric(_ operand: JSON) throws(PatternError) -> [NumericTest] {
    guard let parts = operand.array else { throw PatternError("Value of numeric must be an array.") }
    guard !parts.isEmpty else { throw PatternError("Invalid member in numeric match: ]") }
    var tests: [NumericTest] = []
    for place in stride(from: 0, to: parts.count, by: 2) {
      guard let name = parts[place].string else { throw PatternError("Invalid member in numeric match: \(parts[place].text)") }
      guard let comparison = NumericTest.Comparison(rawValue: name) else {
        throw PatternError("Unrecognized numeric range operator: \(name)")
      }
      guard place + 1 < parts.count, parts[place + 1].string == nil, let bound = parts[place + 1].double, bound.isFinite else {
        throw PatternError("Value of \(name) must be numeric")
      }
      tests.append(NumericTest(comparison: comparison, bound: bound))
    }
    if tests.count == 1 { return tests }
    let isRange =
      tests.count == 2 && [.greater, .greaterOrEqual].contains(tests[0].comparison)
      && [.less, .lessOrEqual].contains(tests[1].comparison)
    guard isRange else { throw PatternError("Bad numeric range operator: \(tests.dropFirst().first?.comparison.rawValue ?? "")") }
    guard tests[0].bound < tests[1].bound else { throw PatternError("Bottom must be less than top") }
    return tests
  }
}
