import Base
import Fabric
import Store
import Wire

extension CloudWatchService {
  var tagOperations: [Operation] {
    [
      Operation("TagLogGroup", access: { [self] (input: TagLogGroupInput, call) in
        try await onGroup("TagLogGroup", input.logGroupName, call).map { $0.bringing(input.tags) }
      }, run: { [self] (input: TagLogGroupInput, call) in
        try await changeTags(input.logGroupName, call) { $0.merge(input.tags) { $1 } }
      }),
      Operation("UntagLogGroup", access: { [self] (input: UntagLogGroupInput, call) in
        try await onGroup("UntagLogGroup", input.logGroupName, call).map { $0.naming(input.tags) }
      }, run: { [self] (input: UntagLogGroupInput, call) in
        try await changeTags(input.logGroupName, call) { tags in for key in input.tags { tags[key] = nil } }
      }),
      Operation("ListTagsLogGroup", access: { [self] (input: ListTagsLogGroupInput, call) in
        try await onGroup("ListTagsLogGroup", input.logGroupName, call)
      }, run: { [self] (input: ListTagsLogGroupInput, call) in
        var output = ListTagsLogGroupOutput()
        output.tags = try await tags(of: input.logGroupName, call)
        return output
      }),
      Operation("TagResource", access: { [self] (input: TagResourceInput, call) in
        try await onGroupItself("TagResource", try call.taggedGroup(input.resourceArn), call).map { $0.bringing(input.tags) }
      }, run: { [self] (input: TagResourceInput, call) in
        try await changeTags(try call.taggedGroup(input.resourceArn), call) { $0.merge(input.tags) { $1 } }
      }),
      Operation("UntagResource", access: { [self] (input: UntagResourceInput, call) in
        try await onGroupItself("UntagResource", try call.taggedGroup(input.resourceArn), call).map { $0.naming(input.tagKeys) }
      }, run: { [self] (input: UntagResourceInput, call) in
        try await changeTags(try call.taggedGroup(input.resourceArn), call) { tags in
          for key in input.tagKeys { tags[key] = nil }
        }
      }),
      Operation("ListTagsForResource", access: { [self] (input: ListTagsForResourceInput, call) in
        try await onGroupItself("ListTagsForResource", try call.taggedGroup(input.resourceArn), call)
      }, run: { [self] (input: ListTagsForResourceInput, call) in
        var output = ListTagsForResourceOutput()
        output.tags = try await tags(of: try call.taggedGroup(input.resourceArn), call)
        return output
      }),
    ]
  }

  private func changeTags(
    _ name: String, _ call: Call, _ change: @escaping @Sendable (inout [String: String]) -> Void
  ) async throws {
    let scope = LogScope(call)
    try await store.transact { t in
      var group = try t.existingLogGroup(scope, name)
      change(&group.tags)
      guard group.tags.count <= LogsLimits.tags else { throw AWSError.tooManyTags(scope.arn(group: name)) }
      try t.put(group, scope)
    }
  }

  private func tags(of name: String, _ call: Call) async throws -> [String: String] {
    let scope = LogScope(call)
    return try await store.read { r in try r.existingLogGroup(scope, name).tags }
  }
}
