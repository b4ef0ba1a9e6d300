import Base
import Fabric
import Store
import Wire

extension CloudWatchService {
  var groupOperations: [Operation] {
    [
      Operation("CreateLogGroup", access: { [self] (input: CreateLogGroupInput, call) in
        var asked = try await onGroup("CreateLogGroup", input.logGroupName, call)
        if input.tags != nil { asked += try await onGroupItself("TagResource", input.logGroupName, call) }
        return asked.map { $0.bringing(input.tags) }
      }, run: createLogGroup),
      Operation("DeleteLogGroup", access: { [self] (input: DeleteLogGroupInput, call) in
        try await onGroup("DeleteLogGroup", input.logGroupName, call)
      }, run: deleteLogGroup),
      Operation("DescribeLogGroups", access: { (_: DescribeLogGroupsInput, call) in
        [call.access("DescribeLogGroups", group: "")]
      }, run: describeLogGroups),
      Operation("PutRetentionPolicy", access: { [self] (input: PutRetentionPolicyInput, call) in
        try await onGroup("PutRetentionPolicy", input.logGroupName, call)
      }, run: putRetentionPolicy),
      Operation("DeleteRetentionPolicy", access: { [self] (input: DeleteRetentionPolicyInput, call) in
        try await onGroup("DeleteRetentionPolicy", input.logGroupName, call)
      }, run: deleteRetentionPolicy),
    ]
  }

  private func createLogGroup(_ input: CreateLogGroupInput, _ call: Call) async throws {
    if input.kmsKeyId != nil { throw AWSError.notSupported("kmsKeyId") }
    if input.deletionProtectionEnabled == true { throw AWSError.notSupported("deletionProtectionEnabled") }
    let storageClass = input.logGroupClass ?? "STANDARD"
    guard storageClass != "DELIVERY" else { throw AWSError.notSupported("logGroupClass DELIVERY") }
    let tags = input.tags ?? [:]
    guard tags.count <= LogsLimits.tags else { throw AWSError.tooManyTags(input.logGroupName) }
    let scope = LogScope(call)
    let group = LogGroup(
      id: ambient.logID(), name: input.logGroupName, createdAt: call.now, storageClass: storageClass, tags: tags)
    try await store.transact { t in
      guard try t.logGroup(scope, group.name) == nil else { throw AWSError.groupExists }
      try t.put(group, scope)
    }
  }

  private func deleteLogGroup(_ input: DeleteLogGroupInput, _ call: Call) async throws {
    // Lines that are still in memory belong to the group that goes, not to one that a later line would make anew.
    await flushForReading()
    let scope = LogScope(call)
    try await store.transact { t in try t.remove(try t.existingLogGroup(scope, input.logGroupName), scope) }
    nudgeSweeper()
  }

  private func describeLogGroups(_ input: DescribeLogGroupsInput, _ call: Call) async throws -> DescribeLogGroupsOutput {
    if input.includeLinkedAccounts == true { throw AWSError.notSupported("includeLinkedAccounts") }
    if input.accountIdentifiers?.isEmpty == false { throw AWSError.notSupported("accountIdentifiers") }
    guard input.logGroupNamePrefix == nil || input.logGroupNamePattern == nil else {
      throw AWSError.invalidParameter("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    }
    await flushForReading()
    let scope = LogScope(call)
    let query = try GroupQuery(input, scope)
    let page = try await store.read { r in
      let found = try query.page(r)
      return (try found.groups.map { ($0, try r.storedBytes($0.id)) }, found.next)
    }
    var output = DescribeLogGroupsOutput()
    output.logGroups = page.0.map { group, bytes in describe(group, bytes, scope) }
    output.nextToken = page.1.map(NameToken.encode)
    return output
  }

  private func describe(_ group: LogGroup, _ bytes: Int64, _ scope: LogScope) -> LogGroupShape {
    var shape = LogGroupShape()
    shape.logGroupName = group.name
    shape.creationTime = Int(group.createdAt.milliseconds)
    shape.retentionInDays = group.retentionDays
    shape.metricFilterCount = 0
    shape.logGroupArn = scope.arn(group: group.name)
    shape.arn = scope.arn(group: group.name) + ":*"
    shape.storedBytes = Int(bytes)
    shape.logGroupClass = group.storageClass
    shape.deletionProtectionEnabled = false
    return shape
  }

  private func putRetentionPolicy(_ input: PutRetentionPolicyInput, _ call: Call) async throws {
    guard LogsLimits.retentionDays.contains(input.retentionInDays) else {
      let allowed = LogsLimits.retentionDays.sorted().map(String.init).joined(separator: ", ")
      throw AWSError.invalidParameter(
        "1 validation error detected: Value '\(input.retentionInDays)' at 'retentionInDays' failed to satisfy constraint: "
          + "Member must satisfy enum value set: [\(allowed)]")
    }
    try await setRetention(input.logGroupName, input.retentionInDays, call)
    nudgeSweeper()
  }

  private func deleteRetentionPolicy(_ input: DeleteRetentionPolicyInput, _ call: Call) async throws {
    try await setRetention(input.logGroupName, nil, call)
  }

  private func setRetention(_ name: String, _ days: Int?, _ call: Call) async throws {
    let scope = LogScope(call)
    try await store.transact { t in
      var group = try t.existingLogGroup(scope, name)
      group.retentionDays = days
      try t.put(group, scope)
    }
  }
}

/// Which groups DescribeLogGroups shows.
private struct GroupQuery: Sendable {
  private let scope: LogScope
  private let prefix: String
  private let pattern: [UInt8]
  private let names: [String]?
  private let storageClass: String?
  private let after: String?
  private let limit: Int

  init(_ input: DescribeLogGroupsInput, _ scope: LogScope) throws {
    self.scope = scope
    prefix = input.logGroupNamePrefix ?? ""
    pattern = Array((input.logGroupNamePattern ?? "").utf8)
    names = input.logGroupIdentifiers?.compactMap(scope.groupName).sorted()
    storageClass = input.logGroupClass
    after = try input.nextToken.map(NameToken.decode)
    limit = input.limit ?? LogsLimits.describe
  }

  /// In the order of names, with the name after which the next page begins.
  func page(_ reader: any Reader) throws -> (groups: [LogGroup], next: String?) {
    if let names {
      let groups = try names.filter { $0 > after ?? "" }.compactMap { try reader.logGroup(scope, $0) }.filter(matches)
      return (Array(groups.prefix(limit)), groups.count > limit ? groups[limit - 1].name : nil)
    }
    var groups: [LogGroup] = []
    let range = nameRange(LogsKeys.groups(scope), prefix: prefix, after: after)
    try reader.scan(range) { _, value in
      let group = try LogGroup(row: value)
      if matches(group) { groups.append(group) }
      return groups.count <= limit
    }
    return (Array(groups.prefix(limit)), groups.count > limit ? groups[limit - 1].name : nil)
  }

  private func matches(_ group: LogGroup) -> Bool {
    contains(Array(group.name.utf8), pattern) && (storageClass == nil || group.storageClass == storageClass)
  }
}

/// Keys whose last part is a name that begins with the prefix, from the one after a name on.
func nameRange(_ parent: Key, prefix: String, after: String?) -> KeyRange {
  // A string's key ends with a zero byte, which a prefix of names does not have.
  var lower = parent.appending(prefix)
  lower.bytes.removeLast()
  let upper = lower.end
  guard let after else { return KeyRange(lower, upper) }
  let next = parent.appending(after).end
  return KeyRange(max(lower, next), max(upper, next))
}

/// The token of a list that is ordered by name: the last name that was shown.
enum NameToken {
  static func encode(_ name: String) -> String { Array(name.utf8).hex }
  static func decode(_ token: String) throws -> String {
    guard let bytes = decodeHex(token), let name = String(validating: bytes, as: UTF8.self), !name.isEmpty else {
      throw AWSError.badToken
    }
    return name
  }
}
