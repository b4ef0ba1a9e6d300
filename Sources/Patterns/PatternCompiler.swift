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
        level.add(try any(alternatives))
        continue
      }
      switch value {
      case .object(let inner): level.merge(try self.level(inner), at: NestedName.parts(name)[...])
      case .array(let values): level.set(NestedName.parts(name)[...], try matchers(values))
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
      case .array: throw PatternError("Match value must be String, number, true, false, or null")
      case .object(let object): matchers.append(try matcher(object))
      }
    }
    if dialect == .bus { try WildcardComplexity.check(matchers) }
    return (plain.isEmpty ? [] : [.oneOf(ExactValues(plain))]) + matchers
  }
}
