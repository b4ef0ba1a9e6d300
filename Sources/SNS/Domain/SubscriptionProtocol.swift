import Base

/// Where a subscription delivers to, by its protocol.
enum SubscriptionProtocol: String, Sendable {
  case http, https, email, sms, sqs, lambda, firehose
  case emailJSON = "email-json"

  /// Throws AWS's text for a protocol that SNS does not have, and refuses what we do not have.
  init(checking text: String) throws(AWSError) {
    if text == "application" { throw SNSError.unsupported("platform endpoints (protocol application)") }
    guard let known = SubscriptionProtocol(rawValue: text) else {
      throw SNSError.invalid("Amazon SNS does not support this protocol string: \(text)")
    }
    self = known
  }

  /// What delivery status attributes of topics begin with; nil: there are none.
  var feedbackWord: String? {
    switch self {
    case .http, .https: "HTTP"
    case .sqs: "SQS"
    case .lambda: "Lambda"
    case .firehose: "Firehose"
    case .email, .emailJSON, .sms: nil
    }
  }
  var isHTTP: Bool { self == .http || self == .https }
  /// The largest messages go only to these.
  var takesLargeMessages: Bool { self == .sqs || self == .lambda || self == .firehose }
  var takesRawDelivery: Bool { self == .sqs || isHTTP || self == .firehose }

  /// Throws AWS's text for an endpoint that cannot be one of this protocol.
  func check(_ endpoint: String, in region: Region) throws(AWSError) {
    switch self {
    case .sqs:
      guard let arn = ARN(endpoint), arn.service == "sqs", AccountID(arn.account) != nil, Region(arn.region) != nil else {
        throw SNSError.invalid("SQS endpoint ARN")
      }
    case .lambda:
      guard let arn = ARN(endpoint), arn.service == "lambda", arn.resource.hasPrefix("function:"), AccountID(arn.account) != nil else {
        throw SNSError.invalid("Lambda endpoint ARN")
      }
    case .firehose:
      guard let arn = ARN(endpoint), arn.service == "firehose", arn.resource.hasPrefix("deliverystream/") else {
        throw SNSError.invalid("Firehose endpoint ARN")
      }
    case .http, .https:
      guard endpoint.lowercased().hasPrefix(rawValue + "://") else {
        throw SNSError.invalid("Endpoint must match the specified protocol")
      }
      let host = endpoint.dropFirst(rawValue.utf8.count + 3).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
      guard !host.isEmpty, !endpoint.utf8.contains(where: { $0 <= 32 || $0 >= 127 }), endpoint.utf8.count <= 2048 else {
        throw SNSError.invalid("Endpoint", "\(endpoint) is not a valid URL")
      }
    case .email, .emailJSON:
      let parts = endpoint.split(separator: "@", omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, parts[1].contains("."), !endpoint.utf8.contains(where: { $0 <= 32 || $0 == 127 }),
        endpoint.utf8.count <= 320
      else { throw SNSError.invalid("Email address") }
    case .sms:
      guard PhoneNumber.isGood(endpoint) else { throw SNSError.invalid("Invalid SMS endpoint: \(endpoint)") }
    }
  }
}

enum PhoneNumber {
  /// E.164; blanks, hyphens and brackets between the digits are let through as AWS does.
  static func isGood(_ text: String) -> Bool {
    let bare = text.utf8.filter { $0 != 32 && $0 != 45 && $0 != 40 && $0 != 41 && $0 != 46 }
    let digits = bare.first == UInt8(ascii: "+") ? Array(bare.dropFirst()) : Array(bare)
    return (5...15).contains(digits.count) && digits.allSatisfy { $0 >= 48 && $0 <= 57 } && digits.first != 48
  }
}
