import Base
import Fabric
import Store
import Wire

/// What policies are asked for an operation on a group that exists or not. They may ask for its tags, so it is looked up
/// unless the caller is root, whom nobody asks.
extension CloudWatchService {
  /// Actions on a group are compared as a stream without a name, which is what policies for `log-group:NAME:*` allow.
  func onGroup(_ action: String, _ group: String, _ call: Call) async throws -> [Access] {
    [call.access(action, group: group).having(try await tagsAsked(of: group, call))]
  }
  /// The tagging actions are compared with the group's ARN alone.
  func onGroupItself(_ action: String, _ group: String, _ call: Call) async throws -> [Access] {
    let access = Access("logs:\(action)", on: LogScope(call).arn(group: group), owner: call.account)
    return [access.having(try await tagsAsked(of: group, call))]
  }
  func onStream(_ action: String, _ group: String, _ stream: String, _ call: Call) async throws -> [Access] {
    let access = Access("logs:\(action)", on: LogScope(call).arn(group: group, stream: stream), owner: call.account)
    return [access.having(try await tagsAsked(of: group, call))]
  }

  private func tagsAsked(of group: String, _ call: Call) async throws -> [String: String] {
    if case .root = call.principal { return [:] }
    return try await store.read { r in try r.logGroup(LogScope(call), group)?.tags } ?? [:]
  }
}

extension Call {
  func access(_ action: String, group: String) -> Access {
    Access("logs:\(action)", on: LogScope(self).accessARN(group: group), owner: account)
  }

  /// The group that `logGroupName` or `logGroupIdentifier` names.
  func groupName(_ name: String?, _ identifier: String?) throws -> String {
    switch (name, identifier) {
    case (let name?, nil): return name
    case (nil, let identifier?):
      guard let name = LogScope(self).groupName(identifier) else { throw AWSError.groupNotFound }
      return name
    case (nil, nil), (_?, _?):
      throw AWSError.invalidParameter("Exactly one of logGroupName and logGroupIdentifier must be specified.")
    }
  }

  /// The group of a tagging action: nothing else can be tagged here.
  func taggedGroup(_ arn: String) throws -> String {
    guard arn.hasPrefix("arn:"), let name = LogScope(self).groupName(arn) else { throw AWSError.resourceNotFound }
    return name
  }
}

extension Ambient {
  /// The id of a group or stream: random, above zero.
  func logID() -> Int64 { Int64(random.number(below: UInt64(Int64.max - 1))) + 1 }
}

extension Instant {
  /// A time of a request, brought into the range in which sums cannot overflow.
  init(request milliseconds: Int) {
    self.init(milliseconds: min(max(0, Int64(milliseconds)), Instant.distantFuture.milliseconds))
  }
}
