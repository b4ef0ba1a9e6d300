import Base
import Store

extension StandardMessages {
  /// What one look into the queue found.
  struct Found {
    struct Row {
      var lane: Lane, place: DuePlace, visibility: Visibility
      var body: [UInt8]?
    }
    var receivable: [Row] = []
    var expired: [Row] = []
    var exhausted: [Row] = []
    /// Tenants whose rows are among these.
    var lanes: Set<Lane> = []
    /// Where the first of what is visible and was left is.
    var left: DuePlace?

    mutating func leave(_ place: DuePlace) { left = min(place, left ?? place) }
    var isFull: Bool { expired.count >= SQSLimits.expiredPerReceive || exhausted.count >= SQSLimits.redrivesPerReceive }
  }

  /// Takes what is due first: of quiet tenants and of messages without one in the order of their places, and only when there
  /// are too few of noisy tenants, then of the one that has the fewest in flight.
  func find(_ request: ReceiveRequest, redrive: RedrivePolicy?) throws -> Found {
    var found = Found()
    var aside: [(lane: Lane, place: DuePlace)] = []
    // Each row among "due" stands for one message at least, so no more of them are needed than messages are wanted.
    var seen = 0
    let range = Keys.due(space, from: try transaction.tally(space).head, to: .after(request.now))
    try rows.scan(range) { key, value in
      let place = try Keys.duePlace(key, space)
      guard seen < request.maximum, !found.isFull else {
        found.leave(place)
        return false
      }
      let before = found.receivable.count
      if let lane = Turn.read(value) {
        if request.noisy[lane] != nil {
          aside.append((lane, place))
          return true
        }
        try gather(lane, from: place, most: request.maximum - seen, redrive, at: request.now, &found)
      } else {
        try sort(Found.Row(lane: .none, place: place, visibility: try Visibility(value)), redrive, at: request.now, &found)
      }
      if found.receivable.count > before { seen += 1 }
      return true
    }
    cut(&found, to: request.maximum)
    try fill(&found, from: aside, request, redrive)
    try readBodies(of: &found)
    return found
  }

  /// Only of what goes out: looking over tenants meets many more rows. One without a body has been expired by the worker.
  private func readBodies(of found: inout Found) throws {
    let rows = try found.receivable.map(withBody)
    found.receivable = rows.filter { $0.body != nil }
    found.expired += rows.filter { $0.body == nil }
  }

  private func withBody(_ row: Found.Row) throws -> Found.Row {
    var row = row
    row.body = try rows.get(Keys.body(space, row.place.sequence))
    return row
  }

  /// The rows of a tenant that are visible, up to `most` receivable ones.
  private func gather(
    _ lane: Lane, from place: DuePlace, most: Int, _ redrive: RedrivePolicy?, at now: Instant, _ found: inout Found
  ) throws {
    found.lanes.insert(lane)
    let enough = found.receivable.count + most
    try rows.scan(Keys.lane(space, lane, from: place, to: .after(now))) { key, value in
      let place = try Keys.lanePlace(key, space, lane)
      guard found.receivable.count < enough, !found.isFull else {
        found.leave(place)
        return false
      }
      try sort(Found.Row(lane: lane, place: place, visibility: try Visibility(value)), redrive, at: now, &found)
      return true
    }
  }

  private func sort(_ row: Found.Row, _ redrive: RedrivePolicy?, at now: Instant, _ found: inout Found) throws {
    if row.visibility.isExpired(at: now, in: queue) {
      found.expired.append(try withBody(row))
    } else if let redrive, row.visibility.isExhausted(by: redrive) {
      let row = try withBody(row)
      if row.body == nil { found.expired.append(row) } else { found.exhausted.append(row) }
    } else {
      found.receivable.append(row)
    }
  }

  /// Tenants' rows were gathered one tenant after the other; the earliest of all go out.
  private func cut(_ found: inout Found, to maximum: Int) {
    guard !found.lanes.isEmpty else { return }
    found.receivable.sort { $0.place < $1.place }
    guard found.receivable.count > maximum else { return }
    found.leave(found.receivable[maximum].place)
    found.receivable.removeSubrange(maximum...)
  }

  private func fill(
    _ found: inout Found, from aside: [(lane: Lane, place: DuePlace)], _ request: ReceiveRequest, _ redrive: RedrivePolicy?
  ) throws {
    let wanted = request.maximum - found.receivable.count
    guard wanted > 0, !found.isFull else {
      if let first = aside.first { found.leave(first.place) }
      return
    }
    var tenants: [(flights: Int, rows: ArraySlice<Found.Row>)] = []
    for (lane, place) in aside {
      var own = Found()
      try gather(lane, from: place, most: wanted, redrive, at: request.now, &own)
      tenants.append((request.noisy[lane] ?? 0, own.receivable[...]))
      found.expired += own.expired
      found.exhausted += own.exhausted
      found.lanes.insert(lane)
      if let left = own.left { found.leave(left) }
    }
    for _ in 0..<wanted {
      let next = tenants.indices.filter { !tenants[$0].rows.isEmpty }.min { tenants[$0].flights < tenants[$1].flights }
      guard let next, let row = tenants[next].rows.popFirst() else { break }
      found.receivable.append(row)
      tenants[next].flights += 1
    }
    for tenant in tenants { if let row = tenant.rows.first { found.leave(row.place) } }
  }
}

/// A tenant's row among "due". Its version tells it from that of a message.
enum Turn {
  private static let version: UInt8 = 2

  static func row(_ lane: Lane) -> [UInt8] {
    var row = RowWriter(version: version, capacity: 12)
    row.int(lane.number)
    return row.bytes
  }
  static func read(_ bytes: [UInt8]) -> Lane? {
    guard bytes.first == version, var row = try? RowReader(bytes), let number = try? row.int64() else { return nil }
    return Lane(number: number)
  }
}

extension StandardMessages {
  private func turn(_ lane: Lane) throws -> DuePlace? { try rows.get(Keys.turn(space, lane)).map { try GroupPlace.read($0) } }

  /// A row of the tenant was put: its turn comes then, unless it comes before anyhow.
  func raiseTurn(_ lane: Lane, to place: DuePlace) throws {
    let old = try turn(lane)
    guard old.map({ place < $0 }) ?? true else { return }
    try setTurn(lane, place, old)
  }

  /// Rows of the tenant were taken away or moved back: its turn comes with the first that is left.
  /// - Parameter removed: the only one of them; nothing changes unless it was the tenant's first.
  func settle(_ lane: Lane, removed: DuePlace? = nil) throws {
    guard lane != .none, let old = try turn(lane), removed ?? old == old else { return }
    guard let first = try rows.first(Keys.lane(space, lane, from: old)) else {
      try rows.delete(Keys.due(space, old))
      try rows.delete(Keys.turn(space, lane))
      return transaction.note(.drained(lane), space)
    }
    let place = try Keys.lanePlace(first.key, space, lane)
    if place == old { try updateTally { $0.head = min($0.head, old) } } else { try setTurn(lane, place, old) }
  }

  private func setTurn(_ lane: Lane, _ place: DuePlace, _ old: DuePlace?) throws {
    if let old { try rows.delete(Keys.due(space, old)) }
    try rows.set(Keys.due(space, place), Turn.row(lane))
    try rows.set(Keys.turn(space, lane), GroupPlace.bytes(place))
    try updateTally { $0.head = min($0.head, place) }
  }
}
