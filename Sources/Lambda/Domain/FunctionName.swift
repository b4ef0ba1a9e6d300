import Base

/// A function as a client names it: `name`, `name:alias`, `account:function:name` or a whole ARN.
struct FunctionName: Sendable, Equatable {
  var id: FunctionID
  /// A version or alias that was asked for, in the name or beside it.
  var qualifier: String?

  /// The ARN that permissions are asked on, and error texts show.
  var arn: String { qualifier.map { "\(id.arn):\($0)" } ?? id.arn.text }

  /// - Parameters:
  ///   - qualifier: the `Qualifier` parameter of the call.
  ///   - account: whose function a bare name is.
  ///   - region: where the call came in; functions of another one cannot be reached.
  /// - Throws: `AWSError` in AWS's words.
  init(_ text: String, qualifier: String? = nil, account: AccountID, region: Region) throws {
    guard var parts = Self.parts(text) else { throw LambdaError.badFunctionName(text) }
    guard parts.name.utf8.count <= LambdaLimits.nameLength else { throw LambdaError.functionNameTooLong(parts.name) }
    if let other = parts.region, other != region.text { throw LambdaError.otherRegion(other, here: region) }
    if let qualifier, !qualifier.isEmpty {
      guard parts.qualifier == nil || parts.qualifier == qualifier else { throw LambdaError.qualifierMismatch() }
      parts.qualifier = qualifier
    }
    if let qualifier = parts.qualifier, !Self.isQualifier(qualifier) { throw LambdaError.badQualifier(qualifier) }
    let owner = try parts.account.map { text in
      guard let account = AccountID(text) else { throw LambdaError.badFunctionName(text) }
      return account
    }
    id = FunctionID(account: owner ?? account, region: region, name: parts.name)
    self.qualifier = parts.qualifier
  }

  private struct Parts { var region: String?, account: String?, name: String, qualifier: String? }

  private static func parts(_ text: String) -> Parts? {
    var rest = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)[...]
    var region: String?, account: String?
    if rest.first == "arn" {
      guard rest.count == 7 || rest.count == 8, rest[1].hasPrefix("aws"), rest[2] == "lambda", rest[5] == "function",
        Region(rest[3]) != nil, AccountID(rest[4]) != nil
      else { return nil }
      (region, account) = (rest[3], rest[4])
      rest = rest.dropFirst(6)
    } else {
      if rest.count > 2, let first = rest.first, isRegion(first) { region = first; rest.removeFirst() }
      if rest.count > 1, let first = rest.first, AccountID(first) != nil { account = first; rest.removeFirst() }
      if rest.count > 1, rest.first == "function" { rest.removeFirst() }
    }
    guard let name = rest.popFirst(), rest.count <= 1, isName(name), rest.first != "" else { return nil }
    return Parts(region: region, account: account, name: name, qualifier: rest.first)
  }

  private static func isRegion(_ text: String) -> Bool {
    Region(text) != nil && text.split(separator: "-").count >= 3 && text.utf8.last.map { $0 >= 48 && $0 <= 57 } == true
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    (byte >= 48 && byte <= 57) || (byte | 32 >= 97 && byte | 32 <= 122) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }

  static func isName(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isWord) }

  static func isQualifier(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count) && (text == FunctionVersion.latest || text.utf8.allSatisfy(isWord))
  }
}

extension FunctionVersion {
  static let latest = "$LATEST"
}

extension FunctionName {
  /// For names that were checked before.
  init(id: FunctionID, qualifier: String?) { (self.id, self.qualifier) = (id, qualifier) }
}
