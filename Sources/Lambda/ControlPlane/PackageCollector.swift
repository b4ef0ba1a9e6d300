import Base
import Fabric
import Store
import Synchronization

/// Removes packages that no function has needed for a while. The pause lets invocations that still run with the code end.
final class PackageCollector: Worker {
  static let grace: Duration = .minutes(30)

  let name = "lambda packages"
  let nudge = Nudge()
  private let store: any Store
  private let packages: PackageStore
  private let isSwept = Atomic(false)

  init(store: any Store, packages: PackageStore) { (self.store, self.packages) = (store, packages) }

  func turn(_ now: Instant) async throws -> NextTurn {
    if !isSwept.load(ordering: .relaxed) {
      try await markOrphans(now)
      isSwept.store(true, ordering: .relaxed)
    }
    var next: Instant?
    for (hash, since) in try await store.read({ try PackageRows($0).garbage() }) {
      guard since + Self.grace <= now else {
        next = min(next ?? since + Self.grace, since + Self.grace)
        continue
      }
      let removal = try await packages.remove(hash) { [store] in try await store.read { try PackageRows($0).isUsed(hash) } }
      if removal == .beingAdded { continue }
      try await store.transact { try PackageRows.unmark(hash, in: $0) }
    }
    return next.map { .at($0) } ?? .onNudge
  }

  /// A crash between keeping a package and writing the row that names it leaves one that nobody knows. They are looked for
  /// once, at the start.
  private func markOrphans(_ now: Instant) async throws {
    for hash in try await packages.hashes() {
      guard try await !store.read({ try PackageRows($0).isGarbage(hash) }) else { continue }
      try await store.transact { try PackageRows.markIfUnused(hash, in: $0, at: now) }
    }
  }
}
