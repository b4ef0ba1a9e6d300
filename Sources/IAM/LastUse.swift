import Base
import Fabric
import Store

/// When and for which service a key or role was last used.
struct LastUse: Sendable, Equatable {
  var time: Instant
  var service: String
  var region: String

  var row: [UInt8] {
    var w = RowWriter()
    w.instant(time)
    w.string(service)
    w.string(region)
    return w.bytes
  }
  /// Calls to services without Regions count as us-east-1, and times are whole seconds, as AWS shows them.
  init(_ call: Call) {
    (time, service) = (Instant(seconds: call.now.seconds), call.service)
    region = call.region == .global ? Region.usEast1.text : call.region.text
  }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    (time, service, region) = (try r.instant(), try r.string(), try r.string())
  }
}

/// Writes last-used times down once a minute: AWS's are some minutes late too, and a write for each call would cost more
/// than the call.
struct LastUseWorker: Worker {
  let name = "iam last use"
  let nudge = Nudge()
  let store: any Store
  let cache: IdentityCache

  func turn(_ now: Instant) async throws -> NextTurn {
    let uses = cache.takeUses()
    if !uses.isEmpty {
      try await store.transact { tx in
        for (id, use) in uses { try tx.set(IAMKeys.lastUse(id), use.row) }
      }
    }
    return .at(now + .minutes(1))
  }
}

extension IAMService {
  /// Of an access key by its id, or of a role by its unique id.
  func lastUse(_ id: String) async throws -> LastUse? {
    if let use = cache.lastUse(id) { return use }
    return try await store.read { try $0.get(IAMKeys.lastUse(id)).map(LastUse.init(row:)) }
  }
}
