import Base
import Fabric
import Store
import Wire

extension TagDeliveryStreamInput: DeliveryStreamInput {}
extension UntagDeliveryStreamInput: DeliveryStreamInput {}
extension ListTagsForDeliveryStreamInput: DeliveryStreamInput {}
extension StartDeliveryStreamEncryptionInput: DeliveryStreamInput {}
extension StopDeliveryStreamEncryptionInput: DeliveryStreamInput {}

/// Tags, and the fields of encryption.
extension FirehoseService {
  var tagOperations: [Operation] {
    [
      Operation("TagDeliveryStream", access: access("TagDeliveryStream", tags: { (access, input: TagDeliveryStreamInput) in
        access.bringing(Dictionary(input.tags.map { ($0.key, $0.value ?? "") }, uniquingKeysWith: { $1 }))
      }), run: tag),
      Operation("UntagDeliveryStream", access: access("UntagDeliveryStream", tags: { (access, input: UntagDeliveryStreamInput) in
        access.naming(input.tagKeys)
      }), run: untag),
      Operation("ListTagsForDeliveryStream", access: access("ListTagsForDeliveryStream"), run: listTags),
    ]
  }

  private func tag(_ input: TagDeliveryStreamInput, _ call: Call) async throws -> TagDeliveryStreamOutput {
    let tags = input.tags.map { ($0.key, $0.value ?? "") }
    try await change(id(input.deliveryStreamName, call)) { stream in
      stream.tags.merge(tags) { $1 }
      guard stream.tags.count <= FirehoseLimits.tags else {
        throw FirehoseError.limit("A delivery stream cannot have more than \(FirehoseLimits.tags) tags.")
      }
    }
    return TagDeliveryStreamOutput()
  }

  private func untag(_ input: UntagDeliveryStreamInput, _ call: Call) async throws -> UntagDeliveryStreamOutput {
    let keys = input.tagKeys
    try await change(id(input.deliveryStreamName, call)) { stream in for key in keys { stream.tags[key] = nil } }
    return UntagDeliveryStreamOutput()
  }

  private func listTags(_ input: ListTagsForDeliveryStreamInput, _ call: Call) async throws -> ListTagsForDeliveryStreamOutput {
    let tags = try await existing(id(input.deliveryStreamName, call)).tags.sorted { $0.key < $1.key }
    let rest = input.exclusiveStartTagKey.map { start in tags.filter { $0.key > start } } ?? tags
    let limit = input.limit ?? FirehoseLimits.tags
    var output = ListTagsForDeliveryStreamOutput()
    output.tags = rest.prefix(limit).map { key, value in
      var tag = FirehoseTag()
      (tag.key, tag.value) = (key, value)
      return tag
    }
    output.hasMoreTags = rest.count > limit
    return output
  }

  var encryptionOperations: [Operation] {
    [
      Operation("StartDeliveryStreamEncryption", access: access("StartDeliveryStreamEncryption"), run: startEncryption),
      Operation("StopDeliveryStreamEncryption", access: access("StopDeliveryStreamEncryption"), run: stopEncryption),
    ]
  }

  private func startEncryption(_ input: StartDeliveryStreamEncryptionInput, _ call: Call) async throws
    -> StartDeliveryStreamEncryptionOutput
  {
    let given = input.deliveryStreamEncryptionConfigurationInput
    let key = given?.keyARN ?? ""
    guard given?.keyType != "CUSTOMER_MANAGED_CMK" || !key.isEmpty else {
      throw FirehoseError.invalid("KeyARN is required when KeyType is CUSTOMER_MANAGED_CMK.")
    }
    try await setEncryption(key, id(input.deliveryStreamName, call))
    return StartDeliveryStreamEncryptionOutput()
  }

  private func stopEncryption(_ input: StopDeliveryStreamEncryptionInput, _ call: Call) async throws -> StopDeliveryStreamEncryptionOutput {
    try await setEncryption(nil, id(input.deliveryStreamName, call))
    return StopDeliveryStreamEncryptionOutput()
  }

  private func setEncryption(_ key: String?, _ id: DeliveryStreamID) async throws {
    try await change(id) { stream in
      guard stream.source == .directPut else {
        throw FirehoseError.invalid("Server-side encryption cannot be configured for KinesisStreamAsSource delivery streams.")
      }
      guard stream.status == .active else { throw FirehoseError.inUse("Firehose \(id.name) under account \(id.account) is not ACTIVE.") }
      stream.encryptionKey = key
    }
  }
}
