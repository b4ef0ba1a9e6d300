import Base
import Store
import Wire

extension ObjectVersion {
  var row: [UInt8] {
    var row = RowWriter(capacity: 256)
    row.int(sequence)
    row.optional(id)
    row.instant(modified)
    row.string(owner.text)
    row.optional(facts) { $1.write(to: &$0) }
    return row.bytes
  }

  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    sequence = try row.int64()
    id = try row.optionalString()
    modified = try row.instant()
    guard let owner = AccountID(try row.string()) else { throw StoreError.corrupt("version of an object") }
    self.owner = owner
    kind = try row.optional { try ObjectFacts(&$0) }.map(Kind.object) ?? .marker
  }
}

extension ObjectFacts {
  fileprivate func write(to row: inout RowWriter) {
    row.int(size)
    row.string(eTag)
    row.optional(checksum) { row, checksum in
      row.string(checksum.algorithm.rawValue)
      row.string(checksum.kind.rawValue)
      row.string(checksum.value)
    }
    row.optional(content) { $0.blob($1.bytes) }
    row.optional(partCount)
    row.blob(description.row)
  }

  fileprivate init(_ row: inout RowReader) throws {
    size = try row.int()
    eTag = try row.string()
    checksum = try row.optional { row in
      guard let algorithm = ChecksumAlgorithm(rawValue: try row.string()), let kind = ObjectChecksum.Kind(rawValue: try row.string())
      else { throw StoreError.corrupt("checksum of an object") }
      return ObjectChecksum(algorithm: algorithm, kind: kind, value: try row.string())
    }
    content = try row.optional { ContentID(bytes: try $0.blob()) }
    partCount = try row.optionalInt()
    description = try ObjectDescription(row: try row.blob())
  }
}

extension ObjectDescription {
  /// Most objects have a type and nothing else, so what is absent takes no room: a field has its letter before it.
  var row: [UInt8] {
    var row = RowWriter(capacity: 64)
    func text(_ letter: UInt8, _ text: String?) {
      guard let text else { return }
      row.int(Int(letter))
      row.string(text)
    }
    for (letter, value) in Self.texts { text(letter, self[keyPath: value]) }
    if !metadata.isEmpty {
      row.int(Int(UInt8(ascii: "M")))
      row.map(metadata)
    }
    if encryption != ObjectEncryption() {
      row.int(Int(UInt8(ascii: "E")))
      for value in [encryption.algorithm, encryption.kmsKey, encryption.kmsContext, encryption.customerKeyMD5] { row.optional(value) }
      row.bool(encryption.usesBucketKey)
    }
    if !tags.isEmpty {
      row.int(Int(UInt8(ascii: "G")))
      row.array(tags) { $0.string($1.key); $0.string($1.value) }
    }
    if lock != ObjectLock() {
      row.int(Int(UInt8(ascii: "L")))
      row.optional(lock.retention) { $0.string($1.mode.rawValue); $0.instant($1.until) }
      row.optional(lock.legalHold) { $0.bool($1) }
    }
    if let restoration {
      row.int(Int(UInt8(ascii: "R")))
      row.instant(restoration.readyAt)
      row.instant(restoration.expiresAt)
      row.int(restoration.days)
    }
    if let acl {
      row.int(Int(UInt8(ascii: "A")))
      row.blob(acl)
    }
    return row.bytes
  }

  init(row bytes: [UInt8]) throws {
    self.init()
    var row = try RowReader(bytes)
    while !row.isAtEnd {
      let letter = UInt8(truncatingIfNeeded: try row.int())
      switch letter {
      case UInt8(ascii: "M"): metadata = try row.map()
      case UInt8(ascii: "E"):
        (encryption.algorithm, encryption.kmsKey) = (try row.optionalString(), try row.optionalString())
        (encryption.kmsContext, encryption.customerKeyMD5) = (try row.optionalString(), try row.optionalString())
        encryption.usesBucketKey = try row.bool()
      case UInt8(ascii: "G"): tags = try row.array { ObjectTag(key: try $0.string(), value: try $0.string()) }
      case UInt8(ascii: "L"):
        lock.retention = try row.optional { row in
          guard let mode = ObjectLock.Mode(rawValue: try row.string()) else { throw StoreError.corrupt("lock of an object") }
          return ObjectLock.Retention(mode: mode, until: try row.instant())
        }
        lock.legalHold = try row.optional { try $0.bool() }
      case UInt8(ascii: "R"):
        restoration = Restoration(readyAt: try row.instant(), expiresAt: try row.instant(), days: try row.int())
      case UInt8(ascii: "A"): acl = try row.blob()
      default:
        guard let value = Self.texts.first(where: { $0.0 == letter })?.1 else { throw StoreError.corrupt("description of an object") }
        self[keyPath: value] = try row.string()
      }
    }
  }

  private static var texts: [(UInt8, WritableKeyPath<ObjectDescription, String?>)] {
    [
      (UInt8(ascii: "t"), \.contentType), (UInt8(ascii: "e"), \.contentEncoding), (UInt8(ascii: "d"), \.contentDisposition),
      (UInt8(ascii: "l"), \.contentLanguage), (UInt8(ascii: "c"), \.cacheControl), (UInt8(ascii: "x"), \.expires),
      (UInt8(ascii: "r"), \.redirect), (UInt8(ascii: "s"), \.storageClass),
    ]
  }
}

extension Content {
  var row: [UInt8] {
    var row = RowWriter(capacity: (inline?.count ?? 0) + extents.count * 26 + 16)
    row.optional(inline) { $0.blob($1) }
    row.array(extents) { row, extent in
      row.blob(extent.file.bytes)
      row.int(extent.offset)
      row.int(extent.count)
    }
    row.array(parts) { row, part in
      row.int(part.number)
      row.int(part.size)
      row.optional(part.checksum)
    }
    return row.bytes
  }

  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    inline = try row.optional { try $0.blob() }
    extents = try row.array { row in
      guard let file = ByteStoreID(try row.blob()) else { throw StoreError.corrupt("content of an object") }
      return Extent(file: file, offset: try row.int(), count: try row.int())
    }
    parts = try row.array { PartFacts(number: try $0.int(), size: try $0.int(), checksum: try $0.optionalString()) }
  }
}

extension MultipartUpload {
  var row: [UInt8] {
    var row = RowWriter()
    row.instant(initiated)
    row.string(owner.text)
    row.string(initiator)
    row.optional(algorithm?.rawValue)
    row.string(kind.rawValue)
    row.blob(description.row)
    return row.bytes
  }

  init(row bytes: [UInt8], key: String, id: String) throws {
    var row = try RowReader(bytes)
    initiated = try row.instant()
    guard let owner = AccountID(try row.string()) else { throw StoreError.corrupt("multipart upload") }
    self.owner = owner
    initiator = try row.string()
    algorithm = try row.optionalString().flatMap(ChecksumAlgorithm.init(rawValue:))
    guard let kind = ObjectChecksum.Kind(rawValue: try row.string()) else { throw StoreError.corrupt("multipart upload") }
    self.kind = kind
    description = try ObjectDescription(row: try row.blob())
    (self.key, self.id) = (key, id)
  }
}

extension UploadPart {
  var row: [UInt8] {
    var row = RowWriter(capacity: 128)
    row.int(size)
    row.string(eTag)
    row.optional(checksum)
    row.instant(modified)
    row.blob(content.row)
    return row.bytes
  }

  init(row bytes: [UInt8], number: Int) throws {
    var row = try RowReader(bytes)
    (size, eTag) = (try row.int(), try row.string())
    checksum = try row.optionalString()
    modified = try row.instant()
    content = try Content(row: try row.blob())
    self.number = number
  }
}

extension CompletedUpload {
  var row: [UInt8] {
    var row = RowWriter(capacity: 64)
    row.string(key)
    row.int(sequence)
    return row.bytes
  }

  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    (key, sequence) = (try row.string(), try row.int64())
  }
}
