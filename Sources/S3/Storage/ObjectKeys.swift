import Base
import Store

// The keys of what lies in buckets.
//
//   current    "v" bucket 0 key              → ObjectVersion     the newest version or delete marker of a key
//   older      "v" bucket 1 key -sequence    → ObjectVersion     those before it, the newest first
//   null       "n" bucket key                → sequence          which of the older ones has the version `null`
//   content    "y" bucket id                 → Content           the bytes of an object or a part, or where they are
//   upload     "u" bucket key id             → MultipartUpload   by the time of its beginning, which its id begins with
//   part       "p" bucket upload number      → UploadPart
//   completed  "w" bucket upload             → CompletedUpload   what a repeated CompleteMultipartUpload gets again
//   forget     "e" time bucket upload        → -                 when "completed" rows end
//   file       "f" file                      → how many pieces of content are in it; a file without is nobody's
//   unused     "z" file                      → -                 files that a collector deletes
//
// Strings sort by their bytes, as S3 lists keys.
extension Keys {
  static func current(_ bucket: Int64, _ key: String) -> Key { versions(of: bucket).appending(0, key) }
  private static func allCurrent(_ bucket: Int64) -> Key { versions(of: bucket).appending(0) }
  static func currentName(_ key: Key, _ bucket: Int64) throws -> String {
    var reader = KeyReader(key, after: allCurrent(bucket))
    return try reader.string()
  }

  private static func allOlder(_ bucket: Int64) -> Key { versions(of: bucket).appending(1) }
  static func older(_ bucket: Int64, _ key: String, _ sequence: Int64) -> Key { allOlder(bucket).appending(key, -sequence) }
  static func older(_ bucket: Int64, _ key: String) -> Key { allOlder(bucket).appending(key) }
  static func olderPlace(_ key: Key, _ bucket: Int64) throws -> (key: String, sequence: Int64) {
    var reader = KeyReader(key, after: allOlder(bucket))
    return (try reader.string(), -(try reader.int()))
  }

  private static let nulls = root.appending("n")
  static func nulls(of bucket: Int64) -> Key { nulls.appending(bucket) }
  static func null(_ bucket: Int64, _ key: String) -> Key { nulls(of: bucket).appending(key) }

  private static let contents = root.appending("y")
  static func content(_ bucket: Int64, _ id: ContentID) -> Key {
    // Nothing sorts by it, so its bytes stand as they are.
    var key = contents.appending(bucket)
    key.bytes += id.bytes
    return key
  }

  private static let uploads = root.appending("u")
  static func uploads(of bucket: Int64) -> Key { uploads.appending(bucket) }
  static func upload(_ bucket: Int64, _ key: String, _ id: String) -> Key { uploads(of: bucket).appending(key, id) }
  static func uploadPlace(_ key: Key, _ bucket: Int64) throws -> (key: String, id: String) {
    var reader = KeyReader(key, after: uploads(of: bucket))
    return (try reader.string(), try reader.string())
  }

  private static let parts = root.appending("p")
  static func parts(_ bucket: Int64, _ upload: String) -> Key { parts.appending(bucket, upload) }
  static func part(_ bucket: Int64, _ upload: String, _ number: Int) -> Key { parts(bucket, upload).appending(number) }
  static func partNumber(_ key: Key, _ bucket: Int64, _ upload: String) throws -> Int {
    var reader = KeyReader(key, after: parts(bucket, upload))
    return Int(try reader.int())
  }

  private static let completed = root.appending("w")
  static func completed(of bucket: Int64) -> Key { completed.appending(bucket) }
  static func completed(_ bucket: Int64, _ upload: String) -> Key { completed(of: bucket).appending(upload) }
  private static let forgets = root.appending("e")
  static func forget(at time: Instant, _ bucket: Int64, _ upload: String) -> Key { forgets.appending(time, bucket, upload) }
  static let allForgets = KeyRange(prefix: forgets)
  static func forgets(before time: Instant) -> KeyRange { KeyRange(forgets, forgets.appending(time)) }
  static func forgotten(_ key: Key) throws -> (time: Instant, bucket: Int64, upload: String) {
    var reader = KeyReader(key, after: forgets)
    return (try reader.instant(), try reader.int(), try reader.string())
  }

  private static let files = root.appending("f")
  static func file(_ id: ByteStoreID) -> Key { Key(bytes: files.bytes + id.bytes) }
  private static let unused = root.appending("z")
  static func unused(_ id: ByteStoreID) -> Key { Key(bytes: unused.bytes + id.bytes) }
  static let allUnused = KeyRange(prefix: unused)
  static func unusedFile(_ key: Key) throws -> ByteStoreID {
    guard let id = ByteStoreID(Array(key.bytes.dropFirst(unused.bytes.count))) else { throw StoreError.corrupt("key of an unused file") }
    return id
  }

  // Ranges of lists. A place is where a page goes on: a key, or all keys that begin with something, to be left behind.

  enum Place: Sendable, Equatable {
    case from(String)
    case after(String)
    /// All keys that begin with it were told as one.
    case afterAll(String)
  }

  /// Current versions whose keys begin with a prefix, from a place on.
  static func current(_ bucket: Int64, prefix: String, _ place: Place?) -> KeyRange { range(allCurrent(bucket), prefix, place) }
  /// Older versions, likewise.
  static func older(_ bucket: Int64, prefix: String, _ place: Place?) -> KeyRange { range(allOlder(bucket), prefix, place) }
  static func uploads(_ bucket: Int64, prefix: String, _ place: Place?) -> KeyRange { range(uploads(of: bucket), prefix, place) }

  private static func range(_ home: Key, _ prefix: String, _ place: Place?) -> KeyRange {
    let open = open(home, prefix)
    let lower: Key =
      switch place {
      case nil: open
      case .from(let key): home.appending(key)
      case .after(let key): home.appending(key).end
      case .afterAll(let group): Self.open(home, group).end
      }
    return KeyRange(max(open, lower), prefix.isEmpty ? home.end : open.end)
  }
  /// Without the end mark of the string, so that longer ones match.
  private static func open(_ home: Key, _ prefix: String) -> Key {
    var key = home.appending(prefix)
    key.bytes.removeLast()
    return key
  }
}
