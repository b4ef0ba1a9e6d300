import Base
import Fabric
import Synchronization

/// What the hottest paths need in memory: verified keys, the compiled policies of principals, compiled documents.
///
/// IAM's own writes empty it. A load that was under way during a write carries the old generation and is not kept,
/// so nothing that a write changed survives it.
final class IdentityCache: Sendable {
  struct KnownKey: Sendable {
    var token: String?
    /// Nil: IAM knows the key and refuses it, or does not know it at all.
    var outcome: Outcome
    var expires: Instant
  }
  enum Outcome: Sendable {
    case identity(KeyIdentity)
    case refused
    case neverIssued
  }
  /// The same text may be well-formed in one place and malformed in another.
  private struct DocumentKey: Hashable {
    var text: String
    var kind: PolicyDocument.Kind
  }
  private struct State {
    var generation: UInt64 = 0
    var principals: [String: PolicySet] = [:]
    var keys: [String: KnownKey] = [:]
    var documents: [DocumentKey: PolicyDocument?] = [:]
    var documentBytes = 0
    var uses: [String: LastUse] = [:]
    var epochs: [AccountID: Int] = [:]
    var hits = 0
    var misses = 0
  }
  private static let documentByteLimit = 8 << 20
  private let state = Mutex(State())

  var generation: UInt64 { state.withLock { $0.generation } }

  /// After every committed write.
  func invalidate() {
    state.withLock {
      $0.generation &+= 1
      $0.principals.removeAll(keepingCapacity: true)
      $0.keys.removeAll(keepingCapacity: true)
      $0.epochs.removeAll(keepingCapacity: true)
    }
  }

  var sizes: (principals: Int, documents: Int, hits: Int, misses: Int) {
    state.withLock { ($0.principals.count, $0.documents.count, $0.hits, $0.misses) }
  }

  func epoch(_ account: AccountID) -> Int? { state.withLock { $0.epochs[account] } }
  func keep(epoch: Int, _ account: AccountID, loadedAt generation: UInt64) {
    state.withLock {
      guard $0.generation == generation else { return }
      if $0.epochs.count >= IAMLimits.cachedIdentities { $0.epochs.removeAll(keepingCapacity: true) }
      $0.epochs[account] = epoch
    }
  }

  func key(_ id: String) -> KnownKey? { state.withLock { $0.keys[id] } }
  func keep(_ key: KnownKey, _ id: String, loadedAt generation: UInt64) {
    state.withLock {
      guard $0.generation == generation else { return }
      if $0.keys.count >= IAMLimits.cachedIdentities { $0.keys.removeAll(keepingCapacity: true) }
      $0.keys[id] = key
    }
  }

  /// The policies of a user or role by its unique id; notes the use of the key or role on the way.
  func policies(_ id: String, use: (id: String, LastUse)?) -> PolicySet? {
    state.withLock {
      if let use, $0.uses.count < IAMLimits.cachedIdentities || $0.uses[use.id] != nil { $0.uses[use.id] = use.1 }
      let known = $0.principals[id]
      if known == nil { $0.misses += 1 } else { $0.hits += 1 }
      return known
    }
  }
  func keep(_ policies: PolicySet, _ id: String, loadedAt generation: UInt64) {
    state.withLock {
      guard $0.generation == generation else { return }
      if $0.principals.count >= IAMLimits.cachedPrincipals { $0.principals.removeAll(keepingCapacity: true) }
      $0.principals[id] = policies
    }
  }

  /// The compiled document of a text; nil when it is malformed.
  func document(_ text: String, as kind: PolicyDocument.Kind) -> PolicyDocument? {
    let key = DocumentKey(text: text, kind: kind)
    if let known = state.withLock({ $0.documents[key] }) { return known }
    let document = try? PolicyDocument(text, as: kind)
    state.withLock {
      if $0.documents.count >= IAMLimits.cachedDocuments || $0.documentBytes > Self.documentByteLimit {
        $0.documents.removeAll()
        $0.documentBytes = 0
      }
      $0.documents[key] = .some(document)
      $0.documentBytes += text.utf8.count
    }
    return document
  }

  func lastUse(_ id: String) -> LastUse? { state.withLock { $0.uses[id] } }
  /// The uses since the last call, to be written down.
  func takeUses() -> [String: LastUse] {
    state.withLock { state in
      defer { state.uses.removeAll(keepingCapacity: true) }
      return state.uses
    }
  }
}
