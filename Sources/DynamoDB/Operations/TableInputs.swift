import Base
import Wire

/// What CreateTable and UpdateTable say of keys and indexes, checked in AWS's words.
struct SchemaInput {
  let definitions: [KeyAttribute]

  init(_ definitions: [AttributeDefinition]) throws {
    var seen: Set<String> = []
    for definition in definitions where !seen.insert(definition.attributeName).inserted {
      throw DynamoDBError.invalidParameters("Duplicate AttributeName in AttributeDefinitions: \(definition.attributeName)")
    }
    self.definitions = definitions.map { definition in
      KeyAttribute(definition.attributeName, definition.attributeType == "N" ? .number : definition.attributeType == "B" ? .binary : .string)
    }
  }

  func key(_ elements: [KeySchemaElement]) throws -> KeySchema {
    let names = elements.map(\.attributeName)
    let known = definitions.map(\.text)
    guard names.allSatisfy(known.contains) else {
      throw DynamoDBError.invalidParameters(
        "Some index key attributes are not defined in AttributeDefinitions. Keys: [\(names.joined(separator: ", "))], "
          + "AttributeDefinitions: [\(known.joined(separator: ", "))]")
    }
    if names.count == 2, names[0] == names[1] {
      throw DynamoDBError.validation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    }
    guard elements.first?.keyType == "HASH" else {
      throw DynamoDBError.validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    }
    if elements.count == 2, elements[1].keyType != "RANGE" {
      throw DynamoDBError.validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    }
    func attribute(_ name: String) -> KeyAttribute { definitions.first { $0.text == name } ?? KeyAttribute(name, .string) }
    return KeySchema(hash: attribute(names[0]), range: names.count == 2 ? attribute(names[1]) : nil)
  }

  /// No definition is there for nothing.
  func checkUse(_ keys: [KeySchema], hasIndexes: Bool) throws {
    let used = Set(keys.flatMap { $0.attributes.map(\.text) })
    guard definitions.contains(where: { !used.contains($0.text) }) else { return }
    guard hasIndexes else {
      throw DynamoDBError.invalidParameters(
        "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
    }
    throw DynamoDBError.invalidParameters(
      "Some AttributeDefinitions are not used. AttributeDefinitions: [\(definitions.map(\.text).joined(separator: ", "))], "
        + "keys used: [\(used.sorted().joined(separator: ", "))]")
  }

  static func projection(_ input: DynamoDBProjection) throws -> SecondaryIndex.Projection {
    guard let type = input.projectionType else { throw DynamoDBError.invalidParameters("Unknown ProjectionType: null") }
    if input.nonKeyAttributes != nil, type != "INCLUDE" {
      throw DynamoDBError.invalidParameters("ProjectionType is \(type), but NonKeyAttributes is specified")
    }
    switch type {
    case "ALL": return .all
    case "KEYS_ONLY": return .keysOnly
    default:
      guard let names = input.nonKeyAttributes else {
        throw DynamoDBError.invalidParameters("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
      }
      return .include(names)
    }
  }

  static func throughput(_ input: ProvisionedThroughput?, isOnDemand: Bool, index: String? = nil) throws -> Throughput {
    if isOnDemand {
      guard input != nil else { return Throughput() }
      if let index {
        throw DynamoDBError.invalidParameters(
          "ProvisionedThroughput should not be specified for index: \(index) when BillingMode is PAY_PER_REQUEST")
      }
      throw DynamoDBError.invalidParameters(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
    }
    guard let input else {
      if let index {
        throw DynamoDBError.invalidParameters(
          "ProvisionedThroughput must be specified for index: \(index)")
      }
      throw missingThroughput
    }
    for (name, units) in [("ReadCapacityUnits", input.readCapacityUnits), ("WriteCapacityUnits", input.writeCapacityUnits)]
    where units > DynamoDBLimits.throughputUnits {
      throw DynamoDBError.validation("Given value \(units) for \(name) is out of bounds" + (index.map { " for index \($0)" } ?? ""))
    }
    return Throughput(read: input.readCapacityUnits, write: input.writeCapacityUnits)
  }

  static let missingThroughput = DynamoDBError.invalidParameters(
    "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")

  static func limits(_ input: OnDemandThroughput?) throws -> OnDemandLimits? {
    guard let input else { return nil }
    func value(_ units: Int?, _ name: String) throws -> Int? {
      guard let units, units != -1 else { return nil }
      guard units >= 1 else { throw DynamoDBError.invalidParameters("\(name) should be -1 or at least 1") }
      return units
    }
    let limits = OnDemandLimits(
      read: try value(input.maxReadRequestUnits, "MaxReadRequestUnits"), write: try value(input.maxWriteRequestUnits, "MaxWriteRequestUnits"))
    return limits.read == nil && limits.write == nil ? nil : limits
  }

  func local(_ inputs: [LocalSecondaryIndexShape], _ table: KeySchema) throws -> [SecondaryIndex] {
    guard !inputs.isEmpty else { throw DynamoDBError.invalidParameters("List of LocalSecondaryIndexes is empty") }
    guard table.range != nil else {
      throw DynamoDBError.invalidParameters(
        "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
    }
    guard inputs.count <= DynamoDBLimits.localIndexes else {
      throw DynamoDBError.invalidParameters("Number of LocalSecondaryIndexes exceeds per-table limit of 5")
    }
    return try inputs.map { input in
      let key = try key(input.keySchema)
      guard key.range != nil else {
        throw DynamoDBError.invalidParameters("Index KeySchema does not have a range key for index: \(input.indexName)")
      }
      guard key.hash == table.hash else {
        throw DynamoDBError.invalidParameters(
          "Index KeySchema does not have the same leading hash key as table KeySchema for index: \(input.indexName). index hash key: "
            + "\(key.hash.text), table hash key: \(table.hash.text)")
      }
      return SecondaryIndex(
        id: 0, name: input.indexName, kind: .local, status: .active, key: key, projection: try Self.projection(input.projection),
        throughput: Throughput())
    }
  }

  func global(_ inputs: [GlobalSecondaryIndexShape], isOnDemand: Bool) throws -> [SecondaryIndex] {
    guard !inputs.isEmpty else { throw DynamoDBError.invalidParameters("List of GlobalSecondaryIndexes is empty") }
    guard inputs.count <= DynamoDBLimits.globalIndexes else {
      throw DynamoDBError.invalidParameters("GlobalSecondaryIndex count exceeds the per-table limit of 20")
    }
    return try inputs.map { input in
      SecondaryIndex(
        id: 0, name: input.indexName, kind: .global, status: .active, key: try key(input.keySchema),
        projection: try Self.projection(input.projection),
        throughput: try Self.throughput(input.provisionedThroughput, isOnDemand: isOnDemand, index: input.indexName),
        onDemand: try Self.limits(input.onDemandThroughput))
    }
  }

  static func checkNames(_ indexes: [SecondaryIndex]) throws {
    var seen: Set<String> = []
    for index in indexes where !seen.insert(index.name).inserted {
      throw DynamoDBError.invalidParameters("Duplicate index name: \(index.name)")
    }
    var included = 0
    for index in indexes { if case .include(let names) = index.projection { included += names.count } }
    guard included <= DynamoDBLimits.projectedAttributes else {
      throw DynamoDBError.invalidParameters(
        "The total number of NonKeyAttributes for all indexes exceeds the limit of \(DynamoDBLimits.projectedAttributes)")
    }
  }
}
