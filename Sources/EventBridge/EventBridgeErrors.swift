import Base
import Fabric

/// The errors of EventBridge in AWS's words. Nearly all come with 400, missing resources too (recorded).
enum EventBridgeError {
  static func invalid(_ text: String) -> AWSError { AWSError("ValidationException", text, status: 400) }
  static func invalid(_ parameter: String, _ reason: String) -> AWSError {
    invalid("Parameter \(parameter) is not valid. Reason: \(reason)")
  }
  static func invalid(parameter: String) -> AWSError { invalid("Parameter \(parameter) is not valid.") }

  static func notFound(_ text: String) -> AWSError { AWSError("ResourceNotFoundException", text, status: 400) }
  static func exists(_ text: String) -> AWSError { AWSError("ResourceAlreadyExistsException", text, status: 400) }
  static let limit = AWSError(
    "LimitExceededException", "The requested resource exceeds the maximum number allowed.", status: 400)

  static func noBus(_ name: String) -> AWSError { notFound("Event bus \(name) does not exist.") }
  static func noRule(_ rule: RuleName) -> AWSError {
    notFound("Rule \(rule.name) does not exist on EventBus \(rule.bus.name).")
  }
  static func noArchive(_ name: String) -> AWSError { notFound("Archive \(name) does not exist.") }
  static func noReplay(_ name: String) -> AWSError { notFound("Replay \(name) does not exist.") }
  static func noConnection(_ name: String, to verb: String) -> AWSError {
    notFound("Failed to \(verb) the connection(s). Connection '\(name)' does not exist.")
  }
  static func noDestination(_ name: String, to verb: String) -> AWSError {
    notFound("Failed to \(verb) the api-destination(s). An api-destination '\(name)' does not exist.")
  }
  static func managed(_ rule: RuleName) -> AWSError {
    AWSError(
      "ManagedRuleException", "Rule \(rule.name) is managed by an AWS service and can only be changed by that service.", status: 400)
  }
  static func pattern(_ reason: String) -> AWSError {
    AWSError("InvalidEventPatternException", "Event pattern is not valid. Reason: \(reason)", status: 400)
  }
  static let policyTooLong = AWSError(
    "PolicyLengthExceededException", "The event bus policy is too long. See the limits for more information.", status: 400)
  static let noStatement = notFound("Statement with the provided id does not exist.")
  static let notForeign = AWSError(
    "AccessDeniedException", "Only the owner of an event bus can do this, whatever its policy says.", status: 400)
  static let requestTooLarge = invalid("Total size of the entries in the request is over the limit.")
  static func illegal(_ text: String) -> AWSError { AWSError("IllegalStatusException", text, status: 400) }

  /// A member that AWS knows and Dewpoint does not: it is refused, never ignored.
  static func unsupported(_ member: String, _ why: String) -> AWSError {
    AWSError("NotImplemented", "\(member) is not supported: \(why)", status: 501, fault: .server)
  }
}
