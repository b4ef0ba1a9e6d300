import Base
import Fabric
import Synchronization
import Wire

/// Objects for other services.
extension S3Service: ObjectPort {
  public func read(_ object: ObjectName, maximum: Int, as caller: Caller) async throws -> [UInt8] {
    let call = call("GetObject", as: caller)
    let state = try await buckets.existing(object.bucket)
    guard state.bucket.region == caller.region else {
      throw AWSError(
        "PermanentRedirect", "The bucket is in this region: \(state.bucket.region). Please use this region to retry the request", status: 301)
    }
    let action = object.version == nil ? "GetObject" : "GetObjectVersion"
    let list = try await accessList(of: object.key, object.version, in: object.bucket, for: call)
    var access = try await access(action, bucket: object.bucket, key: object.key, list: list, call)
    access.conditionValues.merge(try await existingTags(of: object.key, object.version, in: object.bucket, for: call)) { _, new in new }
    try await neighbours.authoriser.authorise(access, for: call)
    var input = GetObjectInput()
    (input.bucket, input.key, input.versionId) = (object.bucket, object.key, object.version)
    let ticket = ReadTicket(readers)
    let found = try await find(input.record, method: "GET", call)
    try found.facts.description.checkReadable(at: call.now)
    guard found.facts.size <= maximum else { throw S3Error.entityTooLarge(found.facts.size, maximum: maximum) }
    guard let content = found.content, found.facts.size > 0 else { return [] }
    let all = Mutex<[UInt8]>([])
    try await outgoing(content, 0..<found.facts.size, ticket).write { piece in all.withLock { $0 += piece } }
    return all.withLock { $0 }
  }

  public func put(_ bytes: [UInt8], contentType: String, as object: ObjectName, by caller: Caller) async throws {
    var input = PutObjectInput()
    (input.bucket, input.key, input.contentType, input.body) = (object.bucket, object.key, contentType, bytes)
    let call = call("PutObject", as: caller)
    guard let operation = objectWriteOperations.first(where: { $0.name == "PutObject" }) else { preconditionFailure("PutObject is an operation") }
    for access in try await operation.access(input.record, call) { try await neighbours.authoriser.authorise(access, for: call) }
    _ = try await operation.run(input.record, call)
  }

  public func checkPlace(_ object: ObjectName, as caller: Caller) async throws {
    _ = try await buckets.existing(object.bucket)
    for (operation, key) in [("PutObject", object.key), ("ListBucket", nil)] {
      let call = call(operation, as: caller)
      try await neighbours.authoriser.authorise(try await access(operation, bucket: object.bucket, key: key, call), for: call)
    }
  }

  public func revision(of object: ObjectName) async throws -> String? {
    guard let state = try await buckets.find(object.bucket) else { return nil }
    let reference = try VersionReference(object.version)
    let version = try await store.read { try $0.version(state.bucket, object.key, reference) }
    return version.flatMap { $0.isMarker ? nil : "\(state.bucket.id)-\($0.sequence)" }
  }

  private func call(_ operation: String, as caller: Caller) -> Call {
    Call(
      service: "s3", operation: operation, principal: caller.principal, account: caller.account, region: caller.region,
      requestID: ambient.uuid(), trace: caller.trace, now: ambient.now, endpoint: caller.endpoint)
  }
}
