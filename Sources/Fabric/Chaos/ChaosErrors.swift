import Base

/// The errors with which services fail and throttle on AWS (API references, "Common errors" and each operation's own).
enum ChaosErrors {
  static func failure(_ service: String) -> AWSError {
    switch service {
    case "dynamodb", "dynamodbstreams": server("InternalServerError", "Internal server error")
    case "lambda":
      server("ServiceException", "An error occurred and the request cannot be processed.", members: [("Type", "Service")])
    case "s3": server("InternalError", "We encountered an internal error. Please try again.")
    case "sns": server("InternalError", "Internal Server Error")
    case "sqs": server("ServiceUnavailable", "The request has failed due to a temporary failure of the server.", 503)
    case "events", "pipes": server("InternalException", "An internal error occurred.")
    case "scheduler": server("InternalServerException", "An unexpected error occurred.")
    case "firehose", "logs": server("ServiceUnavailableException", "The service is unavailable. Back off and retry the operation.", 503)
    case "iam": server("ServiceFailure", "The request processing has failed because of an unknown error, exception or failure.")
    default: server("InternalFailure", "The request processing has failed because of an unknown error, exception or failure.")
    }
  }

  /// Those that the SDKs know as throttling, and wait for.
  static func throttling(_ service: String, _ operation: String) -> AWSError {
    switch service {
    case "dynamodb", "dynamodbstreams":
      isOfItems(operation)
        ? AWSError(
          "ProvisionedThroughputExceededException",
          "The level of configured provisioned throughput for the table was exceeded. "
            + "Consider increasing your provisioning level with the UpdateTable API.", status: 400)
        : AWSError("ThrottlingException", "Rate of requests exceeds the allowed throughput.", status: 400)
    case "kinesis":
      ["PutRecord", "PutRecords", "GetRecords", "GetShardIterator", ChaosPoint.deliver].contains(operation)
        ? AWSError("ProvisionedThroughputExceededException", "Rate exceeded for shard shardId-000000000000.", status: 400)
        : AWSError("LimitExceededException", "Rate exceeded for stream.", status: 400)
    case "lambda":
      AWSError(
        "TooManyRequestsException", "Rate Exceeded.", status: 429,
        members: [
          ("Reason", isInvocation(operation) ? "ConcurrentInvocationLimitExceeded" : "CallerRateLimitExceeded"), ("Type", "User"),
        ])
    case "s3": server("SlowDown", "Please reduce your request rate.", 503)
    case "sqs": AWSError("RequestThrottled", "Rate exceeded", status: 403)
    case "sns", "iam", "sts", "cloudwatch": AWSError("Throttling", "Rate exceeded", status: 400)
    case "firehose": server("ServiceUnavailableException", "Slow down.", 503)
    case "scheduler", "pipes": AWSError("ThrottlingException", "Rate exceeded", status: 429)
    default: AWSError("ThrottlingException", "Rate exceeded", status: 400)
    }
  }

  private static func isInvocation(_ operation: String) -> Bool { operation.hasPrefix("Invoke") || operation == ChaosPoint.deliver }

  private static func isOfItems(_ operation: String) -> Bool {
    ["Item", "Query", "Scan", "Transact", "Statement", "GetRecords", ChaosPoint.deliver].contains { operation.contains($0) }
  }

  private static func server(
    _ code: String, _ message: String, _ status: Int = 500, members: [(name: String, value: JSON)] = []
  ) -> AWSError {
    AWSError(code, message, status: status, fault: .server, members: members)
  }
}
