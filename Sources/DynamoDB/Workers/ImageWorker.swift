import Base
import Fabric
import Store

/// Makes images of tables, a bounded part at a time.
struct ImageWorker: Worker {
  let name = "dynamodb-images"
  let nudge = Nudge()
  private let store: any Store
  private let tables: TableCache
  /// Told when an image is complete.
  private let completed: @Sendable () -> Void

  init(_ store: any Store, _ tables: TableCache, completed: @escaping @Sendable () -> Void) {
    (self.store, self.tables, self.completed) = (store, tables, completed)
  }

  func turn(_ now: Instant) async throws -> NextTurn {
    let found = try await store.transact { rows -> TableImage? in
      var next: TableImage?
      // Complete images are passed over: there are as many as backups.
      try rows.scan(Keys.openImages) { key, _ in
        next = try TableImage.read(Keys.openImage(key), rows)
        if next == nil { try rows.delete(key) }
        return next == nil
      }
      guard let image = next else { return nil }
      return try Self.step(image, rows)
    }
    guard let found else { return .onNudge }
    if found.isComplete {
      tables.forget(found.table)
      completed()
    }
    return .soon
  }

  private static func step(_ image: TableImage, _ rows: any Transaction) throws -> TableImage {
    var image = image
    let (limit, bytes) = (DynamoDBLimits.rowsPerTurn, DynamoDBLimits.bytesPerTurn)
    switch image.phase {
    case .replaying(let next):
      let page = try Log(Keys.history(image.tableID)).read(from: next, limit: limit, bytes: bytes, rows)
      for entry in page.entries {
        let past = try PastItem(entry.bytes)
        try image.keep(past.key, past.old, rows)
      }
      image.phase = page.isAtEnd ? .copying(after: []) : .replaying(next: page.next)
    case .copying(let after):
      let (entries, isAtEnd) = try rows.page(Keys.items(image.tableID), after: after, limit: limit, bytes: bytes)
      for (key, value) in entries { try image.keep(ItemKey(bytes: key), Item(bytes: value), rows) }
      image.phase = isAtEnd ? .tidying(after: []) : .copying(after: entries.last?.key ?? after)
      if isAtEnd { try image.leaveTable(rows) }
    case .tidying(let after):
      let (entries, isAtEnd) = try rows.page(Keys.imaged(image.id), after: after, limit: limit, bytes: bytes)
      for (key, value) in entries {
        if value.first == 1 {
          image.count.items += 1
          image.count.bytes += Item(bytes: Array(value.dropFirst())).size
        } else {
          try rows.delete(Keys.imaged(image.id, ItemKey(bytes: key)))
        }
      }
      image.phase = isAtEnd ? .complete : .tidying(after: entries.last?.key ?? after)
      if isAtEnd { try rows.delete(Keys.openImage(image.id)) }
    case .complete: try rows.delete(Keys.openImage(image.id))
    }
    try image.save(rows)
    return image
  }
}
