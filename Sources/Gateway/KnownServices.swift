import Wire

/// AWS services that clients may ask for and that we do not serve yet, with the form in which they refuse.
enum KnownServices {
  struct Service: Sendable { let name: String; let wireProtocol: WireProtocol }

  static let bySigningName: [String: Service] = [
    "apigateway": .init(name: "apigateway", wireProtocol: .restJson),
    "cloudformation": .init(name: "cloudformation", wireProtocol: .awsQuery),
    "dynamodb": .init(name: "dynamodb", wireProtocol: .awsJson10),
    "events": .init(name: "events", wireProtocol: .awsJson11),
    "execute-api": .init(name: "execute-api", wireProtocol: .restJson),
    "firehose": .init(name: "firehose", wireProtocol: .awsJson11),
    "iam": .init(name: "iam", wireProtocol: .awsQuery),
    "kinesis": .init(name: "kinesis", wireProtocol: .awsJson11),
    "kms": .init(name: "kms", wireProtocol: .awsJson11),
    "lambda": .init(name: "lambda", wireProtocol: .restJson),
    "logs": .init(name: "logs", wireProtocol: .awsJson11),
    "monitoring": .init(name: "cloudwatch", wireProtocol: .awsQuery),
    "pipes": .init(name: "pipes", wireProtocol: .restJson),
    "rds-data": .init(name: "rds-data", wireProtocol: .restJson),
    "s3": .init(name: "s3", wireProtocol: .restXml),
    "s3-object-lambda": .init(name: "s3", wireProtocol: .restXml),
    "s3-outposts": .init(name: "s3", wireProtocol: .restXml),
    "s3express": .init(name: "s3", wireProtocol: .restXml),
    "scheduler": .init(name: "scheduler", wireProtocol: .restJson),
    "secretsmanager": .init(name: "secretsmanager", wireProtocol: .awsJson11),
    "sns": .init(name: "sns", wireProtocol: .awsQuery),
    "sqs": .init(name: "sqs", wireProtocol: .awsQuery),
    "ssm": .init(name: "ssm", wireProtocol: .awsJson11),
    "states": .init(name: "states", wireProtocol: .awsJson10),
    "sts": .init(name: "sts", wireProtocol: .awsQuery),
    "xray": .init(name: "xray", wireProtocol: .restJson),
  ]

  static let byTarget: [String: Service] = [
    "AWSEvents": .init(name: "events", wireProtocol: .awsJson11),
    "AWSStepFunctions": .init(name: "states", wireProtocol: .awsJson10),
    "AmazonSQS": .init(name: "sqs", wireProtocol: .awsJson10),
    "AmazonSSM": .init(name: "ssm", wireProtocol: .awsJson11),
    "DynamoDBStreams_20120810": .init(name: "dynamodbstreams", wireProtocol: .awsJson10),
    "DynamoDB_20120810": .init(name: "dynamodb", wireProtocol: .awsJson10),
    "Firehose_20150804": .init(name: "firehose", wireProtocol: .awsJson11),
    "GraniteServiceVersion20100801": .init(name: "cloudwatch", wireProtocol: .awsJson10),
    "Kinesis_20131202": .init(name: "kinesis", wireProtocol: .awsJson11),
    "Logs_20140328": .init(name: "logs", wireProtocol: .awsJson11),
    "TrentService": .init(name: "kms", wireProtocol: .awsJson11),
    "secretsmanager": .init(name: "secretsmanager", wireProtocol: .awsJson11),
  ]

  /// The Query services by their version string.
  static let byVersion: [String: String] = [
    "2010-03-31": "sns", "2010-05-15": "cloudformation", "2010-08-01": "cloudwatch", "2010-05-08": "iam", "2011-06-15": "sts",
    "2012-11-05": "sqs",
  ]

  static let names = Set(bySigningName.values.map(\.name) + byTarget.values.map(\.name))
}
