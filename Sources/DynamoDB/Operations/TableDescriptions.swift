import Base
import Wire

/// Tables as clients see them.
extension Table {
  /// - Parameter status: what is shown while a change is still going on.
  func description(_ tally: Tally, status: String = "ACTIVE") -> TableDescription {
    var out = TableDescription()
    out.attributeDefinitions = definitions.map { attribute in
      var out = AttributeDefinition()
      (out.attributeName, out.attributeType) = (attribute.text, attribute.type.name)
      return out
    }
    out.tableName = name.name
    out.keySchema = key.elements
    out.tableStatus =
      status != "ACTIVE" ? status : isBeingMade ? "CREATING" : indexes.contains { $0.status == .creating } ? "UPDATING" : status
    if let restoration {
      var summary = RestoreSummary()
      (summary.sourceBackupArn, summary.sourceTableArn) = (restoration.backup, restoration.source)
      (summary.restoreDateTime, summary.restoreInProgress) = (restoration.time, isBeingMade)
      out.restoreSummary = summary
    }
    out.creationDateTime = createdAt
    out.provisionedThroughput = throughputDescription(throughput)
    out.tableSizeBytes = tally[0].bytes
    out.itemCount = tally[0].items
    out.tableArn = name.arn.text
    out.tableId = uuid
    if throughput == nil {
      var billing = BillingModeSummary()
      (billing.billingMode, billing.lastUpdateToPayPerRequestDateTime) = ("PAY_PER_REQUEST", onDemandSince)
      out.billingModeSummary = billing
    } else if onDemandSince != nil {
      var billing = BillingModeSummary()
      (billing.billingMode, billing.lastUpdateToPayPerRequestDateTime) = ("PROVISIONED", onDemandSince)
      out.billingModeSummary = billing
    }
    let (locals, globals) = (indexes.filter { $0.kind == .local }, indexes.filter { $0.kind == .global })
    if !locals.isEmpty { out.localSecondaryIndexes = locals.map { local($0, tally) } }
    if !globals.isEmpty { out.globalSecondaryIndexes = globals.map { global($0, tally) } }
    describeSettings(&out)
    return out
  }

  private func describeSettings(_ out: inout TableDescription) {
    if let stream {
      if stream.isEnabled {
        var specification = StreamSpecification()
        (specification.streamEnabled, specification.streamViewType) = (true, stream.view.rawValue)
        out.streamSpecification = specification
      }
      (out.latestStreamLabel, out.latestStreamArn) = (stream.label, streamARN)
    }
    if isEncryptionSet {
      var encryption = DynamoDBSSEDescription()
      (encryption.status, encryption.sseType, encryption.kmsMasterKeyArn) = ("ENABLED", "KMS", encryptionKey)
      out.sseDescription = encryption
    }
    if let tableClass {
      var summary = TableClassSummary()
      summary.tableClass = tableClass
      out.tableClassSummary = summary
    }
    out.deletionProtectionEnabled = isProtected
    out.onDemandThroughput = onDemand?.shape
    var warm = TableWarmThroughputDescription()
    (warm.readUnitsPerSecond, warm.writeUnitsPerSecond) = (max(throughput?.read ?? 12_000, 1), max(throughput?.write ?? 4000, 1))
    warm.status = "ACTIVE"
    out.warmThroughput = warm
  }

  func throughputDescription(_ throughput: Throughput?) -> ProvisionedThroughputDescription {
    var out = ProvisionedThroughputDescription()
    (out.readCapacityUnits, out.writeCapacityUnits) = (throughput?.read ?? 0, throughput?.write ?? 0)
    (out.lastIncreaseDateTime, out.lastDecreaseDateTime) = (throughputChanges.increased, throughputChanges.decreased)
    out.numberOfDecreasesToday = throughputChanges.decreases
    return out
  }

  private func local(_ index: SecondaryIndex, _ tally: Tally) -> LocalSecondaryIndexDescription {
    var out = LocalSecondaryIndexDescription()
    (out.indexName, out.keySchema, out.projection) = (index.name, index.key.elements, index.projection.shape)
    (out.indexSizeBytes, out.itemCount) = (tally[index.id].bytes, tally[index.id].items)
    out.indexArn = "\(name.arn.text)/index/\(index.name)"
    return out
  }
  private func global(_ index: SecondaryIndex, _ tally: Tally) -> GlobalSecondaryIndexDescription {
    var out = GlobalSecondaryIndexDescription()
    (out.indexName, out.keySchema, out.projection) = (index.name, index.key.elements, index.projection.shape)
    (out.indexSizeBytes, out.itemCount) = (tally[index.id].bytes, tally[index.id].items)
    out.indexArn = "\(name.arn.text)/index/\(index.name)"
    out.indexStatus = index.status == .creating ? "CREATING" : "ACTIVE"
    if index.status == .creating { out.backfilling = true }
    var throughput = ProvisionedThroughputDescription()
    (throughput.readCapacityUnits, throughput.writeCapacityUnits, throughput.numberOfDecreasesToday) =
      (index.throughput.read, index.throughput.write, 0)
    out.provisionedThroughput = throughput
    out.onDemandThroughput = index.onDemand?.shape
    return out
  }
}

extension KeySchema {
  var elements: [KeySchemaElement] {
    zip(attributes, ["HASH", "RANGE"]).map { attribute, kind in
      var out = KeySchemaElement()
      (out.attributeName, out.keyType) = (attribute.text, kind)
      return out
    }
  }
}

extension SecondaryIndex.Projection {
  var shape: DynamoDBProjection {
    var out = DynamoDBProjection()
    switch self {
    case .all: out.projectionType = "ALL"
    case .keysOnly: out.projectionType = "KEYS_ONLY"
    case .include(let names): (out.projectionType, out.nonKeyAttributes) = ("INCLUDE", names)
    }
    return out
  }
}

extension OnDemandLimits {
  var shape: OnDemandThroughput {
    var out = OnDemandThroughput()
    (out.maxReadRequestUnits, out.maxWriteRequestUnits) = (read ?? -1, write ?? -1)
    return out
  }
}
