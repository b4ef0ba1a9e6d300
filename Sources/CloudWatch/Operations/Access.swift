import Base
import Fabric
import Wire

extension Call {
  /// Actions on a group are compared as a stream without a name, which is what policies for `log-group:NAME:*` allow.
  func onGroup(_ action: String, _ group: String) -> [Access] {
    [Access("logs:\(action)", on: LogScope(self).accessARN(group: group), owner: account)]
  }
  /// The tagging actions are compared with the group's ARN alone.
  func onGroupItself(_ action: String, _ group: String) -> [Access] {
    [Access("logs:\(action)", on: LogScope(self).arn(group: group), owner: account)]
  }
  func onStream(_ action: String, _ group: String, _ stream: String) -> [Access] {
    [Access("logs:\(action)", on: LogScope(self).arn(group: group, stream: stream), owner: account)]
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
