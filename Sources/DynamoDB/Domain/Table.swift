import Base

/// Where a table is found.
struct TableName: Hashable, Sendable {
  var account: AccountID
  var region: Region
  var name: String

  var arn: ARN { ARN("dynamodb", region, account, "table/\(name)") }

  /// Reads a name or the ARN of a table, as all operations take both. An ARN of another Region names nothing here.
  init(_ text: String, account: AccountID, region: Region) throws {
    if text.hasPrefix("arn:") {
      guard let arn = ARN(text), arn.service == "dynamodb", let account = AccountID(arn.account), arn.region == region.text,
        arn.resource.hasPrefix("table/")
      else { throw DynamoDBError.validation("Invalid TableArn: Invalid ResourceArn provided as input \(text)") }
      self.init(account: account, region: region, name: String(arn.resource.dropFirst(6).prefix { $0 != "/" }))
    } else {
      self.init(account: account, region: region, name: text)
    }
    guard Self.isValid(name) else { throw DynamoDBError.invalidName }
  }
  init(account: AccountID, region: Region, name: String) { (self.account, self.region, self.name) = (account, region, name) }

  static func isValid(_ name: String) -> Bool {
    (3...255).contains(name.utf8.count)
      && name.utf8.allSatisfy { $0 >= 48 && $0 <= 57 || $0 >= 65 && $0 <= 90 || $0 >= 97 && $0 <= 122 || $0 == 45 || $0 == 46 || $0 == 95 }
  }
}

/// A key attribute.
struct KeyAttribute: Equatable, Sendable {
  var name: [UInt8]
  var type: AttributeType
  init(_ name: String, _ type: AttributeType) { (self.name, self.type) = (Array(name.utf8), type) }
  var text: String { name.utf8Text }
}

/// The attributes by which items of a table or of an index are found.
struct KeySchema: Equatable, Sendable {
  var hash: KeyAttribute
  var range: KeyAttribute?
  var attributes: [KeyAttribute] { range.map { [hash, $0] } ?? [hash] }
  func contains(_ name: some Collection<UInt8>) -> Bool {
    hash.name.elementsEqual(name) || range?.name.elementsEqual(name) == true
  }
}

struct Throughput: Equatable, Sendable {
  var read = 0
  var write = 0
}

/// A second order of a table's items.
struct SecondaryIndex: Equatable, Sendable {
  enum Kind: Int, Sendable { case local, global }
  /// creating: back-filled by a worker, and written to already; becomes active. active: what queries may use.
  enum Status: Int, Sendable { case creating, active }
  enum Projection: Equatable, Sendable { case all, keysOnly, include([String]) }

  /// Names its rows; never used again.
  var id: Int
  var name: String
  var kind: Kind
  var status: Status
  var key: KeySchema
  var projection: Projection
  var throughput: Throughput
  var onDemand: OnDemandLimits?

  /// What of an item is kept in the index; nil when the item has not all of the key, so that it is not in it.
  func projected(_ item: Item, table: KeySchema) -> Item? {
    for attribute in key.attributes {
      guard let value = item[attribute.name], value.type == attribute.type else { return nil }
    }
    return projects(item, table)
  }
  private func projects(_ item: Item, _ table: KeySchema) -> Item {
    switch projection {
    case .all: return item
    case .keysOnly: return item.picking { key.contains($0) || table.contains($0) }
    case .include(let names):
      return item.picking { name in
        key.contains(name) || table.contains(name) || names.contains { $0.utf8.elementsEqual(name) }
      }
    }
  }
  /// The attribute is in every row of the index that has it.
  func holds(_ name: [UInt8], table: KeySchema) -> Bool {
    if key.contains(name) || table.contains(name) { return true }
    switch projection {
    case .all: return true
    case .keysOnly: return false
    case .include(let names): return names.contains { $0.utf8.elementsEqual(name) }
    }
  }
}

struct OnDemandLimits: Equatable, Sendable {
  var read: Int?
  var write: Int?
}

enum StreamView: String, Sendable {
  case keysOnly = "KEYS_ONLY", newImage = "NEW_IMAGE", oldImage = "OLD_IMAGE", newAndOld = "NEW_AND_OLD_IMAGES"
  var hasNew: Bool { self == .newImage || self == .newAndOld }
  var hasOld: Bool { self == .oldImage || self == .newAndOld }
}

/// The stream that a table writes to, or its last one.
struct TableStream: Equatable, Sendable {
  /// Names its rows; never used again.
  var id: Int
  var label: String
  var view: StreamView
  var isEnabled: Bool
}

/// A table: what describes it, without its items.
struct Table: Sendable {
  var name: TableName
  /// Names its rows; never used again.
  var id: Int
  var uuid: String
  var createdAt: Instant
  /// All definitions, those of indexes too, in the order given.
  var definitions: [KeyAttribute]
  var key: KeySchema
  var indexes: [SecondaryIndex]
  var nextIndex = 1
  /// Nil: on demand.
  var throughput: Throughput?
  var onDemandSince: Instant?
  var throughputChanges: (increased: Instant?, decreased: Instant?, decreases: Int) = (nil, nil, 0)
  var onDemand: OnDemandLimits?
  var tableClass: String?
  var isProtected = false
  var tags: [String: String] = [:]
  var policy: String?
  var policyRevision: String?
  /// The attribute with the expiry; kept when switched off, nil when never set.
  var expiryAttribute: String?
  var expires = false
  var stream: TableStream?
  var encryptionKey: String?
  var isEncryptionSet = false
  var destinations: [StreamingDestination] = []
  /// Images of the table that are being made.
  var images: [Int] = []
  /// Nil: the table can not be brought back to an earlier time.
  var recovery: Recovery?
  /// What the table was made from.
  var restoration: Restoration?
  /// It is filled from an image or an import: nobody else reads or writes it.
  var isBeingMade = false

  var isStreamed: Bool { destinations.contains(where: \.takesChanges) }
  func index(_ name: String) -> SecondaryIndex? { indexes.first { $0.name == name } }
  var streamARN: String? { stream.map { "\(name.arn.text)/stream/\($0.label)" } }
  /// The limit is for an item together with what each of its local indexes has of it (Developer Guide, "Constraints").
  func isTooLarge(_ item: Item, _ size: Int) -> Bool {
    if size > DynamoDBLimits.itemBytes { return true }
    // Half of it and twice it: no index can have more than the item.
    guard 2 * size > DynamoDBLimits.itemBytes, hasLocalIndexes else { return false }
    return indexes.contains { index in
      index.kind == .local && size + (index.projected(item, table: key)?.size ?? 0) > DynamoDBLimits.itemBytes
    }
  }
  var hasLocalIndexes: Bool { indexes.contains { $0.kind == .local } }
}
