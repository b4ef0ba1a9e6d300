import Base

/// The policy document of a bucket: the checks of its form, and whether it is public. What its statements mean is IAM's business.
struct BucketPolicy: Sendable {
  private let statements: [JSON]

  /// Throws MalformedPolicy, in the words that S3 has for each mistake.
  init(_ text: String, bucket: String) throws(AWSError) {
    guard text.utf8.count <= S3Limits.policyBytes else {
      throw S3Error.malformedPolicy("Normalized policy document exceeds the maximum allowed size of \(S3Limits.policyBytes) bytes.")
    }
    guard text.utf8.first == UInt8(ascii: "{"), let json = try? JSON.parse(text), json.object != nil else {
      throw S3Error.malformedPolicy("Policies must be valid JSON and the first byte must be '{'")
    }
    if let version = json["Version"] {
      guard ["2008-10-17", "2012-10-17"].contains(version.string) else {
        throw S3Error.malformedPolicy("The policy must contain a valid version string")
      }
    }
    guard let statement = json["Statement"] else { throw S3Error.malformedPolicy("Missing required field Statement") }
    statements = statement.array ?? [statement]
    guard !statements.isEmpty else { throw S3Error.malformedPolicy("Could not parse the policy: Statement is empty!") }
    for statement in statements { try Self.check(statement, bucket) }
  }

  /// Of a kept document, which was checked when it was put.
  init(kept text: String) {
    let statement = (try? JSON.parse(text))?["Statement"]
    statements = statement?.array ?? statement.map { [$0] } ?? []
  }

  private static func check(_ statement: JSON, _ bucket: String) throws(AWSError) {
    guard let object = statement.object else { throw S3Error.malformedPolicy("Policy has invalid statement") }
    let known: Set = [
      "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
    ]
    if let stranger = object.names.first(where: { !known.contains($0) }) {
      throw S3Error.malformedPolicy("Unknown field \(stranger)")
    }
    guard let effect = statement["Effect"]?.string else { throw S3Error.malformedPolicy("Missing required field Effect") }
    guard effect == "Allow" || effect == "Deny" else { throw S3Error.malformedPolicy("Invalid effect: \(effect)") }
    guard statement["Principal"] ?? statement["NotPrincipal"] != nil else {
      throw S3Error.malformedPolicy("Missing required field Principal")
    }
    guard let action = statement["Action"] ?? statement["NotAction"], let actions = texts(action), !actions.isEmpty else {
      throw S3Error.malformedPolicy("Missing required field Action")
    }
    guard let resource = statement["Resource"] ?? statement["NotResource"], let resources = texts(resource), !resources.isEmpty else {
      throw S3Error.malformedPolicy("Missing required field Resource")
    }
    guard actions.allSatisfy({ $0 == "*" || $0.lowercased().hasPrefix("s3:") && $0.utf8.count > 3 }) else {
      throw S3Error.malformedPolicy("Policy has invalid action")
    }
    guard resources.allSatisfy({ isResource($0, of: bucket) }) else { throw S3Error.malformedPolicy("Policy has invalid resource") }
    try checkTogether(actions, resources)
  }

  /// The bucket or objects of it; wildcards may stand for parts of the name.
  private static func isResource(_ text: String, of bucket: String) -> Bool {
    guard let arn = ARN(text), arn.service == "s3", arn.region.isEmpty, arn.account.isEmpty else { return false }
    let name = arn.resource.prefix { $0 != "/" }
    return WildcardText.matches(bucket, pattern: String(name))
  }

  /// Every action needs a resource that it can be about: `s3:GetObject` an object, `s3:ListBucket` the bucket.
  private static func checkTogether(_ actions: [String], _ resources: [String]) throws(AWSError) {
    let hasObjects = resources.contains { $0.contains("/") || $0.hasSuffix("*") }
    let hasBucket = resources.contains { !$0.contains("/") }
    for action in actions where !action.contains("*") && !action.contains("?") {
      guard ObjectActions.contains(action) ? hasObjects : hasBucket else {
        throw S3Error.malformedPolicy("Action does not apply to any resource(s) in statement")
      }
    }
  }

  private static func texts(_ value: JSON) -> [String]? {
    if let text = value.string { return [text] }
    guard let items = value.array else { return nil }
    let texts = items.compactMap(\.string)
    return texts.count == items.count ? texts : nil
  }

  // Public or not

  /// Whether it lets somebody in who is not named ("The meaning of public"): a statement allows everybody, under no condition that
  /// binds it to fixed places, accounts or sources.
  var isPublic: Bool {
    statements.contains { statement in
      guard statement["Effect"]?.string == "Allow" else { return false }
      return Self.namesEverybody(statement) && !Self.isBound(statement["Condition"])
    }
  }

  private static func namesEverybody(_ statement: JSON) -> Bool {
    guard let principal = statement["Principal"] else { return statement["NotPrincipal"] != nil }
    if principal.string == "*" { return true }
    return principal["AWS"].flatMap(texts)?.contains("*") == true
  }

  private static let binding: Set = [
    "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "aws:userid", "aws:principalorgid",
    "aws:principalorgpaths", "aws:principalarn", "aws:principalaccount", "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
    "s3:x-amz-server-side-encryption-aws-kms-key-id", "aws:sourceorgid", "aws:sourceorgpaths",
  ]

  private static func isBound(_ condition: JSON?) -> Bool {
    guard let operators = condition?.object else { return false }
    for (name, keys) in operators where !name.lowercased().contains("not") && !name.lowercased().hasSuffix("ifexists") {
      for (key, value) in keys.object.map({ Array($0) }) ?? [] {
        let values = texts(value) ?? []
        if binding.contains(key.lowercased()), !values.isEmpty, values.allSatisfy({ $0 != "*" && !$0.isEmpty }) { return true }
        if key.lowercased() == "aws:sourceip", !values.isEmpty, values.allSatisfy(isNarrow) { return true }
      }
    }
    return false
  }

  /// A network of IPv4 of at most a /8, of IPv6 of at most a /32.
  private static func isNarrow(_ network: String) -> Bool {
    let parts = network.split(separator: "/")
    guard let address = parts.first else { return false }
    guard parts.count > 1 else { return true }
    return (Int(parts[1]) ?? 0) >= (address.contains(":") ? 32 : 8)
  }
}

/// Which actions are about objects; all others are about buckets.
private enum ObjectActions {
  static func contains(_ action: String) -> Bool {
    let name = action.lowercased().dropFirst(3)
    return names.contains(String(name))
  }
  private static let names: Set = [
    "abortmultipartupload", "bypassgovernanceretention", "deleteobject", "deleteobjecttagging", "deleteobjectversion",
    "deleteobjectversiontagging", "getobject", "getobjectacl", "getobjectattributes", "getobjectlegalhold", "getobjectretention",
    "getobjecttagging", "getobjecttorrent", "getobjectversion", "getobjectversionacl", "getobjectversionattributes",
    "getobjectversionforreplication", "getobjectversiontagging", "getobjectversiontorrent", "initiatereplication",
    "listmultipartuploadparts", "objectowneroverridetobucketowner", "putobject", "putobjectacl", "putobjectlegalhold",
    "putobjectretention", "putobjecttagging", "putobjectversionacl", "putobjectversiontagging", "replicatedelete",
    "replicateobject", "replicatetags", "restoreobject", "updateobjectencryption",
  ]
}

/// `*` stands for any text, `?` for one character.
enum WildcardText {
  static func matches(_ text: String, pattern: String) -> Bool {
    let (text, pattern) = (Array(text.unicodeScalars), Array(pattern.unicodeScalars))
    var (at, place) = (0, 0)
    var star: (place: Int, at: Int)?
    while at < text.count {
      if place < pattern.count, pattern[place] == "*" {
        star = (place, at)
        place += 1
      } else if place < pattern.count, pattern[place] == "?" || pattern[place] == text[at] {
        (at, place) = (at + 1, place + 1)
      } else if let last = star {
        star = (last.place, last.at + 1)
        (place, at) = (last.place + 1, last.at + 1)
      } else {
        return false
      }
    }
    return pattern[place...].allSatisfy { $0 == "*" }
  }
}
