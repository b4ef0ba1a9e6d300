import Base

/// The errors of SNS in AWS's words. Codes are shape names; the protocol writes the model's code (`InvalidParameter`).
enum SNSError {
  static func invalid(_ text: String) -> AWSError { AWSError("InvalidParameterException", "Invalid parameter: " + text, status: 400) }
  static func invalid(_ parameter: String, _ reason: String) -> AWSError { invalid("\(parameter) Reason: \(reason)") }
  static func missing(_ parameter: String) -> AWSError { invalid(parameter, "no value for required parameter") }
  /// Without "Invalid parameter".
  static func plain(_ text: String) -> AWSError { AWSError("InvalidParameterException", text, status: 400) }
  static func value(_ text: String) -> AWSError { AWSError("InvalidParameterValueException", text, status: 400) }

  static let topicNotFound = AWSError("NotFoundException", "Topic does not exist", status: 404)
  static let subscriptionNotFound = AWSError("NotFoundException", "Subscription does not exist", status: 404)
  static let resourceNotFound = AWSError("ResourceNotFoundException", "Resource does not exist", status: 404)
  static let invalidToken = plain("Invalid token")
  static let tagLimit = AWSError("TagLimitExceededException", "Could not complete request: tag quota of per resource exceeded", status: 400)
  static func topicLimit(_ what: String) -> AWSError { AWSError("TopicLimitExceededException", what, status: 403) }
  static func subscriptionLimit(_ what: String) -> AWSError { AWSError("SubscriptionLimitExceededException", what, status: 403) }
  static let filterPolicyLimit = AWSError(
    "FilterPolicyLimitExceededException",
    "The number of filter policies of the topic exceeds the limit (\(SNSLimits.filterPoliciesOfTopic)).", status: 403)
  static let replayActive = AWSError(
    "ReplayLimitExceededException", "The request parameter has exceeded the maximum number of concurrent message replays.", status: 403)

  static let throttled = AWSError("ThrottledException", "Rate exceeded", status: 429)

  static let emptyBatch = AWSError("EmptyBatchRequestException", "The batch request doesn't contain any entries.", status: 400)
  static let tooManyEntries = AWSError(
    "TooManyEntriesInBatchRequestException", "The batch request contains more entries than permissible.", status: 400)
  static let idsNotDistinct = AWSError(
    "BatchEntryIdsNotDistinctException", "Two or more batch entries in the request have the same Id.", status: 400)
  static let batchTooLong = AWSError(
    "BatchRequestTooLongException", "The length of all the messages put together is more than the limit.", status: 400)
  static func batchIDTooLong(_ id: String) -> AWSError {
    AWSError("InvalidBatchEntryIdException", "The Id of a batch entry in the batch request is too long: \(id)", status: 400)
  }
  static func batchIDInvalid(_ id: String) -> AWSError {
    AWSError(
      "InvalidBatchEntryIdException", "The Id of a batch entry in the batch request contains an impermissible character: \(id)",
      status: 400)
  }

  /// What AWS has and we do not: refused, never taken and ignored.
  static func unsupported(_ what: String) -> AWSError {
    AWSError("NotImplemented", "Dewpoint's SNS does not support \(what).", status: 501, fault: .server)
  }
}
