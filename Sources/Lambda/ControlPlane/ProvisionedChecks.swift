import Base
import Fabric
import Store

/// What may be provisioned for what (AWS: "Configuring provisioned concurrency for a function").
extension ControlPlane {
  /// A version is provisioned once: by itself or by one alias. An alias with weights keeps what it had before them.
  static func checkTarget(_ name: FunctionName, _ qualifier: String, _ reader: any Reader) throws {
    let rows = FunctionRows(reader)
    let configs = try ProvisionedRows(reader).configs(name.id)
    let version: FunctionVersion
    if let number = Int(qualifier), String(number) == qualifier {
      guard let found = try rows.version(name.id, number) else { throw LambdaError.functionNotFound(name.arn) }
      version = found
      guard try aliases(name.id, configs, pointingAt: qualifier, rows).isEmpty else { throw LambdaError.versionProvisionedByAlias() }
    } else {
      let alias = try rows.alias(name.id, qualifier).orThrow(LambdaError.noAlias("\(name.id.arn):\(qualifier)"))
      guard let number = Int(alias.version) else { throw LambdaError.provisionedOnLatest() }
      guard alias.routing == nil else { throw LambdaError.provisionedWithWeights() }
      guard let found = try rows.version(name.id, number) else { throw LambdaError.functionNotFound(name.arn) }
      version = found
      guard try isFree(alias, configs, rows) else { throw LambdaError.versionProvisioned() }
    }
    if version.hasSnapStart { throw LambdaError.provisionedWithSnapStart() }
  }

  /// What is provisioned moves with the alias: to versions for which nothing else is, and never to `$LATEST`. While there are
  /// weights, they move between the two versions that there are.
  static func checkProvisioned(_ alias: Alias, replacing old: Alias, _ reader: any Reader) throws {
    let configs = try ProvisionedRows(reader).configs(alias.function)
    guard configs[alias.name] != nil else { return }
    guard alias.version != FunctionVersion.latest else { throw LambdaError.badProvisionedAlias() }
    if let before = old.routing, let after = alias.routing {
      guard Set([old.version, before.version]) == [alias.version, after.version] else { throw LambdaError.badProvisionedAlias() }
    }
    guard try isFree(alias, configs, FunctionRows(reader)) else { throw LambdaError.versionProvisioned() }
  }

  /// Nothing but the alias itself provisions its versions.
  private static func isFree(_ alias: Alias, _ configs: [String: ProvisionedConcurrency], _ rows: FunctionRows) throws -> Bool {
    try [alias.version, alias.routing?.version].allSatisfy { version in
      guard let version else { return true }
      return try configs[version] == nil
        && aliases(alias.function, configs, pointingAt: version, rows).allSatisfy { $0 == alias.name }
    }
  }

  private static func aliases(
    _ id: FunctionID, _ configs: [String: ProvisionedConcurrency], pointingAt version: String, _ rows: FunctionRows
  ) throws -> [String] {
    try configs.keys.filter { Int($0) == nil }.filter { try rows.alias(id, $0)?.pointsAt(version) == true }
  }

  /// It must fit into the function's reservation, or else into what the account leaves to those without one.
  static func check(
    _ config: ProvisionedConcurrency, of id: FunctionID, _ qualifier: String, _ limits: AccountLimits, _ reader: any Reader
  ) throws {
    let siblings = try ProvisionedRows(reader).configs(id).filter { $0.key != qualifier }.values.reduce(0) { $0 + $1.requested }
    if let reserved = try FunctionRows(reader).function(id)?.reservedConcurrency {
      guard siblings + config.requested <= reserved else { throw LambdaError.provisionedAboveReservation() }
      return
    }
    let left = limits.concurrency - siblings - (try setAside(id.account, id.region, except: id, reader))
    guard config.requested <= left else { throw LambdaError.provisionedAboveAccount(left) }
    guard left - config.requested >= limits.unreservedConcurrency else { throw LambdaError.provisionedTooLarge(limits) }
  }

  /// What functions of an account and Region keep from each other: what they reserve, or else have provisioned.
  static func setAside(
    _ account: AccountID, _ region: Region, except excluded: FunctionID? = nil, _ reader: any Reader
  ) throws -> Int {
    let provisioned = try ProvisionedRows(reader).sums(account, region)
    var sum = 0
    try FunctionRows(reader).each(account, region) { function in
      guard function.id != excluded else { return }
      sum += function.reservedConcurrency ?? provisioned[function.id.name] ?? 0
    }
    return sum
  }
}
