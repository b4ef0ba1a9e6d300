import Base
import Crypto
import Store

/// Makes the bytes of a snapshot, frame by frame.
struct SnapshotWriter {
  private var hash = SHA256()

  init() {}

  mutating func start(_ manifest: SnapshotManifest) -> [UInt8] {
    hash.update(data: SnapshotFormat.magic)
    return SnapshotFormat.magic + frame(.manifest, [manifest.json.bytes])
  }

  mutating func rows(_ rows: [(key: Key, value: [UInt8])]) -> [UInt8] {
    var writer = RowWriter(capacity: rows.reduce(1) { $0 + $1.key.bytes.count + $1.value.count + 8 })
    for row in rows {
      writer.blob(row.key.bytes)
      writer.blob(row.value)
    }
    return frame(.rows, [writer.bytes])
  }

  mutating func blob(_ name: String, _ bytes: [UInt8]) -> [UInt8] { frame(.blob, [Array(name.utf8), bytes]) }

  mutating func file(_ id: ByteStoreID, _ piece: [UInt8]) -> [UInt8] { frame(.file, [id.bytes, piece]) }

  mutating func end(_ contents: SnapshotContents) -> [UInt8] {
    let last = frame(.end, [contents.json.bytes])
    return last + Array(hash.finalize())
  }

  private mutating func frame(_ kind: SnapshotFormat.Kind, _ payload: [[UInt8]]) -> [UInt8] {
    let count = payload.reduce(0) { $0 + $1.count }
    var bytes = [kind.rawValue] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) }
    bytes.reserveCapacity(count + 5)
    for part in payload { bytes += part }
    hash.update(data: bytes)
    return bytes
  }
}
