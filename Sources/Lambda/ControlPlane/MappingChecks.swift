import Base
import Fabric

extension ControlPlane {
  /// The queue or stream that an event source ARN names.
  static func source(_ text: String?, _ call: Call) throws -> (ARN, SourceKind) {
    guard let text, let arn = ARN(text) else { throw LambdaError.invalidParameter("Unrecognized event source.") }
    guard let kind = SourceKind(rawValue: arn.service) else {
      if ["kafka", "mq", "rds"].contains(arn.service) {
        throw LambdaError.unsupported("An event source of the service \(arn.service)")
      }
      throw LambdaError.invalidParameter("Unrecognized event source.")
    }
    guard arn.region == call.region.text, AccountID(arn.account) != nil, !arn.resource.isEmpty else {
      throw LambdaError.invalidParameter("The event source arn (\(text)) must be in the Region of the function (\(call.region)).")
    }
    let parts = arn.resource.split(separator: "/", omittingEmptySubsequences: false)
    switch kind {
    case .queue: break
    case .kinesis:
      let isConsumer = parts.count == 4 && parts[2] == "consumer"
      guard parts.count == 2 || isConsumer, parts[0] == "stream" else { throw LambdaError.invalidParameter("Unrecognized event source.") }
    case .dynamoDB:
      guard parts.count == 4, parts[0] == "table", parts[2] == "stream" else {
        throw LambdaError.invalidParameter("Unrecognized event source.")
      }
    }
    return (arn, kind)
  }

  /// What AWS checks before it accepts a mapping: that the function exists, that its role may read the source, that the source
  /// exists, and what its kind asks for.
  func check(_ mapping: EventSourceMapping, _ call: Call) async throws {
    let version = try await mappedVersion(mapping)
    if version.durable != nil, mapping.qualifier == nil { throw LambdaError.unqualifiedDurable() }
    switch mapping.kind {
    case .queue: try await checkQueue(mapping, version, call)
    case .kinesis, .dynamoDB: try await checkStream(mapping, version, call)
    }
  }

  /// Messages must stay invisible for as long as the function may run.
  private func checkQueue(_ mapping: EventSourceMapping, _ version: FunctionVersion, _ call: Call) async throws {
    try await checkRole(of: version, mayCall: ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"], on: mapping.source, call)
    let queue: QueueDescription
    do {
      queue = try await queues.describe(mapping.source, as: try await roleCaller(of: version, call))
    } catch let error as AWSError where error.isDenial {
      throw LambdaError.roleLacks("GetQueueAttributes", cause: error)
    } catch let error as AWSError where error.code.contains("QueueDoesNotExist") || error.code.contains("NonExistentQueue") {
      throw LambdaError.queueDoesNotExist(cause: error)
    }
    guard queue.visibilityTimeout >= version.timeout else {
      throw LambdaError.invalidParameter(
        "Queue visibility timeout: \(queue.visibilityTimeout.components.seconds) seconds is less than Function timeout: "
          + "\(version.timeout.components.seconds) seconds")
    }
  }

  private func checkStream(_ mapping: EventSourceMapping, _ version: FunctionVersion, _ call: Call) async throws {
    guard let port = streams[mapping.source.service] else {
      throw LambdaError.unsupported("An event source of the service \(mapping.source.service)")
    }
    do {
      _ = try await port.describe(mapping.source, as: try await roleCaller(of: version, call))
    } catch let error as AWSError where error.isDenial {
      throw LambdaError.roleCannotRead(mapping.source, port.actions, cause: error)
    } catch let error as AWSError where error.code == "ResourceNotFoundException" {
      throw LambdaError.streamNotFound(mapping.source, cause: error)
    }
    guard let target = mapping.stream?.onFailure else { return }
    if target.service == "s3" {
      try await check(bucket: target, mapping.uuid, for: version, call)
    } else {
      try await checkRole(of: version, mayReport: target, call)
    }
  }

  private func mappedVersion(_ mapping: EventSourceMapping) async throws -> FunctionVersion {
    do {
      return try await resolve(mapping.function, qualifier: mapping.qualifier).version
    } catch let error as AWSError where error.code == "ResourceNotFoundException" {
      throw LambdaError.invalidParameter("Function does not exist", cause: error)
    }
  }
}
