import Base
import Fabric
import Store

/// The targets of rules.
extension EventBridgeService {
  var targetOperations: [Operation] {
    [
      Operation("PutTargets", access: { [self] (input: PutTargetsInput, call) in
        let name = rule(input.rule, input.eventBusName, call)
        var asked = try await access("PutTargets", name, call)
        asked.conditionValues["events:targetarn"] = input.targets.map(\.arn)
        var all = [asked]
        for role in Set(input.targets.compactMap(\.roleArn)).sorted() { all += try passRole(role, call) }
        return all
      }, run: putTargets),
      Operation("RemoveTargets", access: { [self] (input: RemoveTargetsInput, call) in
        [try await access("RemoveTargets", rule(input.rule, input.eventBusName, call), call)]
      }, run: removeTargets),
      Operation("ListTargetsByRule", access: { [self] (input: ListTargetsByRuleInput, call) in
        [try await access("ListTargetsByRule", rule(input.rule, input.eventBusName, call), call)]
      }, run: listTargetsByRule),
    ]
  }

  /// A target that is wrong refuses the whole call, as AWS does; failed entries are left for what fails of itself.
  private func putTargets(_ input: PutTargetsInput, _ call: Call) async throws -> PutTargetsOutput {
    let name = rule(input.rule, input.eventBusName, call)
    let door = neighbours.door
    var targets: [Target] = []
    for given in input.targets { targets.append(try Target(given, of: name) { door.model($0) != nil }) }
    for role in Set(targets.compactMap(\.role)).sorted() { try await check(role: role) }
    let checked = targets
    try await change(name.bus) { tx, revision in
      var rule = try tx.existingRule(name)
      try Self.checkUnmanaged(rule)
      try rule.put(checked)
      try tx.save(rule, revision: revision)
    }
    var output = PutTargetsOutput()
    (output.failedEntryCount, output.failedEntries) = (0, [])
    return output
  }

  private func removeTargets(_ input: RemoveTargetsInput, _ call: Call) async throws -> RemoveTargetsOutput {
    let name = rule(input.rule, input.eventBusName, call)
    let (ids, force) = (input.ids, input.force ?? false)
    let missing = try await change(name.bus) { tx, revision -> [String] in
      var rule = try tx.existingRule(name)
      try Self.checkUnmanaged(rule, force: force)
      let known = Set(rule.targets.map(\.id))
      rule.targets.removeAll { ids.contains($0.id) }
      try tx.save(rule, revision: revision)
      return ids.filter { !known.contains($0) }
    }
    var output = RemoveTargetsOutput()
    output.failedEntryCount = missing.count
    output.failedEntries = missing.map { id in
      var entry = RemoveTargetsResultEntry()
      (entry.targetId, entry.errorCode) = (id, "ResourceNotFoundException")
      entry.errorMessage = "Rule \(name.name) does not have a target with id \(id)."
      return entry
    }
    return output
  }

  private func listTargetsByRule(_ input: ListTargetsByRuleInput, _ call: Call) async throws -> ListTargetsByRuleOutput {
    let name = rule(input.rule, input.eventBusName, call)
    let page = try Page(limit: input.limit, token: input.nextToken, of: "targets of \(name.arn)")
    let rule = try await store.read { try $0.existingRule(name) }
    // The key of a page of targets is the id of its last one.
    var rest = rule.targets[...]
    if let after = page.after { rest = rest.drop { Key($0.id) != after }.dropFirst() }
    let shown = rest.prefix(page.limit)
    var output = ListTargetsByRuleOutput()
    output.targets = shown.map(EventsTarget.init)
    output.nextToken = shown.count < rest.count ? page.token(shown.last.map { Key($0.id) }) : nil
    return output
  }
}
