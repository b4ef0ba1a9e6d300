import Base
import Fabric
import Store

extension ControlPlane {
  var tagOperations: [Operation] {
    [
      Operation(
        "TagResource",
        access: { [self] (i: TagResourceInput, c) in [try await tagAccess("TagResource", i.resource, c).bringing(i.tags)] },
        run: tagResource),
      Operation(
        "UntagResource",
        access: { [self] (i: UntagResourceInput, c) in [try await tagAccess("UntagResource", i.resource, c).naming(i.tagKeys)] },
        run: untagResource),
      Operation(
        "ListTags", access: { [self] (i: ListTagsInput, c) in [try await tagAccess("ListTags", i.resource, c)] }, run: listTags),
    ]
  }

  private func tagAccess(_ action: String, _ resource: String, _ call: Call) async throws -> Access {
    let target = try Tags.Target(resource, call)
    let tags = try await store.read { reader in
      switch target {
      case .function(let name): try FunctionRows(reader).function(name.id)?.tags
      case .mapping(_, let account, let region, let uuid): try MappingRows(reader).mapping(account, region, uuid)?.tags
      case .signing(let id): try CodeSigningRows(reader).config(id)?.tags
      }
    }
    let owner = ARN(resource).flatMap { AccountID($0.account) } ?? call.account
    return Access("lambda:\(action)", on: resource, owner: owner).having(tags ?? [:])
  }

  private func tagResource(_ input: TagResourceInput, _ call: Call) async throws {
    let added = try Tags.checked(input.tags)
    try await changeTags(try Tags.Target(input.resource, call), call) { $0.merge(added) { $1 } }
  }

  private func untagResource(_ input: UntagResourceInput, _ call: Call) async throws {
    try await changeTags(try Tags.Target(input.resource, call), call) { tags in
      for key in input.tagKeys { tags[key] = nil }
    }
  }

  private func listTags(_ input: ListTagsInput, _ call: Call) async throws -> ListTagsOutput {
    var output = ListTagsOutput()
    output.tags = try await store.read { [target = try Tags.Target(input.resource, call)] reader in
      switch target {
      case .function(let name): try FunctionRows(reader).required(name).tags
      case .mapping(let arn, let account, let region, let uuid):
        try MappingRows(reader).mapping(account, region, uuid).orThrow(LambdaError.mappingNotFound(arn)).tags
      case .signing(let id): try CodeSigningRows(reader).config(id).orThrow(LambdaError.noSuchSigning(id.arn)).tags
      }
    }
    return output
  }

  private func changeTags(
    _ target: Tags.Target, _ call: Call, _ change: @escaping @Sendable (inout [String: String]) -> Void
  ) async throws {
    try await store.transact { tx in
      switch target {
      case .function(let name):
        let old = try FunctionRows(tx).required(name)
        if old.isInProgress { throw LambdaError.updateInProgress(name.id) }
        var function = old
        change(&function.tags)
        function.tags = try Tags.checked(function.tags)
        try FunctionRows.save(function, replacing: old, in: tx, at: call.now)
      case .mapping(let arn, let account, let region, let uuid):
        let old = try MappingRows(tx).mapping(account, region, uuid).orThrow(LambdaError.mappingNotFound(arn))
        var mapping = old
        change(&mapping.tags)
        mapping.tags = try Tags.checked(mapping.tags)
        try MappingRows.save(mapping, replacing: old, in: tx)
      case .signing(let id):
        var config = try CodeSigningRows(tx).config(id).orThrow(LambdaError.noSuchSigning(id.arn))
        change(&config.tags)
        config.tags = try Tags.checked(config.tags)
        try CodeSigningRows.save(config, in: tx)
      }
    }
    // Policies that ask for tags decide by the new ones from now on.
    if case .function(let name) = target { resolver.forget(name.id) }
  }
}

extension Optional {
  /// The value, or the error that says what is missing.
  func orThrow(_ error: @autoclosure () -> AWSError) throws -> Wrapped {
    guard let self else { throw error() }
    return self
  }
}

/// The rules for tags, and what can carry them.
enum Tags {
  enum Target: Sendable {
    case function(FunctionName)
    case mapping(arn: String, AccountID, Region, uuid: String)
    case signing(CodeSigningID)

    init(_ resource: String, _ call: Call) throws {
      guard let arn = ARN(resource), arn.service == "lambda", let account = AccountID(arn.account),
        let region = Region(arn.region)
      else {
        throw LambdaError.constraint(
          resource, at: "resource", "satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:.*")
      }
      if arn.resource.hasPrefix("function:") {
        let name = try FunctionName(resource, account: call.account, region: call.region)
        guard name.qualifier == nil else {
          throw LambdaError.invalidParameter(
            "Tags on function aliases and versions are not supported. Please specify a function ARN.")
        }
        self = .function(name)
      } else if arn.resource.hasPrefix("event-source-mapping:"), region == call.region {
        self = .mapping(arn: resource, account, region, uuid: String(arn.resource.dropFirst("event-source-mapping:".count)))
      } else if let id = CodeSigningID(arn: resource), region == call.region {
        self = .signing(id)
      } else {
        throw LambdaError.unsupported("Tagging of \(resource)")
      }
    }
  }

  static func checked(_ tags: [String: String]) throws -> [String: String] {
    guard tags.count <= LambdaLimits.tags else {
      throw LambdaError.invalidParameter("Number of tags exceeds resource tag limit.")
    }
    for (key, value) in tags {
      guard (1...128).contains(key.count), value.count <= 256 else {
        throw LambdaError.invalidParameter("The tag keys must be 1 to 128 and the tag values 0 to 256 characters long.")
      }
      guard !key.lowercased().hasPrefix("aws:") else {
        throw LambdaError.invalidParameter("Tag keys that begin with aws: are reserved.")
      }
    }
    return tags
  }
}
