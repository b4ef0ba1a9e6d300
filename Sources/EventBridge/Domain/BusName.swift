import Base
import Fabric

/// An event bus by account, Region and name.
struct BusName: Hashable, Sendable {
  static let defaultName = "default"

  var account: AccountID
  var region: Region
  var name: String

  init(account: AccountID, region: Region, name: String = defaultName) {
    (self.account, self.region, self.name) = (account, region, name)
  }

  /// Nil when the ARN names no event bus.
  init?(_ arn: ARN) {
    guard arn.service == "events", let account = AccountID(arn.account), let region = Region(arn.region),
      arn.resource.hasPrefix("event-bus/"), arn.resource.utf8.count > 10
    else { return nil }
    self.init(account: account, region: region, name: String(arn.resource.dropFirst(10)))
  }

  /// A name of the caller's own, the ARN of anybody's; nothing means the default one.
  init(_ text: String?, _ call: Call) {
    if let text, let arn = ARN(text), let bus = BusName(arn) {
      self = bus
    } else {
      self.init(account: call.account, region: call.region, name: text ?? Self.defaultName)
    }
  }

  var isDefault: Bool { name == Self.defaultName }
  var arn: ARN { ARN("events", region, account, "event-bus/\(name)") }
}

/// A rule by its bus and its name.
struct RuleName: Hashable, Sendable {
  var bus: BusName
  var name: String

  init(_ bus: BusName, _ name: String) { (self.bus, self.name) = (bus, name) }

  /// Nil when the ARN names no rule. Names of buses may have slashes, names of rules have none.
  init?(_ arn: ARN) {
    guard arn.service == "events", let account = AccountID(arn.account), let region = Region(arn.region),
      arn.resource.hasPrefix("rule/")
    else { return nil }
    let rest = arn.resource.dropFirst(5)
    let slash = rest.lastIndex(of: "/")
    let name = slash.map { rest[rest.index(after: $0)...] } ?? rest
    guard !name.isEmpty else { return nil }
    let bus = slash.map { String(rest[..<$0]) } ?? BusName.defaultName
    self.init(BusName(account: account, region: region, name: bus), String(name))
  }

  var arn: ARN { ARN("events", bus.region, bus.account, "rule/" + (bus.isDefault ? "" : bus.name + "/") + name) }
}

/// Something else of EventBridge that an account has in a Region: an archive, a replay, a connection, an API destination.
struct ResourceName: Hashable, Sendable {
  enum Kind: String, Sendable { case archive, replay, connection, destination = "api-destination" }

  var kind: Kind
  var account: AccountID
  var region: Region
  var name: String

  init(_ kind: Kind, _ name: String, _ account: AccountID, _ region: Region) {
    (self.kind, self.name, self.account, self.region) = (kind, name, account, region)
  }
  init(_ kind: Kind, _ name: String, _ call: Call) { self.init(kind, name, call.account, call.region) }

  /// Connections and API destinations have a random id behind their name, which is not looked at here.
  init?(_ arn: ARN, _ kind: Kind) {
    guard arn.service == "events", let account = AccountID(arn.account), let region = Region(arn.region),
      arn.resource.hasPrefix(kind.rawValue + "/")
    else { return nil }
    let parts = arn.resource.split(separator: "/", omittingEmptySubsequences: false)
    let hasID = kind == .connection || kind == .destination
    guard parts.count == (hasID ? 3 : 2), parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    self.init(kind, String(parts[1]), account, region)
  }

  /// - Parameter id: what connections and API destinations have at the end.
  func arn(_ id: String? = nil) -> ARN {
    ARN("events", region, account, "\(kind.rawValue)/\(name)" + (id.map { "/" + $0 } ?? ""))
  }
}
