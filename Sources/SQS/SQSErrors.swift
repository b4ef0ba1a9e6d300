import Base
import Fabric

/// The errors of SQS in AWS's words.
enum SQSError {
  static func queueDoesNotExist(_ call: Call?) -> AWSError {
    let suffix = call?.isQueryProtocol == true ? " for this wsdl version." : "."
    return AWSError("QueueDoesNotExist", "The specified queue does not exist" + suffix, status: 400)
  }
  static func queueNameExists(attribute: String) -> AWSError {
    AWSError(
      "QueueNameExists", "A queue already exists with the same name and a different value for attribute \(attribute)",
      status: 400)
  }
  static let queueDeletedRecently = AWSError(
    "QueueDeletedRecently",
    "You must wait 60 seconds after deleting a queue before you can create another with the same name.", status: 400)

  static func invalidAddress(_ url: String) -> AWSError {
    AWSError("InvalidAddress", "The address \(url) is not valid for this endpoint.", status: 400)
  }
  static func missing(_ parameter: String) -> AWSError {
    AWSError("MissingParameter", "The request must contain the parameter \(parameter).", status: 400)
  }
  static func invalid(_ text: String) -> AWSError { AWSError("InvalidParameterValue", text, status: 400) }
  static func invalid(_ parameter: String, _ value: some CustomStringConvertible, _ reason: String) -> AWSError {
    invalid("Value \(value) for parameter \(parameter) is invalid. Reason: \(reason)")
  }

  static func notForThisType(_ parameter: String, _ value: some CustomStringConvertible) -> AWSError {
    invalid(parameter, value, "The request include parameter that is not valid for this queue type.")
  }
  static func overLimit(_ text: String) -> AWSError { AWSError("OverLimit", text, status: 403) }

  static func unknownAttribute(_ name: String) -> AWSError {
    AWSError("InvalidAttributeName", "Unknown Attribute \(name).", status: 400)
  }
  static func attributeName(_ text: String) -> AWSError { AWSError("InvalidAttributeName", text, status: 400) }
  static func attributeValue(_ name: String, _ reason: String? = nil) -> AWSError {
    let reason = reason.map { " Reason: " + $0 } ?? ""
    return AWSError("InvalidAttributeValue", "Invalid value for the parameter \(name).\(reason)", status: 400)
  }

  static func messageTooLong(_ maximum: Int) -> AWSError {
    invalid("One or more parameters are invalid. Reason: Message must be shorter than \(maximum) bytes.")
  }
  static let invalidMessageContents = AWSError(
    "InvalidMessageContents",
    "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to "
      + "#x10FFFF.", status: 400)

  static func receiptHandleIsInvalid(_ handle: String) -> AWSError {
    AWSError("ReceiptHandleIsInvalid", "The input receipt handle \"\(handle)\" is not a valid receipt handle.", status: 400)
  }
  static let messageNotInflight = AWSError("MessageNotInflight", "The specified message is not in flight.", status: 400)
  static func messageGone(_ handle: String) -> AWSError {
    invalid("ReceiptHandle", handle, "Message does not exist or is not available for visibility timeout change.")
  }
  static func visibilityBeyondLimit(_ timeout: Duration) -> AWSError {
    invalid(
      "VisibilityTimeout", timeout.inMilliseconds / 1000,
      "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
  }
  static func receiptExpired(_ handle: String) -> AWSError {
    invalid("ReceiptHandle", handle, "The receipt handle has expired.")
  }
  static let tooManyInFlight = overLimit("The maximum number of in flight messages is reached (\(SQSLimits.inFlight)).")

  static func emptyBatch(_ entry: String) -> AWSError {
    AWSError(
      "EmptyBatchRequest", "There should be at least one \(entry) in the request.", status: 400)
  }
  static func tooManyEntries(_ count: Int) -> AWSError {
    AWSError(
      "TooManyEntriesInBatchRequest",
      "Maximum number of entries per request are \(SQSLimits.batchEntries). You have sent \(count).",
      status: 400)
  }
  static func idsNotDistinct(_ id: String) -> AWSError {
    AWSError("BatchEntryIdsNotDistinct", "Id \(id) repeated.", status: 400)
  }
  static let invalidBatchEntryID = AWSError(
    "InvalidBatchEntryId",
    "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
    status: 400)
  static func batchTooLong(_ bytes: Int) -> AWSError {
    AWSError(
      "BatchRequestTooLong",
      "Batch requests cannot be longer than \(SQSLimits.messageBytes) bytes. You have sent \(bytes) bytes.", status: 400)
  }

  static func purgeInProgress(_ queue: String) -> AWSError {
    AWSError(
      "PurgeQueueInProgress", "Only one PurgeQueue operation on \(queue) is allowed every 60 seconds.", status: 403)
  }
  static func unsupported(_ text: String) -> AWSError { AWSError("UnsupportedOperation", text, status: 400) }
  static func resourceNotFound(_ text: String) -> AWSError { AWSError("ResourceNotFoundException", text, status: 404) }
}
