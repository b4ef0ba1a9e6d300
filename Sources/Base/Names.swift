/// A 12-digit AWS account number.
public struct AccountID: Hashable, Sendable, CustomStringConvertible, Comparable {
  public let text: String

  /// Nil unless the text is twelve decimal digits.
  @inlinable public init?(_ text: some StringProtocol) { self.init(whole: String(text)) }
  @usableFromInline init?(whole text: String) {
    guard text.utf8.count == 12, text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
    self.text = text
  }
  private init(known: String) { text = known }

  /// The account of every unknown access key in the local mode.
  public static let local = AccountID(known: "000000000000")

  public var description: String { text }
  public static func < (a: AccountID, b: AccountID) -> Bool { a.text < b.text }
}

/// A Region name such as `us-east-1`. Any well-formed name is accepted: state is simply kept apart by it.
public struct Region: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  /// Nil unless the text is 1 to 32 lower-case letters, digits and hyphens.
  @inlinable public init?(_ text: some StringProtocol) { self.init(whole: String(text)) }
  @usableFromInline init?(whole text: String) {
    guard !text.isEmpty, text.utf8.count <= 32,
      text.utf8.allSatisfy({ ($0 >= 97 && $0 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 45 })
    else { return nil }
    self.text = text
  }
  private init(known: String) { text = known }

  public static let usEast1 = Region(known: "us-east-1")
  /// Stands for the Region in the state of services that have none (IAM, STS).
  public static let global = Region(known: "global")

  public var description: String { text }
}

/// An Amazon Resource Name: `arn:partition:service:region:account:resource`.
public struct ARN: Hashable, Sendable, CustomStringConvertible {
  public var partition: String
  public var service: String
  public var region: String
  public var account: String
  public var resource: String

  public init(partition: String = "aws", service: String, region: String, account: String, resource: String) {
    (self.partition, self.service, self.region, self.account, self.resource) = (partition, service, region, account, resource)
  }
  public init(_ service: String, _ region: Region, _ account: AccountID, _ resource: String) {
    self.init(service: service, region: region == .global ? "" : region.text, account: account.text, resource: resource)
  }

  /// Nil when the text has fewer than six parts or does not begin with `arn`.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
    guard parts.count == 6, parts[0] == "arn", !parts[1].isEmpty, !parts[2].isEmpty, !parts[5].isEmpty else { return nil }
    self.init(
      partition: String(parts[1]), service: String(parts[2]), region: String(parts[3]), account: String(parts[4]),
      resource: String(parts[5]))
  }

  public var description: String { "arn:\(partition):\(service):\(region):\(account):\(resource)" }
  public var text: String { description }
}
