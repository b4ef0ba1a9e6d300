import Base

extension PolicyCondition {
  /// Reads `"StringEquals": {"aws:username": ["a", "b"]}`.
  static func parse(operator text: String, _ block: JSON, _ options: PatternTemplate.Options) throws(MalformedPolicy)
    -> [PolicyCondition]
  {
    guard let keys = block.object else { throw .syntax }
    var (quantifier, name) = (Quantifier.none, text.lowercased())
    for (prefix, value) in [("forallvalues:", Quantifier.forAllValues), ("foranyvalue:", .forAnyValue)]
    where name.hasPrefix(prefix) {
      quantifier = value
      name = String(name.dropFirst(prefix.count))
    }
    var ifExists = false
    if name.hasSuffix("ifexists"), name != "null" {
      ifExists = true
      name = String(name.dropLast(8))
    }
    var conditions: [PolicyCondition] = []
    for (key, value) in keys {
      guard let texts = Self.texts(value) else { throw .syntax }
      guard key.contains(":") else { throw .vendorMissing }
      guard let (test, isNegated) = try Self.test(name, texts, options) else { throw .conditionType(text) }
      conditions.append(
        PolicyCondition(quantifier: quantifier, ifExists: ifExists, isNegated: isNegated, test: test, key: ConditionKey(key)))
    }
    return conditions
  }

  /// A string, number or boolean, or an array of them. Numbers and booleans may stand bare.
  private static func texts(_ value: JSON) -> [String]? {
    var out: [String] = []
    for element in value.array ?? [value] {
      switch element {
      case .string(let text): out.append(text)
      case .bool(let flag): out.append(flag ? "true" : "false")
      case .int(let n): out.append(String(n))
      case .double(let d): out.append(String(d))
      case .number(let text): out.append(text)
      case .null, .array, .object: return nil
      }
    }
    return out
  }

  /// Nil for an operator that does not exist.
  private static func test(_ name: String, _ texts: [String], _ options: PatternTemplate.Options) throws(MalformedPolicy)
    -> (Test, isNegated: Bool)?
  {
    var plain = options
    plain.wildcards = false
    var wild = options
    wild.wildcards = true
    switch name {
    case "stringequals", "stringnotequals": return (.text(texts.map { PatternTemplate($0, plain) }), name == "stringnotequals")
    case "stringlike", "stringnotlike": return (.text(texts.map { PatternTemplate($0, wild) }), name == "stringnotlike")
    case "stringequalsignorecase", "stringnotequalsignorecase":
      return (.textIgnoringCase(texts.map { PatternTemplate($0, plain) }), name == "stringnotequalsignorecase")
    case "arnequals", "arnlike", "arnnotequals", "arnnotlike":
      return (.arn(texts.map { PatternTemplate($0, wild) }), name.hasPrefix("arnnot"))
    case "bool": return (.bool(try flags(texts)), false)
    case "null": return (.null(try flags(texts)), false)
    case "binaryequals": return (.binary(try all(texts) { decodeBase64($0) }), false)
    case "ipaddress", "notipaddress": return (.address(try all(texts) { IPNetwork($0) }), name == "notipaddress")
    default: break
    }
    if name.hasPrefix("numeric"), let (comparison, isNegated) = comparison(name.dropFirst(7)) {
      return (.number(comparison, try all(texts) { Double($0) }), isNegated)
    }
    if name.hasPrefix("date"), let (comparison, isNegated) = comparison(name.dropFirst(4)) {
      return (.date(comparison, try all(texts) { Instant(policyText: $0) }), isNegated)
    }
    return nil
  }

  private static func comparison(_ name: Substring) -> (Comparison, isNegated: Bool)? {
    switch name {
    case "equals": (.equal, false)
    case "notequals": (.equal, true)
    case "lessthan": (.less, false)
    case "lessthanequals": (.lessOrEqual, false)
    case "greaterthan": (.greater, false)
    case "greaterthanequals": (.greaterOrEqual, false)
    default: nil
    }
  }

  private static func flags(_ texts: [String]) throws(MalformedPolicy) -> [Bool] {
    try all(texts) { text in ["true": true, "false": false][text.lowercased()] }
  }

  private static func all<T>(_ texts: [String], _ read: (String) -> T?) throws(MalformedPolicy) -> [T] {
    var out: [T] = []
    for text in texts {
      guard let value = read(text) else { throw .conditionValue(text) }
      out.append(value)
    }
    return out
  }
}
