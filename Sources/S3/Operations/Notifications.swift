import Base
import Fabric
import Store
import Wire

extension PutBucketNotificationConfigurationInput: BucketInput {}
extension GetBucketNotificationConfigurationInput: BucketInput {}

/// Whom a bucket tells of its events.
extension S3Service {
  var notificationOperations: [Operation] {
    [
      Operation("PutBucketNotificationConfiguration", access: access("PutBucketNotification"), run: putBucketNotification),
      Operation("GetBucketNotificationConfiguration", access: access("GetBucketNotification"), run: getBucketNotification),
    ]
  }

  /// Every destination has to be there and to let S3 in: queues and topics are sent a test event.
  private func putBucketNotification(_ input: PutBucketNotificationConfigurationInput, _ call: Call) async throws {
    let configuration = try NotificationCheck.completed(input.notificationConfiguration) { Array(ambient.uuid().utf8).base64 }
    let bucket = try await buckets.existing(input.bucket).bucket
    let rules = NotificationRules(configuration)
    if rules.tellsEventBridge, neighbours.events == nil { throw S3Error.notImplemented("events of buckets for EventBridge") }
    try NotificationCheck.check(rules.rules, of: bucket)
    if input.skipDestinationValidation != true {
      for rule in rules.rules { try await checkDestination(rule, of: bucket, call) }
    }
    let isOff = rules.isEmpty
    try await put(isOff ? nil : configuration.record, as: .notification, of: input.bucket) { state in
      // Made anew under the same name while destinations were asked in the name of the old one.
      if state.bucket.id != bucket.id { throw S3Error.noSuchBucket(bucket.name) }
    }
  }

  private func checkDestination(_ rule: NotificationRules.Rule, of bucket: Bucket, _ call: Call) async throws {
    let service = ServicePrincipal("s3.amazonaws.com", sourceARN: bucket.arn, sourceAccount: bucket.owner)
    let caller = Caller(principal: .service(service), account: bucket.owner, region: bucket.region, trace: call.trace)
    let test = EventRecord.test(bucket, requestID: call.requestID, at: call.now).text
    do {
      guard let arn = ARN(rule.target) else { throw S3Error.invalidArgument("The ARN could not be parsed") }
      switch rule.service {
      case .queue: try await carriers.send(OutgoingMessage(body: test), toQueue: arn, as: caller)
      case .topic: try await carriers.publish(test, subject: "Amazon S3 Notification", toTopic: arn, as: caller)
      case .function:
        _ = try await carriers.call(
          "lambda", "Invoke", input: ["FunctionName": .string(rule.target), "InvocationType": "DryRun"], as: caller)
      }
    } catch let error as AWSError where error.fault == .client {
      throw S3Error.invalidDestination(rule.target, Self.reason(error, rule.service))
    }
  }

  private static func reason(_ error: AWSError, _ service: NotificationRules.Rule.Service) -> String {
    let isDenied = error.code.hasPrefix("AccessDenied") || error.status == 403
    let (kind, verb) =
      switch service {
      case .queue: ("queue", "publish notifications from this bucket")
      case .topic: ("topic", "publish notifications from this bucket")
      case .function: ("Lambda function", "invoke it from this bucket")
      }
    if isDenied { return "Permissions on the destination \(kind) do not allow S3 to \(verb)" }
    let isMissing = ["QueueDoesNotExist", "NotFound", "NotFoundException", "ResourceNotFoundException"].contains(error.code)
    return isMissing ? "The destination \(kind) does not exist" : error.message
  }

  private func getBucketNotification(
    _ input: GetBucketNotificationConfigurationInput, _ call: Call
  ) async throws -> NotificationConfiguration {
    try await buckets.existing(input.bucket).settings.get(.notification) ?? NotificationConfiguration()
  }
}
