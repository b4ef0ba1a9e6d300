import Base

/// The errors of Firehose in AWS's words.
enum FirehoseError {
  static func invalid(_ text: String) -> AWSError { AWSError("InvalidArgumentException", text, status: 400) }
  static func inUse(_ text: String) -> AWSError { AWSError("ResourceInUseException", text, status: 400) }
  static func limit(_ text: String) -> AWSError { AWSError("LimitExceededException", text, status: 400) }
  static func noStream(_ name: DeliveryStreamID) -> AWSError {
    AWSError("ResourceNotFoundException", "Firehose \(name.name) under account \(name.account) not found.", status: 400)
  }
  static func exists(_ name: DeliveryStreamID) -> AWSError {
    inUse("Firehose \(name.name) under accountId \(name.account) already exists")
  }
  static func notServed(_ what: String) -> AWSError { invalid("\(what) is not supported by Dewpoint.") }
  static let slowDown = AWSError("ServiceUnavailableException", "Slow down.", status: 500, fault: .server)
  static let wrongVersion = AWSError(
    "ConcurrentModificationException", "Cannot update firehose: the current version id is not the one that was given.", status: 400)
  static func wrongSource(_ name: DeliveryStreamID) -> AWSError {
    AWSError(
      "InvalidSourceException",
      "This operation is not permitted on KinesisStreamAsSource delivery stream type: \(name.name).", status: 400)
  }
}
