import Base
import Store

/// Functions with their versions, aliases and settings.
struct FunctionRows {
  let reader: any Reader
  init(_ reader: any Reader) { self.reader = reader }

  func function(_ id: FunctionID) throws -> StoredFunction? {
    try reader.get(Keys.function(id)).map { try StoredFunction(row: $0) }
  }

  /// - Throws: `ResourceNotFoundException`, which names the function and the qualifier that was asked for.
  func required(_ name: FunctionName) throws -> StoredFunction {
    guard let function = try function(name.id) else { throw LambdaError.functionNotFound(name.arn) }
    return function
  }

  /// What the name stands for: `$LATEST` as configured, a version, or that which an alias points at.
  func version(_ name: FunctionName) throws -> (version: FunctionVersion, alias: Alias?) {
    let function = try required(name)
    guard let qualifier = name.qualifier, qualifier != FunctionVersion.latest else { return (function.latest, nil) }
    if let number = Int(qualifier) {
      guard let version = try version(name.id, number) else { throw LambdaError.functionNotFound(name.arn) }
      return (version, nil)
    }
    guard let alias = try alias(name.id, qualifier) else { throw LambdaError.functionNotFound(name.arn) }
    let target = FunctionName(id: name.id, qualifier: alias.version)
    return (try version(target).version, alias)
  }

  func version(_ id: FunctionID, _ number: Int) throws -> FunctionVersion? {
    try reader.get(Keys.version(id, number)).map { bytes in
      var row = try RowReader(bytes)
      return try FunctionVersion(from: &row)
    }
  }

  func versions(_ id: FunctionID) throws -> [FunctionVersion] {
    try reader.entries(KeyRange(prefix: Keys.versions(id))).map { entry in
      var row = try RowReader(entry.value)
      return try FunctionVersion(from: &row)
    }
  }

  func alias(_ id: FunctionID, _ name: String) throws -> Alias? {
    try reader.get(Keys.alias(id, name)).map { try Alias(row: $0, function: id, name: name) }
  }

  func aliases(_ id: FunctionID) throws -> [Alias] {
    let prefix = Keys.aliases(id)
    return try reader.entries(KeyRange(prefix: prefix)).map { entry in
      var key = KeyReader(entry.key, after: prefix)
      return try Alias(row: entry.value, function: id, name: try key.string())
    }
  }

  func settings(_ id: FunctionID, _ qualifier: String?) throws -> EventInvokeSettings? {
    try reader.get(Keys.settings(id, qualifier ?? FunctionVersion.latest)).map { try EventInvokeSettings(row: $0) }
  }

  func page(_ account: AccountID, _ region: Region, after marker: String?, limit: Int) throws -> Page<StoredFunction> {
    try Marker.page(reader, Keys.functions(account, region), after: marker, limit: limit) { try StoredFunction(row: $1) }
  }

  /// Calls the body with each function of an account and Region.
  func each(_ account: AccountID, _ region: Region, _ body: (StoredFunction) throws -> Void) throws {
    try each(Keys.functions(account, region), body)
  }

  /// Calls the body with each function of all accounts.
  func each(_ body: (StoredFunction) throws -> Void) throws { try each(Keys.functions, body) }

  private func each(_ prefix: Key, _ body: (StoredFunction) throws -> Void) throws {
    try reader.scan(KeyRange(prefix: prefix)) { _, value in
      try body(try StoredFunction(row: value))
      return true
    }
  }

  /// The runtimes that functions of all accounts use; of many functions the first thousand are looked at.
  func runtimes() throws -> Set<String> {
    var (found, seen): (Set<String>, Int) = ([], 0)
    try reader.scan(KeyRange(prefix: Keys.functions)) { _, value in
      found.insert(try FunctionVersion.runtime(ofRow: value))
      seen += 1
      return seen < 1000
    }
    return found
  }

  /// Functions of all accounts whose creation or update is under way.
  func inProgress() throws -> [FunctionID] {
    try reader.entries(KeyRange(prefix: Keys.progress)).map { entry in
      var key = KeyReader(entry.key, after: Keys.progress)
      guard let account = AccountID(try key.string()), let region = Region(try key.string()) else {
        throw StoreError.corrupt("function id")
      }
      return FunctionID(account: account, region: region, name: try key.string())
    }
  }
}

extension FunctionRows {
  /// Saves a function, notes which packages it needs, and whether the activation worker has to look at it.
  /// - Parameter old: what was stored before, as this transaction read it.
  static func save(_ function: StoredFunction, replacing old: StoredFunction?, in tx: any Transaction, at now: Instant) throws {
    try tx.set(Keys.function(function.id), function.row)
    if function.isInProgress { try tx.set(Keys.progress(function.id), []) } else { try tx.delete(Keys.progress(function.id)) }
    try moveUses(from: old.map(\.packageUses) ?? [], to: function.packageUses, of: function.latest, in: tx, at: now)
  }

  static func save(_ version: FunctionVersion, number: Int, in tx: any Transaction) throws {
    var row = RowWriter(version: FunctionVersion.rowVersion, capacity: 512)
    version.write(to: &row)
    try tx.set(Keys.version(version.id, number), row.bytes)
    for hash in version.packages { try PackageRows.use(hash, by: version, in: tx) }
  }

  static func save(_ alias: Alias, in tx: any Transaction) throws {
    try tx.set(Keys.alias(alias.function, alias.name), alias.row)
  }

  static func save(_ settings: EventInvokeSettings, of id: FunctionID, _ qualifier: String?, in tx: any Transaction) throws {
    try tx.set(Keys.settings(id, qualifier ?? FunctionVersion.latest), settings.row)
  }

  static func deleteVersion(_ version: FunctionVersion, number: Int, in tx: any Transaction, at now: Instant) throws {
    try tx.delete(Keys.version(version.id, number))
    try tx.delete(Keys.policy(version.id, version.version))
    try tx.delete(Keys.settings(version.id, version.version))
    try tx.delete(Keys.snapshot(version.id, version.version))
    try tx.delete(Keys.provisioned(version.id, version.version))
    for hash in version.packages { try PackageRows.release(hash, by: version, in: tx, at: now) }
  }

  /// Deletes the function with all that belongs to it.
  static func delete(_ function: StoredFunction, in tx: any Transaction, at now: Instant) throws {
    let id = function.id
    for version in try FunctionRows(tx).versions(id) {
      if let number = Int(version.version) { try deleteVersion(version, number: number, in: tx, at: now) }
    }
    try tx.delete(Keys.function(id))
    try tx.delete(Keys.progress(id))
    for prefix in [Keys.aliases(id), Keys.policies(id), Keys.settings(id), Keys.provisioned(id)] {
      try tx.deleteAll(KeyRange(prefix: prefix))
    }
    try URLRows.deleteAll(of: id, in: tx)
    try moveUses(from: function.packageUses, to: [], of: function.latest, in: tx, at: now)
  }

  private static func moveUses(
    from old: Set<String>, to new: Set<String>, of version: FunctionVersion, in tx: any Transaction, at now: Instant
  ) throws {
    for hash in new { try PackageRows.use(hash, by: version, in: tx) }
    for hash in old.subtracting(new) { try PackageRows.release(hash, by: version, in: tx, at: now) }
  }
}

extension StoredFunction {
  /// The packages that `$LATEST` needs: its own and those of what still serves.
  fileprivate var packageUses: Set<String> { latest.packages.union(serving?.packages ?? []) }
}

extension FunctionVersion {
  /// The code and the layers. A directory of the host is no package.
  var packages: Set<String> { Set((hotReloadDirectory == nil ? [codeHash] : []) + layers.map(\.codeHash)) }
}
