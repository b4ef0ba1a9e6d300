import Base

/// The policy document of a form: until when, and what its fields may hold ("Creating a POST policy").
struct PostPolicy: Sendable {
  enum Condition: Sendable, Equatable {
    case equals(String, String)
    case startsWith(String, String)
    case length(ClosedRange<Int>)
  }
  let expiration: Instant
  let conditions: [Condition]

  /// - Parameter text: base64. Throws InvalidPolicyDocument.
  init(_ text: String) throws(AWSError) {
    guard let bytes = decodeBase64(text), let json = try? JSON.parse(bytes), json.object != nil else {
      throw Self.invalid("Invalid Policy: Invalid JSON.")
    }
    guard let time = json["expiration"]?.string else { throw Self.invalid("Invalid Policy: Policy missing expiration.") }
    guard let expiration = Instant(iso8601: time) else { throw Self.invalid("Invalid Policy: Invalid 'expiration' value: '\(time)'") }
    guard let items = json["conditions"]?.array else { throw Self.invalid("Invalid Policy: Policy missing conditions.") }
    var conditions: [Condition] = []
    for item in items { conditions += try Self.conditions(item) }
    (self.expiration, self.conditions) = (expiration, conditions)
  }

  private static func invalid(_ text: String) -> AWSError { AWSError("InvalidPolicyDocument", text, status: 400) }

  private static func conditions(_ item: JSON) throws(AWSError) -> [Condition] {
    if let object = item.object {
      var equal: [Condition] = []
      for (name, value) in object {
        guard let text = value.string else { throw invalid("Invalid Policy: Invalid Simple-Condition: value must be a string.") }
        equal.append(.equals(name.lowercased(), text))
      }
      return equal
    }
    guard let parts = item.array, parts.count == 3, let verb = parts[0].string?.lowercased() else {
      throw invalid("Invalid Policy: Invalid Condition.")
    }
    if verb == "content-length-range" {
      let bounds = parts.dropFirst().map { $0.int ?? $0.string.flatMap { Int64($0) } ?? -1 }
      guard bounds[0] >= 0, bounds[1] >= bounds[0] else { throw invalid("Invalid Policy: Invalid 'content-length-range'.") }
      return [.length(Int(bounds[0])...Int(bounds[1]))]
    }
    guard let field = parts[1].string, field.hasPrefix("$"), let text = parts[2].string else {
      throw invalid("Invalid Policy: Invalid Condition.")
    }
    let name = field.dropFirst().lowercased()
    switch verb {
    case "eq": return [.equals(name, text)]
    case "starts-with": return [.startsWith(name, text)]
    default: throw invalid("Invalid Policy: Unknown Condition '\(verb)'.")
    }
  }

  /// How large the file may be.
  var length: ClosedRange<Int>? {
    for case .length(let range) in conditions { return range }
    return nil
  }

  /// Throws AccessDenied when it has ended, a condition does not hold, or a field has none.
  /// - Parameter fields: by name in lower case, without the file; the bucket among them.
  func check(_ fields: [String: String], at now: Instant) throws(AWSError) {
    guard now < expiration else { throw Self.denied("Policy expired.") }
    var named: Set<String> = []
    for condition in conditions {
      switch condition {
      case .length: break
      case .equals(let name, let text):
        named.insert(name)
        guard (fields[name] ?? "").isExactly(text) else { throw Self.failed("eq", name, text) }
      case .startsWith(let name, let text):
        named.insert(name)
        // A content type may be a list; each of it has to fit.
        let value = fields[name] ?? ""
        let values = name == "content-type" ? value.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmed) : [value]
        guard values.allSatisfy({ $0.begins(with: text) }) else { throw Self.failed("starts-with", name, text) }
      }
    }
    let strangers = fields.keys.filter { !named.contains($0) && !Self.free.contains($0) && !$0.hasPrefix("x-ignore-") }.sorted()
    guard strangers.isEmpty else { throw Self.denied("Extra input fields: \(strangers.joined(separator: ", "))") }
  }

  /// What needs no condition.
  private static let free: Set = ["policy", "signature", "x-amz-signature", "awsaccesskeyid", "file", "bucket"]

  private static func failed(_ verb: String, _ name: String, _ text: String) -> AWSError {
    denied("Policy Condition failed: [\"\(verb)\", \"$\(name)\", \"\(text)\"]")
  }
  private static func denied(_ reason: String) -> AWSError {
    AWSError("AccessDenied", "Invalid according to Policy: \(reason)", status: 403)
  }
}
