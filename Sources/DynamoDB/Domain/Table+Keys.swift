import Base

extension Table {
  /// The key that a request names: exactly the key attributes.
  func key(_ given: Item) throws -> ItemKey {
    var count = 0
    Item.forEach(given.bytes[...]) { _, _ in count += 1 }
    guard count == (key.range == nil ? 1 : 2), let hash = given[key.hash.name], hash.type == key.hash.type else {
      throw DynamoDBError.keyMismatch
    }
    let range = key.range.flatMap { given[$0.name] }
    if let wanted = key.range { guard range?.type == wanted.type else { throw DynamoDBError.keyMismatch } }
    try checkLengths(hash, range)
    return ItemKey(hash: hash, range: range)
  }

  /// The key of an item that is to be stored; the keys of indexes that it has are checked, too.
  func key(of item: Item) throws -> ItemKey {
    func value(_ attribute: KeyAttribute) throws -> AttributeValue {
      guard let value = item[attribute.name] else { throw DynamoDBError.missingKey(attribute.text) }
      guard value.type == attribute.type else {
        throw DynamoDBError.keyType(attribute.text, expected: attribute.type.name, actual: value.typeName)
      }
      return value
    }
    let hash = try value(key.hash), range = try key.range.map(value)
    try checkLengths(hash, range)
    try checkIndexKeys(item)
    return ItemKey(hash: hash, range: range)
  }

  private func checkLengths(_ hash: AttributeValue, _ range: AttributeValue?) throws {
    func check(_ value: AttributeValue, _ attribute: KeyAttribute, _ limit: Int, _ tooLong: AWSError) throws {
      guard value.type != .number else { return }
      if value.payload.isEmpty { throw DynamoDBError.emptyKey(attribute.text, isBinary: value.type == .binary) }
      if value.payload.count > limit { throw tooLong }
    }
    try check(hash, key.hash, DynamoDBLimits.hashKeyBytes, DynamoDBError.hashKeyTooLong)
    if let range, let attribute = key.range {
      try check(range, attribute, DynamoDBLimits.rangeKeyBytes, DynamoDBError.rangeKeyTooLong)
    }
  }

  func checkIndexKeys(_ item: Item) throws {
    for index in indexes {
      for attribute in index.key.attributes where !key.contains(attribute.name) {
        guard let value = item[attribute.name] else { continue }
        guard value.type == attribute.type else {
          throw DynamoDBError.indexKeyType(attribute.text, expected: attribute.type.name, actual: value.typeName, index: index.name)
        }
        if value.type != .number, value.payload.isEmpty {
          throw DynamoDBError.emptyIndexKey(attribute.text, isBinary: value.type == .binary, index: index.name)
        }
        let isHash = attribute == index.key.hash
        if value.type != .number, value.payload.count > (isHash ? DynamoDBLimits.hashKeyBytes : DynamoDBLimits.rangeKeyBytes) {
          throw isHash ? DynamoDBError.hashKeyTooLong : DynamoDBError.rangeKeyTooLong
        }
      }
    }
  }

  /// The key attributes of an item.
  func keyItem(_ item: Item, index: SecondaryIndex? = nil) -> Item {
    item.picking { key.contains($0) || index?.key.contains($0) == true }
  }
}
