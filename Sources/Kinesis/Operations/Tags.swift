import Base
import Fabric
import Store
import Wire

extension AddTagsToStreamInput: StreamInput {}
extension RemoveTagsFromStreamInput: StreamInput {}
extension ListTagsForStreamInput: StreamInput {}

enum KinesisTags {
  /// Throws for keys and values that AWS does not take.
  static func check(_ tags: [String: String]) throws(AWSError) {
    for (key, value) in tags {
      guard !key.lowercased().hasPrefix("aws:") else {
        throw KinesisError.invalid("Tag keys beginning with aws: are reserved.")
      }
      guard (key + value).unicodeScalars.allSatisfy(isAllowed) else {
        throw KinesisError.invalid(
          "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @ :.")
      }
    }
  }

  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    if "_./=+-%@: ".unicodeScalars.contains(scalar) { return true }
    return scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar.properties.isWhitespace
  }

  /// Throws when they are too many.
  static func limit(_ tags: [String: String], of name: StreamName) throws(AWSError) {
    guard tags.count <= KinesisLimits.tags else {
      throw KinesisError.invalid(
        "Failed to add tags to stream \(name.name) under account \(name.account) because a given stream cannot have more than "
          + "\(KinesisLimits.tags) tags associated with it.")
    }
  }
}

/// Tags: the operations of streams, and those of any resource.
extension KinesisService {
  var tagOperations: [Operation] {
    [
      Operation("AddTagsToStream", access: access("AddTagsToStream", tags: { (access, input: AddTagsToStreamInput) in
        access.bringing(input.tags)
      }), run: { [self] (input: AddTagsToStreamInput, call) in
        try await changeTags(.stream(try name(input, call)), adding: input.tags)
      }),
      Operation("RemoveTagsFromStream", access: access("RemoveTagsFromStream", tags: { (access, input: RemoveTagsFromStreamInput) in
        access.naming(input.tagKeys)
      }), run: { [self] (input: RemoveTagsFromStreamInput, call) in
        try await changeTags(.stream(try name(input, call)), removing: input.tagKeys)
      }),
      Operation("ListTagsForStream", access: access("ListTagsForStream"), run: listTagsForStream),
      Operation("TagResource", access: { [self] (input: TagResourceInput, call) in
        [try await access("TagResource", try Resource(input.resourceARN, input.streamId, call), by: call.account).bringing(input.tags)]
      }, run: { [self] (input: TagResourceInput, call) in
        try await changeTags(try Resource(input.resourceARN, input.streamId, call), adding: input.tags)
      }),
      Operation("UntagResource", access: { [self] (input: UntagResourceInput, call) in
        [try await access("UntagResource", try Resource(input.resourceARN, input.streamId, call), by: call.account).naming(input.tagKeys)]
      }, run: { [self] (input: UntagResourceInput, call) in
        try await changeTags(try Resource(input.resourceARN, input.streamId, call), removing: input.tagKeys)
      }),
      Operation("ListTagsForResource", access: { [self] (input: ListTagsForResourceInput, call) in
        [try await access("ListTagsForResource", try Resource(input.resourceARN, input.streamId, call), by: call.account)]
      }, run: { [self] (input: ListTagsForResourceInput, call) in
        let tags = try await tags(of: try Resource(input.resourceARN, input.streamId, call))
        var output = ListTagsForResourceOutput()
        output.tags = tags.sorted { $0.key < $1.key }.map { KinesisTag($0.key, $0.value) }
        return output
      }),
    ]
  }

  private func listTagsForStream(_ input: ListTagsForStreamInput, _ call: Call) async throws -> ListTagsForStreamOutput {
    let tags = try await tags(of: .stream(try name(input, call))).sorted { $0.key < $1.key }
    let rest = input.exclusiveStartTagKey.map { start in tags.filter { $0.key > start } } ?? tags
    let limit = input.limit ?? KinesisLimits.tags
    var output = ListTagsForStreamOutput()
    output.tags = rest.prefix(limit).map { KinesisTag($0.key, $0.value) }
    output.hasMoreTags = rest.count > limit
    return output
  }

  private func tags(of resource: Resource) async throws -> [String: String] {
    switch resource {
    case .stream(let name): try await existing(name).stream.tags
    case .consumer(let name): try await consumer(name).tags
    }
  }

  private func changeTags(_ resource: Resource, adding tags: [String: String] = [:], removing keys: [String] = []) async throws {
    try KinesisTags.check(tags)
    let change: @Sendable (inout [String: String]) throws -> Void = { all in
      all.merge(tags) { $1 }
      for key in keys { all[key] = nil }
      try KinesisTags.limit(all, of: resource.stream)
    }
    switch resource {
    case .stream(let name): try await self.change(name) { stream, _, _ in try change(&stream.tags) }
    case .consumer(let name): try await self.change(name) { try change(&$0.tags) }
    }
  }
}

extension KinesisTag {
  fileprivate init(_ key: String, _ value: String) {
    self.init()
    (self.key, self.value) = (key, value)
  }
}

/// What has an ARN of its own: tags and policies are of such.
enum Resource: Sendable, Hashable {
  case stream(StreamName)
  case consumer(ConsumerName)

  /// Throws InvalidArgumentException for other ARNs.
  init(_ text: String, _ streamID: String?, _ call: Call) throws(AWSError) {
    guard streamID == nil else { throw KinesisError.invalid("StreamId is not supported: it is reserved for future use.") }
    let arn = ARN(text)
    if let name = arn.flatMap({ StreamName($0) }), name.region == call.region {
      self = .stream(name)
    } else if let name = arn.flatMap({ ConsumerName($0) }), name.stream.region == call.region {
      self = .consumer(name)
    } else {
      throw KinesisError.invalid("ResourceARN \(text) is not valid for this Region.")
    }
  }

  var stream: StreamName {
    switch self {
    case .stream(let name): name
    case .consumer(let name): name.stream
    }
  }
  var arn: ARN {
    switch self {
    case .stream(let name): name.arn
    case .consumer(let name): name.arn
    }
  }
}
