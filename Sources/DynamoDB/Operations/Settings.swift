import Base
import Fabric
import Store
import Wire

extension UpdateTimeToLiveInput: TableInput {}
extension DescribeTimeToLiveInput: TableInput {}

/// An input that names its resource by ARN.
protocol ResourceInput: RecordView {
  var resourceArn: String { get }
}
extension TagResourceInput: ResourceInput {}
extension UntagResourceInput: ResourceInput {}
extension ListTagsOfResourceInput: ResourceInput {}
extension PutResourcePolicyInput: ResourceInput {}
extension GetResourcePolicyInput: ResourceInput {}
extension DeleteResourcePolicyInput: ResourceInput {}

extension DynamoDBService {
  var settingOperations: [Operation] {
    [
      Operation("TagResource", access: { (input: TagResourceInput, call) in
        [try await self.access("TagResource", try self.resource(input, call), index: nil).bringing(input.tags.dictionary)]
      }, run: tagResource),
      Operation("UntagResource", access: { (input: UntagResourceInput, call) in
        [try await self.access("UntagResource", try self.resource(input, call), index: nil).naming(input.tagKeys)]
      }, run: untagResource),
      Operation("ListTagsOfResource", access: resourceAccess("ListTagsOfResource"), run: listTagsOfResource),
      Operation("PutResourcePolicy", access: resourceAccess("PutResourcePolicy"), run: putResourcePolicy),
      Operation("GetResourcePolicy", access: resourceAccess("GetResourcePolicy"), run: getResourcePolicy),
      Operation("DeleteResourcePolicy", access: resourceAccess("DeleteResourcePolicy"), run: deleteResourcePolicy),
      Operation("UpdateTimeToLive", access: access("UpdateTimeToLive"), run: updateTimeToLive),
      Operation("DescribeTimeToLive", access: access("DescribeTimeToLive"), run: describeTimeToLive),
      Operation("DescribeLimits", access: { (_: DescribeLimitsInput, call) in
        [Access("dynamodb:DescribeLimits", owner: call.account)]
      }, run: describeLimits),
      Operation("DescribeEndpoints", access: { (_: DescribeEndpointsInput, call) in
        [Access("dynamodb:DescribeEndpoints", owner: call.account)]
      }, run: describeEndpoints),
    ]
  }

  private func resourceAccess<Input: ResourceInput>(_ action: String) -> @Sendable (Input, Call) async throws -> [Access] {
    { input, call in [try await self.access(action, try self.resource(input, call), index: nil)] }
  }
  /// The table that an ARN names; of its stream and indexes we keep nothing of their own.
  private func resource(_ input: some ResourceInput, _ call: Call) throws -> TableName {
    let text = input.resourceArn
    guard let arn = ARN(text), arn.service == "dynamodb", let account = AccountID(arn.account), arn.region == call.region.text,
      arn.resource.hasPrefix("table/"), TableName.isValid(String(arn.resource.dropFirst(6)))
    else { throw DynamoDBError.validation("Invalid TableArn: Invalid ResourceArn provided as input \(text)") }
    return TableName(account: account, region: call.region, name: String(arn.resource.dropFirst(6)))
  }

  /// Changes the row of a table.
  func change<T: Sendable>(
    _ name: TableName, missing: AWSError? = nil, _ body: @escaping @Sendable (inout Table, any Transaction) throws -> T
  ) async throws -> T {
    let result = try await store.transact { rows in
      guard let stored = try TableCache.read(name, rows) else { throw missing ?? DynamoDBError.tableNotFound(name.name) }
      guard !stored.table.isBeingMade else { throw DynamoDBError.tableInUse(name.name, "created") }
      var table = stored.table
      let result = try body(&table, rows)
      try rows.set(Keys.table(name), table.row)
      return result
    }
    changed(name)
    return result
  }
  private func noResource(_ name: TableName) -> AWSError {
    AWSError("ResourceNotFoundException", "Requested resource not found: ResourcArn: \(name.arn.text) not found", status: 400)
  }
  private func table(_ name: TableName, missing: AWSError) async throws -> Table {
    guard let stored = try await store.read({ try TableCache.read(name, $0) }) else { throw missing }
    return stored.table
  }

  func tagResource(_ input: TagResourceInput, _ call: Call) async throws {
    let name = try resource(input, call)
    let tags = try TagRules.checked(input.tags)
    try await change(name, missing: noResource(name)) { table, _ in
      table.tags.merge(tags) { _, new in new }
      guard table.tags.count <= DynamoDBLimits.tags else {
        throw DynamoDBError.validation("One or more parameter values were invalid: The number of tags exceeds the limit of 50")
      }
    }
  }
  func untagResource(_ input: UntagResourceInput, _ call: Call) async throws {
    let name = try resource(input, call)
    let keys = input.tagKeys
    try await change(name, missing: noResource(name)) { table, _ in for key in keys { table.tags[key] = nil } }
  }
  func listTagsOfResource(_ input: ListTagsOfResourceInput, _ call: Call) async throws -> ListTagsOfResourceOutput {
    let name = try resource(input, call)
    let table = try await table(name, missing: noResource(name))
    let all = table.tags.sorted { $0.key < $1.key }
    let rest = all.drop { tag in input.nextToken.map { tag.key <= $0 } ?? false }
    var output = ListTagsOfResourceOutput()
    output.tags = rest.prefix(DynamoDBLimits.tagsPerPage).map { key, value in
      var tag = DynamoDBTag()
      (tag.key, tag.value) = (key, value)
      return tag
    }
    if rest.count > DynamoDBLimits.tagsPerPage { output.nextToken = output.tags?.last?.key }
    return output
  }

  func putResourcePolicy(_ input: PutResourcePolicyInput, _ call: Call) async throws -> PutResourcePolicyOutput {
    let name = try resource(input, call)
    let (policy, expected, revision) = (try await tied(input.policy), input.expectedRevisionId, ambient.uuid())
    try await change(name, missing: noResource(name)) { table, _ in
      try Self.check(expected, table)
      (table.policy, table.policyRevision) = (policy, revision)
    }
    var output = PutResourcePolicyOutput()
    output.revisionId = revision
    return output
  }
  private static func check(_ expected: String?, _ table: Table) throws {
    guard let expected else { return }
    guard expected == "NO_POLICY" ? table.policy == nil : table.policyRevision == expected else {
      throw AWSError(
        "PolicyNotFoundException", "Resource-based policy not found for the provided ResourceArn: Requested update for policy with revision id "
          + "\(expected) but the policy associated to target table \(table.name.name) has revision id \(table.policyRevision ?? "NO_POLICY").",
        status: 400)
    }
  }
  private func noPolicy(_ name: TableName) -> AWSError {
    AWSError(
      "PolicyNotFoundException", "Resource-based policy not found for the provided ResourceArn: \(name.arn.text)", status: 400)
  }
  func getResourcePolicy(_ input: GetResourcePolicyInput, _ call: Call) async throws -> GetResourcePolicyOutput {
    let name = try resource(input, call)
    let table = try await table(name, missing: noResource(name))
    guard let policy = table.policy else { throw noPolicy(name) }
    var output = GetResourcePolicyOutput()
    (output.policy, output.revisionId) = (try await principals.shown(policy), table.policyRevision)
    return output
  }
  func deleteResourcePolicy(_ input: DeleteResourcePolicyInput, _ call: Call) async throws -> DeleteResourcePolicyOutput {
    let name = try resource(input, call)
    let expected = input.expectedRevisionId
    var output = DeleteResourcePolicyOutput()
    output.revisionId = try await change(name, missing: noResource(name)) { table, _ in
      try Self.check(expected, table)
      defer { (table.policy, table.policyRevision) = (nil, nil) }
      return table.policyRevision
    }
    return output
  }

  func updateTimeToLive(_ input: UpdateTimeToLiveInput, _ call: Call) async throws -> UpdateTimeToLiveOutput {
    let name = try name(input.tableName, call)
    let specification = input.timeToLiveSpecification
    let (enabled, attribute) = (specification.enabled, specification.attributeName)
    try await change(name) { table, rows in
      guard enabled != table.expires else {
        throw DynamoDBError.validation(enabled ? "TimeToLive is already enabled" : "TimeToLive is already disabled")
      }
      if !enabled, table.expiryAttribute != attribute {
        throw DynamoDBError.validation(
          "TimeToLive is active on a different AttributeName: current AttributeName is \(table.expiryAttribute ?? "")")
      }
      (table.expires, table.expiryAttribute) = (enabled, attribute)
      // Rows of when items end are made by the table worker; those of another attribute are judged by the item when they come due.
      try rows.set(Keys.fill(table.id, 0), [])
    }
    var output = UpdateTimeToLiveOutput()
    output.timeToLiveSpecification = specification
    return output
  }
  func describeTimeToLive(_ input: DescribeTimeToLiveInput, _ call: Call) async throws -> DescribeTimeToLiveOutput {
    let name = try name(input.tableName, call)
    let table = try await table(name, missing: DynamoDBError.tableNotFound(name.name))
    var description = TimeToLiveDescription()
    description.timeToLiveStatus = table.expires ? "ENABLED" : "DISABLED"
    if table.expires { description.attributeName = table.expiryAttribute }
    var output = DescribeTimeToLiveOutput()
    output.timeToLiveDescription = description
    return output
  }

  func describeLimits(_ input: DescribeLimitsInput, _ call: Call) async throws -> DescribeLimitsOutput {
    var output = DescribeLimitsOutput()
    (output.accountMaxReadCapacityUnits, output.accountMaxWriteCapacityUnits) = (80_000, 80_000)
    (output.tableMaxReadCapacityUnits, output.tableMaxWriteCapacityUnits) = (40_000, 40_000)
    return output
  }
  func describeEndpoints(_ input: DescribeEndpointsInput, _ call: Call) async throws -> DescribeEndpointsOutput {
    var endpoint = DynamoDBEndpoint()
    endpoint.address = call.endpoint.split(separator: "/").last.map(String.init) ?? call.endpoint
    endpoint.cachePeriodInMinutes = 1440
    var output = DescribeEndpointsOutput()
    output.endpoints = [endpoint]
    return output
  }
}

/// Tags in AWS's words.
enum TagRules {
  static func checked(_ tags: [DynamoDBTag]) throws -> [String: String] {
    var out: [String: String] = [:]
    for tag in tags {
      guard !tag.key.lowercased().hasPrefix("aws:") else {
        throw DynamoDBError.validation("One or more parameter values were invalid: Tag keys beginning with aws: are reserved")
      }
      guard out.updateValue(tag.value, forKey: tag.key) == nil else {
        throw DynamoDBError.validation("One or more parameter values were invalid: Duplicate tag key: \(tag.key)")
      }
    }
    guard out.count <= DynamoDBLimits.tags else {
      throw DynamoDBError.validation("One or more parameter values were invalid: The number of tags exceeds the limit of 50")
    }
    return out
  }
}
extension [DynamoDBTag] {
  var dictionary: [String: String] { Dictionary(map { ($0.key, $0.value) }, uniquingKeysWith: { $1 }) }
}
