import Base

/// Who works on something now. A lease that is not renewed ends by itself, so a process that dies holds nothing for long.
///
/// Key: (prefix, name) → owner, until.
public struct Lease: Sendable {
  public struct Holder: Sendable, Equatable {
    public var owner: String
    public var until: Instant
    public init(owner: String, until: Instant) { (self.owner, self.until) = (owner, until) }
  }

  public let prefix: Key
  public init(_ prefix: Key) { self.prefix = prefix }

  /// True when the owner has the lease from here on: it was free, has ended, or is the owner's own.
  public func acquire(
    _ name: String, owner: String, until: Instant, now: Instant, _ transaction: any Transaction
  ) throws -> Bool {
    if let holder = try holder(name, now: now, transaction), holder.owner != owner { return false }
    try save(name, Holder(owner: owner, until: until), transaction)
    return true
  }

  /// Extends a lease that the owner still has. False when it has ended, even if nobody else took it: what was guarded
  /// may have been seen unguarded, so the owner starts again with `acquire`.
  public func renew(
    _ name: String, owner: String, until: Instant, now: Instant, _ transaction: any Transaction
  ) throws -> Bool {
    guard try holder(name, now: now, transaction)?.owner == owner else { return false }
    try save(name, Holder(owner: owner, until: until), transaction)
    return true
  }

  /// Gives the lease back. Nothing happens when another owner has it.
  public func release(_ name: String, owner: String, _ transaction: any Transaction) throws {
    guard try stored(name, transaction)?.owner == owner else { return }
    try transaction.delete(prefix.appending(name))
  }

  /// Who has the lease now. At its end time a lease is over.
  public func holder(_ name: String, now: Instant, _ reader: any Reader) throws -> Holder? {
    guard let holder = try stored(name, reader), now < holder.until else { return nil }
    return holder
  }

  private func stored(_ name: String, _ reader: any Reader) throws -> Holder? {
    guard let bytes = try reader.get(prefix.appending(name)) else { return nil }
    var row = try RowReader(bytes)
    return Holder(owner: try row.string(), until: try row.instant())
  }

  private func save(_ name: String, _ holder: Holder, _ transaction: any Transaction) throws {
    var row = RowWriter(capacity: holder.owner.utf8.count + 16)
    row.string(holder.owner)
    row.instant(holder.until)
    try transaction.set(prefix.appending(name), row.bytes)
  }
}
