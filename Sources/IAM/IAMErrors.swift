import Base
import Fabric

/// The errors of IAM and STS by their model shapes, in AWS's words.
enum IAMError {
  static func noSuch(_ kind: Entity.Kind, _ name: String) -> AWSError {
    noSuchEntity("The \(kind.rawValue) with name \(name) cannot be found.")
  }
  static func noSuchInline(_ kind: Entity.Kind, _ name: String) -> AWSError {
    noSuchEntity("The \(kind.rawValue) policy with name \(name) cannot be found.")
  }
  static func noSuchPolicy(_ arn: String) -> AWSError { noSuchEntity("Policy \(arn) was not found.") }
  static func notAttachable(_ arn: String) -> AWSError {
    noSuchEntity("Policy \(arn) does not exist or is not attachable.")
  }
  static func noSuchVersion(_ arn: String, _ id: String) -> AWSError {
    noSuchEntity("Policy \(arn) version \(id) does not exist or is not attachable.")
  }
  static func noSuchKey(_ id: String) -> AWSError { noSuchEntity("The Access Key with id \(id) cannot be found.") }
  static func noSuchProfile(_ name: String) -> AWSError { noSuchEntity("Instance Profile \(name) cannot be found.") }
  static func noSuchProvider(_ arn: String) -> AWSError {
    noSuchEntity("OpenIDConnect Provider not found for arn \(arn)")
  }
  static func noSuchEntity(_ message: String) -> AWSError { AWSError("NoSuchEntityException", message, status: 404) }

  static func exists(_ kind: Entity.Kind, _ name: String) -> AWSError {
    alreadyExists("\(kind.rawValue.prefix(1).uppercased())\(kind.rawValue.dropFirst()) with name \(name) already exists.")
  }
  static func policyExists(_ name: String) -> AWSError {
    alreadyExists("A policy called \(name) already exists. Duplicate names are not allowed.")
  }
  static func profileExists(_ name: String) -> AWSError { alreadyExists("Instance Profile \(name) already exists.") }
  static func alreadyExists(_ message: String) -> AWSError { AWSError("EntityAlreadyExistsException", message, status: 409) }

  static func deleteConflict(_ message: String) -> AWSError { AWSError("DeleteConflictException", message, status: 409) }
  static func mustFirst(_ deed: String) -> AWSError { deleteConflict("Cannot delete entity, must \(deed) first.") }

  static func quota(_ name: String, _ limit: Int) -> AWSError { limitExceeded("Cannot exceed quota for \(name): \(limit)") }
  static func limitExceeded(_ message: String) -> AWSError { AWSError("LimitExceededException", message, status: 409) }
  static func invalidInput(_ message: String) -> AWSError { AWSError("InvalidInputException", message, status: 400) }
  static func tooManyTags() -> AWSError { quota("TagsPerResource", IAMLimits.tags) }
  static func duplicateTags() -> AWSError {
    invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
  }
  static func reservedTag(_ key: String) -> AWSError {
    invalidInput("Tag keys that begin with aws: are reserved for system use: \(key)")
  }
  static func malformed(_ policy: MalformedPolicy) -> AWSError {
    AWSError("MalformedPolicyDocumentException", policy.message, status: 400)
  }
  static func validation(_ message: String) -> AWSError { AWSError("ValidationError", message, status: 400) }
  static func needsUserName() -> AWSError { validation("Must specify userName when calling with non-User credentials") }
  static func unmodifiable(_ message: String) -> AWSError { AWSError("UnmodifiableEntityException", message, status: 400) }

  static func denied(_ message: String) -> AWSError { AWSError("AccessDeniedException", message, status: 403) }
}
