import Base
import Fabric
import Store

/// The file of a snapshot: one line that says what it is, then frames, then the SHA-256 of everything before.
///
///     dewpoint snapshot 1\n
///     frame: kind (1 byte), length of the payload (4 bytes, big-endian), payload
///       M  manifest, JSON; the first frame
///       R  rows in the order of their keys: key and value, each with its length before it
///       B  a blob: its name (64 hex digits, the SHA-256 of its bytes), then its bytes
///       F  a piece of a file of the byte store: its name (16 bytes), then bytes; the pieces of a file stand together, in order
///       E  contents, JSON; the last frame
///     32 bytes
///
/// Rows are logical, not the files of a store, so a snapshot of any backend can be loaded into any other one.
enum SnapshotFormat {
  static let magic = Array("dewpoint snapshot 1\n".utf8)
  static let magicStart = Array("dewpoint snapshot ".utf8)
  static let digestBytes = 32
  static let blobNameBytes = 64
  /// A row of 64 MB (what a transaction may write) fits, and the largest package.
  static let maximumFrame = 256 << 20
  /// About so much goes into a frame of rows.
  static let rowBytes = 256 << 10
  static let contentType = "application/vnd.dewpoint.snapshot"

  enum Kind: UInt8 {
    case manifest = 0x4d
    case rows = 0x52
    case blob = 0x42
    case file = 0x46
    case end = 0x45
  }
}

/// When and by whom a snapshot was made.
struct SnapshotManifest: Sendable, Equatable {
  var version: String
  /// Real time.
  var savedAt: Instant
  /// The clock goes on from here when the snapshot is loaded.
  var clock: AdjustableClock.Mode

  var json: JSON { ["version": .string(version), "savedAt": .int(savedAt.milliseconds), "clock": clock.json] }

  init(version: String, savedAt: Instant, clock: AdjustableClock.Mode) {
    (self.version, self.savedAt, self.clock) = (version, savedAt, clock)
  }
  init(json: JSON) throws {
    guard let version = json["version"]?.string, let savedAt = json["savedAt"]?.int,
      let clock = json["clock"].flatMap(AdjustableClock.Mode.init(json:))
    else { throw SnapshotError.damaged("its manifest is incomplete") }
    self.init(version: version, savedAt: Instant(milliseconds: savedAt), clock: clock)
  }
}

/// What a snapshot holds.
struct SnapshotContents: Sendable, Equatable {
  var rows = 0
  var bytes = 0
  var blobs = 0
  var blobBytes = 0
  var files = 0
  var fileBytes = 0
  /// How many resources of a kind an account has.
  var resources: [String: [String: Int]] = [:]

  mutating func count(_ key: Key, _ value: [UInt8], _ inventory: [InventoryItem]) {
    rows += 1
    bytes += key.bytes.count + value.count
    for item in inventory where key.hasPrefix(item.prefix) {
      var parts = KeyReader(key, after: item.prefix)
      if let account = try? parts.string() { resources[account, default: [:]][item.name, default: 0] += 1 }
    }
  }

  var json: JSON {
    let accounts = resources.sorted { $0.key < $1.key }.map { account, kinds in
      (account, JSON.object(JSONObject(kinds.sorted { $0.key < $1.key }.map { ($0.key, JSON($0.value)) })))
    }
    return [
      "rows": JSON(rows), "bytes": JSON(bytes), "blobs": JSON(blobs), "blobBytes": JSON(blobBytes),
      "files": JSON(files), "fileBytes": JSON(fileBytes), "resources": .object(JSONObject(accounts)),
    ]
  }

  init() {}
  init(json: JSON) throws {
    guard let rows = json["rows"]?.int, let bytes = json["bytes"]?.int, let blobs = json["blobs"]?.int,
      let blobBytes = json["blobBytes"]?.int, let accounts = json["resources"]?.object
    else { throw SnapshotError.damaged("its table of contents is incomplete") }
    (self.rows, self.bytes, self.blobs, self.blobBytes) = (Int(rows), Int(bytes), Int(blobs), Int(blobBytes))
    // Not in snapshots of versions without S3.
    (files, fileBytes) = (json["files"]?.int.map { Int($0) } ?? 0, json["fileBytes"]?.int.map { Int($0) } ?? 0)
    for (account, kinds) in accounts {
      for (name, count) in kinds.object ?? JSONObject() { resources[account, default: [:]][name] = count.int.map { Int($0) } }
    }
  }
}

/// Why bytes are not taken for a snapshot.
enum SnapshotError: Error, CustomStringConvertible, Equatable {
  case foreign
  case newer(String)
  case truncated
  case damaged(String)

  var description: String {
    switch self {
    case .foreign: "this is not a snapshot of Dewpoint"
    case .newer(let format): "this snapshot has the format \(format), which this version does not know: use a newer dewpoint"
    case .truncated: "the snapshot is cut off: it does not reach its end"
    case .damaged(let what): "the snapshot is damaged: \(what)"
    }
  }
}
