import Base
import Fabric
import Store
import Wire

extension [SchedulerTag] {
  var asMap: [String: String] { Dictionary(map { ($0.key, $0.value) }) { $1 } }
}

extension SchedulerService {
  /// Only groups have tags.
  var tagOperations: [Fabric.Operation] {
    [
      Operation("TagResource", access: { [self] (input: TagResourceInput, call) in
        try await groupAccess("TagResource", try call.taggedGroup(input.resourceArn), call).map { $0.bringing(input.tags.asMap) }
      }, run: { [self] (input: TagResourceInput, call) in
        let tags = input.tags.asMap
        try await changeTags(try call.taggedGroup(input.resourceArn), call) { $0.merge(tags) { $1 } }
        return TagResourceOutput()
      }),
      Operation("UntagResource", access: { [self] (input: UntagResourceInput, call) in
        try await groupAccess("UntagResource", try call.taggedGroup(input.resourceArn), call).map { $0.naming(input.tagKeys) }
      }, run: { [self] (input: UntagResourceInput, call) in
        let keys = input.tagKeys
        try await changeTags(try call.taggedGroup(input.resourceArn), call) { tags in for key in keys { tags[key] = nil } }
        return UntagResourceOutput()
      }),
      Operation("ListTagsForResource", access: { [self] (input: ListTagsForResourceInput, call) in
        try await groupAccess("ListTagsForResource", try call.taggedGroup(input.resourceArn), call)
      }, run: listTags),
    ]
  }

  private func listTags(_ input: ListTagsForResourceInput, _ call: Call) async throws -> ListTagsForResourceOutput {
    let name = try call.taggedGroup(input.resourceArn)
    let group = try await store.transact { t in
      try t.ensureDefaultGroup(call)
      guard let group = try t.scheduleGroup(name) else { throw SchedulerError.noGroup(name.name) }
      return group
    }
    var output = ListTagsForResourceOutput()
    output.tags = group.tags.sorted { $0.key < $1.key }.map { key, value in
      var tag = SchedulerTag()
      (tag.key, tag.value) = (key, value)
      return tag
    }
    return output
  }

  private func changeTags(
    _ name: GroupName, _ call: Call, _ change: @escaping @Sendable (inout [String: String]) -> Void
  ) async throws {
    try await store.transact { t in
      try t.ensureDefaultGroup(call)
      var group = try t.usableGroup(name)
      change(&group.tags)
      guard group.tags.count <= SchedulerLimits.tags else { throw SchedulerError.tooManyTags }
      try t.put(group, name)
    }
  }
}

extension Call {
  /// Somebody else's groups are not there.
  fileprivate func taggedGroup(_ text: String) throws -> GroupName {
    let parts = ARN(text)?.resource.split(separator: "/") ?? []
    guard parts.count == 2, parts[0] == "schedule-group" else { throw SchedulerError.badARN }
    let name = group(String(parts[1]))
    guard name.arn == text else { throw SchedulerError.noGroup(name.name) }
    return name
  }
}
