import Base
import Store
import Synchronization

/// One version of an object, or a delete marker.
struct ObjectVersion: Sendable, Equatable {
  enum Kind: Sendable, Equatable {
    case marker
    case object(ObjectFacts)
  }
  /// Later versions of a key have greater ones.
  var sequence: Int64
  /// Nil: the version `null`.
  var id: String?
  var modified: Instant
  var owner: AccountID
  var kind: Kind

  var facts: ObjectFacts? { if case .object(let facts) = kind { facts } else { nil } }
  var isMarker: Bool { kind == .marker }
  /// As lists show it.
  var shownID: String { id ?? VersionID.nullText }
  /// As notifications show it.
  var sequencer: String { Array((0..<8).map { UInt8(truncatingIfNeeded: sequence >> Int64(56 - 8 * $0)) }).hex.uppercased() }
}

/// Numbers of versions and events, which go up: also of a key that is gone and comes again, and while the clock stands.
final class VersionSequence: Sendable {
  private let last = Mutex<Int64>(0)

  /// Later than every version of the key.
  func next(after newest: ObjectVersion?, at now: Instant) -> Int64 {
    last.withLock { last in
      // What the clock said later does not count once it has been set back: the key alone does.
      let floor = last / Self.perMillisecond <= now.milliseconds ? last : 0
      last = max(now.milliseconds * Self.perMillisecond, max(floor, newest?.sequence ?? 0) + 1)
      return last
    }
  }
  private static let perMillisecond: Int64 = 4096
}

/// What is known of an object's content and was said about it.
struct ObjectFacts: Sendable, Equatable {
  /// In bytes.
  var size: Int
  /// Without quotes: the MD5 of the bytes, of many parts that of their MD5s, a hyphen and their number.
  var eTag: String
  var checksum: ObjectChecksum?
  /// Where the bytes are; nil when there are none.
  var content: ContentID?
  /// Of an object of several parts.
  var partCount: Int?
  var description = ObjectDescription()
}

/// The name of a row of content. It says where the bytes are, so that small ones go without a look at the row.
struct ContentID: Hashable, Sendable {
  let bytes: [UInt8]
  var isInFiles: Bool { bytes.first == 1 }

  init(bytes: [UInt8]) { self.bytes = bytes }
  init(isInFiles: Bool, random: [UInt8]) { bytes = [isInFiles ? 1 : 0] + random }
}

/// What clients say about an object, and get back as they said it.
struct ObjectDescription: Sendable, Equatable {
  var contentType: String?
  var contentEncoding: String?
  var contentDisposition: String?
  var contentLanguage: String?
  var cacheControl: String?
  /// As it was sent.
  var expires: String?
  var redirect: String?
  /// Names in lower case.
  var metadata: [String: String] = [:]
  /// Nil: STANDARD.
  var storageClass: String?
  var encryption = ObjectEncryption()
  var tags: [ObjectTag] = []
  var lock = ObjectLock()
  /// Of an archived object; it may be over.
  var restoration: Restoration?
  /// An access control list in the coding of its own rows; nil: the owner alone.
  var acl: [UInt8]?

  static let defaultType = "binary/octet-stream"
}

struct ObjectTag: Sendable, Equatable {
  var key: String
  var value: String
}

/// The bytes of an object: in the row itself, or pieces of files.
struct Content: Sendable, Equatable {
  var inline: [UInt8]?
  var extents: [Extent] = []
  /// Of an object of several parts, in order.
  var parts: [PartFacts] = []
}

/// A piece of a file in the byte store.
struct Extent: Sendable, Equatable {
  var file: ByteStoreID
  var offset: Int
  var count: Int
}

struct PartFacts: Sendable, Equatable {
  var number: Int
  var size: Int
  /// Base64.
  var checksum: String?
}

extension Content {
  /// The pieces that make up a range of the bytes.
  func extents(_ range: Range<Int>) -> [Extent] {
    var out: [Extent] = []
    var start = 0
    for extent in extents {
      let from = max(range.lowerBound, start), to = min(range.upperBound, start + extent.count)
      if from < to { out.append(Extent(file: extent.file, offset: extent.offset + from - start, count: to - from)) }
      start += extent.count
      if start >= range.upperBound { break }
    }
    return out
  }
}
