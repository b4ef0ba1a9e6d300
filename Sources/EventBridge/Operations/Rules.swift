import Base
import Fabric
import Patterns
import Schedules
import Store

/// Rules of event buses.
extension EventBridgeService {
  var ruleOperations: [Operation] {
    [
      Operation("PutRule", access: putRuleAccess, run: putRule),
      Operation("DescribeRule", access: { [self] (input: DescribeRuleInput, call) in
        [try await access("DescribeRule", rule(input.name, input.eventBusName, call), call)]
      }, run: describeRule),
      Operation("DeleteRule", access: { [self] (input: DeleteRuleInput, call) in
        [try await access("DeleteRule", rule(input.name, input.eventBusName, call), call)]
      }, run: deleteRule),
      Operation("EnableRule", access: { [self] (input: EnableRuleInput, call) in
        [try await access("EnableRule", rule(input.name, input.eventBusName, call), call)]
      }, run: { [self] (input: EnableRuleInput, call) in
        try await set(.enabled, rule(input.name, input.eventBusName, call))
      }),
      Operation("DisableRule", access: { [self] (input: DisableRuleInput, call) in
        [try await access("DisableRule", rule(input.name, input.eventBusName, call), call)]
      }, run: { [self] (input: DisableRuleInput, call) in
        try await set(.disabled, rule(input.name, input.eventBusName, call))
      }),
      Operation("ListRules", access: { [self] (input: ListRulesInput, call) in
        [try await listAccess("ListRules", input.eventBusName, call)]
      }, run: listRules),
      Operation("ListRuleNamesByTarget", access: { [self] (input: ListRuleNamesByTargetInput, call) in
        [try await listAccess("ListRuleNamesByTarget", input.eventBusName, call)]
      }, run: listRuleNamesByTarget),
    ]
  }

  func rule(_ name: String, _ bus: String?, _ call: Call) -> RuleName { RuleName(BusName(bus, call), name) }

  /// Lists have no resource; the bus of another account must let the caller.
  private func listAccess(_ action: String, _ bus: String?, _ call: Call) async throws -> Access {
    let name = BusName(bus, call)
    guard name.account != call.account else { return accessToAll(action, call)[0] }
    return try await access(action, name)
  }

  private func putRuleAccess(_ input: PutRuleInput, _ call: Call) async throws -> [Access] {
    let name = rule(input.name, input.eventBusName, call)
    var asked = try await access("PutRule", name, call).bringing(input.tags?.asked)
    // What the pattern asks for: policies may keep people to their own sources.
    let pattern = input.eventPattern.flatMap { try? JSON.parse($0) }
    for (key, member) in [("events:source", "source"), ("events:detail-type", "detail-type")] {
      let values = pattern?[member]?.array?.compactMap(\.string) ?? []
      if !values.isEmpty { asked.conditionValues[key] = values }
    }
    var all = [asked]
    if input.tags?.isEmpty == false {
      all.append(try await access("TagResource", name, call).bringing(input.tags?.asked))
    }
    return all + (try passRole(input.roleArn, call))
  }

  private func putRule(_ input: PutRuleInput, _ call: Call) async throws -> PutRuleOutput {
    let name = rule(input.name, input.eventBusName, call)
    let pattern = try Self.pattern(input.eventPattern)
    guard pattern != nil || input.scheduleExpression?.isEmpty == false else {
      throw EventBridgeError.invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    }
    if let expression = input.scheduleExpression, !expression.isEmpty {
      guard name.bus.isDefault else {
        throw EventBridgeError.invalid("ScheduleExpression is supported only on the default event bus.")
      }
      do { _ = try ScheduleExpression(expression, dialect: .rule) } catch { throw EventBridgeError.invalid(error.message) }
    }
    try await check(role: input.roleArn)
    let tags = try Tags.checked(input.tags)
    let (now, creator) = (ambient.now, call.account)
    try await change(name.bus) { [self] tx, revision in
      _ = try tx.existingBus(name.bus)
      let old = try tx.rule(name)
      if let old { try Self.checkUnmanaged(old) } else { try Self.checkRoom(name.bus, tx) }
      var rule = old ?? Rule(name, createdBy: creator)
      (rule.pattern, rule.description, rule.role) = (pattern, input.description, input.roleArn)
      rule.schedule = input.scheduleExpression.flatMap { $0.isEmpty ? nil : $0 }
      rule.state = input.state.flatMap(Rule.State.init) ?? .enabled
      // The tags of a rule that is there are left alone (API reference, PutRule).
      if old == nil { rule.tags = tags }
      try Self.checkWildcards(rule, tx)
      try schedule(&rule, was: old, now, tx)
      try tx.save(rule, revision: revision)
    }
    schedules.nudge.nudge()
    var output = PutRuleOutput()
    output.ruleArn = name.arn.text
    return output
  }

  /// A pattern that asks for nothing is none. Throws `InvalidEventPatternException`.
  static func pattern(_ text: String?) throws(AWSError) -> String? {
    guard let text, !text.isEmpty else { return nil }
    guard text.count <= EventBridgeLimits.patternCharacters else {
      throw EventBridgeError.pattern("It is longer than \(EventBridgeLimits.patternCharacters) characters.")
    }
    // A pattern without a field is as good as none.
    if (try? JSON.parse(text))?.object?.isEmpty == true { return nil }
    do { _ = try EventPattern(text) } catch { throw EventBridgeError.pattern(error.reason) }
    return text
  }

  static func checkUnmanaged(_ rule: Rule, force: Bool = false) throws(AWSError) {
    if rule.archive != nil || rule.managedBy != nil && !force { throw EventBridgeError.managed(rule.name) }
  }

  private static func checkRoom(_ bus: BusName, _ reader: any Reader) throws {
    guard try reader.rules(of: bus).filter({ $0.archive == nil }).count < EventBridgeLimits.rulesPerBus else {
      throw EventBridgeError.limit
    }
  }

  private static func checkWildcards(_ rule: Rule, _ reader: any Reader) throws {
    guard rule.hasWildcard else { return }
    let others = try reader.rules(of: rule.name.bus).filter { $0.name != rule.name && $0.hasWildcard }
    guard others.count < EventBridgeLimits.wildcardRulesPerBus else { throw EventBridgeError.limit }
  }

  private func describeRule(_ input: DescribeRuleInput, _ call: Call) async throws -> DescribeRuleOutput {
    let name = rule(input.name, input.eventBusName, call)
    let rule = try await store.read { try $0.existingRule(name) }
    var output = DescribeRuleOutput()
    (output.name, output.arn, output.eventPattern) = (name.name, name.arn.text, rule.pattern)
    (output.scheduleExpression, output.state, output.description) = (rule.schedule, rule.state.rawValue, rule.description)
    (output.roleArn, output.managedBy, output.eventBusName) = (rule.role, rule.managedBy, name.bus.name)
    output.createdBy = rule.createdBy.text
    return output
  }

  private func deleteRule(_ input: DeleteRuleInput, _ call: Call) async throws {
    let name = rule(input.name, input.eventBusName, call)
    let force = input.force ?? false
    try await change(name.bus) { tx, revision in
      _ = try tx.existingBus(name.bus)
      guard let rule = try tx.rule(name) else { return }
      try Self.checkUnmanaged(rule, force: force)
      guard rule.targets.isEmpty else { throw EventBridgeError.invalid("Rule can't be deleted since it has targets.") }
      try Keys.schedules.complete(name.arn.text, tx)
      try Keys.rules.delete(Keys.id(name), tx)
      try tx.touch(name.bus, revision)
    }
  }

  private func set(_ state: Rule.State, _ name: RuleName) async throws {
    let now = ambient.now
    try await change(name.bus) { [self] tx, revision in
      let old = try tx.existingRule(name)
      try Self.checkUnmanaged(old)
      // Enabling what is enabled in the other way leaves that.
      guard old.isEnabled != (state != .disabled) else { return }
      var rule = old
      rule.state = state
      try schedule(&rule, was: old, now, tx)
      try tx.save(rule, revision: revision)
    }
    schedules.nudge.nudge()
  }

  private func listRules(_ input: ListRulesInput, _ call: Call) async throws -> ListRulesOutput {
    let bus = BusName(input.eventBusName, call)
    let page = try Page(limit: input.limit, token: input.nextToken, of: "rules \(bus.arn) \(input.namePrefix ?? "")")
    let prefix = Keys.prefix(Keys.id(bus), input.namePrefix)
    let (rules, token) = try await store.read { reader -> ([Rule], String?) in
      _ = try reader.existingBus(bus)
      return try page.list(Keys.rules, below: prefix, reader)
    }
    var output = ListRulesOutput()
    output.rules = rules.map { rule in
      var item = EventsRule()
      (item.name, item.arn, item.eventPattern) = (rule.name.name, rule.name.arn.text, rule.pattern)
      (item.state, item.description, item.scheduleExpression) = (rule.state.rawValue, rule.description, rule.schedule)
      (item.roleArn, item.managedBy, item.eventBusName) = (rule.role, rule.managedBy, bus.name)
      return item
    }
    output.nextToken = token
    return output
  }

  private func listRuleNamesByTarget(_ input: ListRuleNamesByTargetInput, _ call: Call) async throws -> ListRuleNamesByTargetOutput {
    let (bus, target) = (BusName(input.eventBusName, call), input.targetArn)
    let page = try Page(limit: input.limit, token: input.nextToken, of: "targets \(bus.arn) \(target)")
    let (rules, token) = try await store.read { reader -> ([Rule], String?) in
      _ = try reader.existingBus(bus)
      return try page.list(Keys.rules, below: Keys.id(bus), reader) { $0.targets.contains { $0.arn == target } }
    }
    var output = ListRuleNamesByTargetOutput()
    (output.ruleNames, output.nextToken) = (rules.map(\.name.name), token)
    return output
  }
}

extension Rule {
  /// The pattern has wildcards, which AWS allows in fewer rules.
  fileprivate var hasWildcard: Bool {
    func has(_ json: JSON) -> Bool {
      if let object = json.object { return object.contains { $0.name == "wildcard" || has($0.value) } }
      return json.array?.contains(where: has) ?? false
    }
    return pattern.flatMap { try? JSON.parse($0) }.map(has) ?? false
  }
}
