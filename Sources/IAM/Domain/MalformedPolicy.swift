/// Why a policy document is refused, in AWS's words.
struct MalformedPolicy: Error, Equatable {
  var message: String
  init(_ message: String) { self.message = message }

  static let syntax = MalformedPolicy("Syntax errors in policy.")
  static let invalidJSON = MalformedPolicy("This policy contains invalid Json")
  static let version = MalformedPolicy("The policy must contain a valid version string.")
  static let vendorMissing = MalformedPolicy("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
  static let actionsMissing = MalformedPolicy("Policy statement must contain actions.")
  static let resourcesMissing = MalformedPolicy("Policy statement must contain resources.")
  static let principalForbidden = MalformedPolicy("Policy document should not specify a principal.")
  static let duplicateSid = MalformedPolicy("Statement IDs (SID) in a single policy must be unique.")
  static let invalidSid = MalformedPolicy(
    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
  static let trustActions = MalformedPolicy("AssumeRole policy may only specify STS AssumeRole actions.")

  static func vendor(_ name: String) -> Self { .init("Vendor \(name) is not valid") }
  static func prohibited(_ field: String) -> Self { .init("Has prohibited field \(field)") }
  static func missing(_ field: String) -> Self { .init("Missing required field \(field)") }
  static func conditionType(_ name: String) -> Self { .init("Invalid Condition type : \(name).") }
  static func conditionValue(_ text: String) -> Self { .init("Invalid value in condition: \(text)") }
  static func principal(_ kind: String, _ value: String) -> Self {
    .init("Invalid principal in policy: \"\(kind)\":\"\(value)\"")
  }
  static func resource(_ text: String) -> Self { .init("Resource \(text) must be in ARN format or \"*\".") }
  static func partition(_ text: String, _ resource: String) -> Self {
    .init("Partition \"\(text)\" is not valid for resource \"\(resource)\".")
  }
}
