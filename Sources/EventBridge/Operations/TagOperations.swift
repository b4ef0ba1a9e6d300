import Base
import Fabric
import Store

/// Tags of buses and rules: nothing else of EventBridge has any.
extension EventBridgeService {
  private enum Tagged {
    case bus(BusName)
    case rule(RuleName)
  }

  var tagOperations: [Operation] {
    [
      Operation("TagResource", access: { [self] (input: TagResourceInput, call) in
        [try await access("TagResource", try tagged(input.resourceARN, call), call).bringing(input.tags.asked)]
      }, run: { [self] (input: TagResourceInput, call) in
        let tags = try Tags.checked(input.tags)
        try await change(try tagged(input.resourceARN, call)) { present throws(AWSError) in
          try Tags.limited(present.merging(tags) { $1 })
        }
        return TagResourceOutput()
      }),
      Operation("UntagResource", access: { [self] (input: UntagResourceInput, call) in
        [try await access("UntagResource", try tagged(input.resourceARN, call), call).naming(input.tagKeys)]
      }, run: { [self] (input: UntagResourceInput, call) in
        let keys = Set(input.tagKeys)
        try await change(try tagged(input.resourceARN, call)) { $0.filter { !keys.contains($0.key) } }
        return UntagResourceOutput()
      }),
      Operation("ListTagsForResource", access: { [self] (input: ListTagsForResourceInput, call) in
        [try await access("ListTagsForResource", try tagged(input.resourceARN, call), call)]
      }, run: { [self] (input: ListTagsForResourceInput, call) in
        let resource = try tagged(input.resourceARN, call)
        let tags = try await store.read { reader in
          switch resource {
          case .bus(let name): try reader.existingBus(name).tags
          case .rule(let name): try reader.existingRule(name).tags
          }
        }
        var output = ListTagsForResourceOutput()
        output.tags = Tags.shown(tags)
        return output
      }),
    ]
  }

  private func tagged(_ text: String, _ call: Call) throws(AWSError) -> Tagged {
    guard let arn = ARN(text) else { throw EventBridgeError.invalid(text, "Provided Arn is not in correct format.") }
    let found = BusName(arn).map(Tagged.bus) ?? RuleName(arn).map(Tagged.rule)
    guard let found else { throw EventBridgeError.invalid(text, "Only event buses and rules have tags.") }
    return found
  }

  private func access(_ action: String, _ resource: Tagged, _ call: Call) async throws -> Access {
    switch resource {
    case .bus(let name): try await access(action, name)
    case .rule(let name): try await access(action, name, call)
    }
  }

  private func change(
    _ resource: Tagged, _ edit: @escaping @Sendable ([String: String]) throws(AWSError) -> [String: String]
  ) async throws {
    switch resource {
    case .bus(let name):
      let now = ambient.now
      try await change(name) { tx, revision in
        var bus = try tx.existingBus(name)
        bus.tags = try edit(bus.tags)
        bus.created = bus.created ?? now
        try tx.save(bus, revision: revision)
      }
    case .rule(let name):
      try await change(name.bus) { tx, revision in
        var rule = try tx.existingRule(name)
        try Self.checkUnmanaged(rule)
        rule.tags = try edit(rule.tags)
        try tx.save(rule, revision: revision)
      }
    }
  }
}
