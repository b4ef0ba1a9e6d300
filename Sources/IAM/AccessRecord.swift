import Base
import Fabric
import Store
import Synchronization

/// What each user and role really does, from which `dewpoint iam generate` makes the least policy.
///
/// A call that is known already costs one hash and one look-up and allocates nothing. What is new waits in memory until the
/// worker writes it down; a crash loses at most a minute, and what happens again is recorded again.
final class AccessRecord: Sendable {
  struct PrincipalUse: Sendable {
    let account: AccountID
    var actions: [String: ActionUse] = [:]
    /// The actions to be written down.
    var fresh: Set<String> = []
  }
  fileprivate struct State {
    var principals: [String: PrincipalUse] = [:]
    /// Of resources in memory, refused ones included.
    var size = 0
    /// When each principal, action and resource was last noted, by the hash of all three. Two with the same 64 bits would be
    /// one to us; among so few that does not happen.
    var known: [Int: Int64] = [:]
  }
  private let state = Mutex(State())
  let nudge = Nudge()

  /// By the unique id of the user or role; roots and services need no policies.
  func note(_ principal: Principal, _ access: Access, isAllowed: Bool, at now: Instant) {
    let (id, account): (String, AccountID)
    switch principal {
    case .user(let owner, _, _, let user): (id, account) = (user, owner)
    case .role(let session): (id, account) = (session.roleID, session.account)
    case .root, .federated, .service, .anonymous: return
    }
    var hasher = Hasher()
    hasher.combine(id)
    hasher.combine(access.action)
    hasher.combine(access.resource)
    hasher.combine(isAllowed)
    let hash = hasher.finalize()
    let isFull = state.withLock { state in
      if let last = state.known[hash], now.milliseconds - last < 60_000 { return false }
      guard state.add(id, account, access, isAllowed, now) else { return true }
      if state.known.count >= IAMLimits.recordedInMemory { state.known.removeAll(keepingCapacity: true) }
      state.known[hash] = now.milliseconds
      return false
    }
    // Full: the worker writes everything down and the record begins anew.
    if isFull { nudge.nudge() }
  }

  /// What is new since the last call. Everything is forgotten when memory is full, so that there is room again.
  func takeFresh() -> [String: PrincipalUse] {
    state.withLock { state in
      var taken: [String: PrincipalUse] = [:]
      for (id, use) in state.principals where !use.fresh.isEmpty {
        taken[id] = PrincipalUse(account: use.account, actions: use.actions.filter { use.fresh.contains($0.key) })
        state.principals[id]?.fresh = []
      }
      if state.size >= IAMLimits.recordedInMemory || state.principals.count >= IAMLimits.cachedPrincipals { state = State() }
      return taken
    }
  }

  /// After a write that failed.
  func putBack(_ taken: [String: PrincipalUse]) {
    state.withLock { state in
      for (id, use) in taken {
        var known = state.principals[id] ?? PrincipalUse(account: use.account)
        for (action, use) in use.actions {
          known.actions[action, default: use].merge(use)
          known.fresh.insert(action)
        }
        state.principals[id] = known
      }
    }
  }

  /// What is in memory of one principal.
  func actions(of id: String) -> [String: ActionUse] { state.withLock { $0.principals[id]?.actions ?? [:] } }

  func removeAll(of account: AccountID) {
    state.withLock { state in state.principals = state.principals.filter { $0.value.account != account } }
  }
  var size: Int { state.withLock { $0.size } }
}

extension AccessRecord.State {
  /// False when there is no room.
  fileprivate mutating func add(
    _ id: String, _ account: AccountID, _ access: Access, _ isAllowed: Bool, _ now: Instant
  ) -> Bool {
    guard size < IAMLimits.recordedInMemory, principals.count < IAMLimits.cachedPrincipals || principals[id] != nil else {
      return false
    }
    var principal = principals.removeValue(forKey: id) ?? AccessRecord.PrincipalUse(account: account)
    defer { principals[id] = principal }
    guard principal.actions[access.action] != nil || principal.actions.count < IAMLimits.recordedActions else { return true }
    var use = principal.actions.removeValue(forKey: access.action) ?? ActionUse(last: now)
    if !use.knows(access.resource, isAllowed) {
      use.insert(access.resource, isAllowed)
      size += 1
    }
    use.last = max(use.last, now)
    principal.actions[access.action] = use
    principal.fresh.insert(access.action)
    return true
  }
}

/// Writes the record down.
struct AccessRecordWorker: Worker {
  let name = "iam access record"
  let store: any Store
  let record: AccessRecord
  var nudge: Nudge { record.nudge }

  func turn(_ now: Instant) async throws -> NextTurn {
    let taken = record.takeFresh()
    if !taken.isEmpty {
      do {
        try await store.transact { tx in
          for (id, use) in taken { try IAMChanges(tx: tx, account: use.account).save(use.actions, of: id) }
        }
      } catch {
        record.putBack(taken)
        throw error
      }
    }
    return .at(now + .minutes(1))
  }
}

extension IAMChanges {
  /// Adds to what is recorded of a user or role; of one that is gone nothing is kept.
  func save(_ uses: [String: ActionUse], of id: String) throws {
    guard try entity(id: id) != nil else { return }
    var room = IAMLimits.recordedActions - (try accessRecord(of: id)).count
    for (action, use) in uses.sorted(by: { $0.key < $1.key }) {
      let key = IAMKeys.access(account, id, action)
      if let row = try reader.get(key) {
        var known = try ActionUse(row: row)
        known.merge(use)
        try tx.set(key, known.row)
      } else if room > 0 {
        room -= 1
        try tx.set(key, use.row)
      }
    }
  }
}

extension IAMService {
  /// By action, what is written down and what is not yet.
  func accessRecord(of entity: Entity) async throws -> [String: ActionUse] {
    var uses = try await read(entity.account) { try $0.accessRecord(of: entity.id) }
    for (action, use) in record.actions(of: entity.id) { uses[action, default: use].merge(use) }
    return uses
  }
}
