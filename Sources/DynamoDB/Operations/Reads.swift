import Base
import Fabric
import Store
import Wire

extension DynamoDBService {
  var readOperations: [Operation] {
    [
      Operation("Query", access: { (input: QueryInput, call) in
        let access = try await self.access("Query", input.tableName, call, index: input.indexName)
          .selecting(
            input.select, isProjected: input.projectionExpression != nil || input.attributesToGet != nil, index: input.indexName)
          .saying("returnconsumedcapacity", input.returnConsumedCapacity)
        return [await self.detailed(access, input.tableName, call) { try $0.query(input) }]
      }, run: query),
      Operation("Scan", access: { (input: ScanInput, call) in
        let access = try await self.access("Scan", input.tableName, call, index: input.indexName)
          .selecting(
            input.select, isProjected: input.projectionExpression != nil || input.attributesToGet != nil, index: input.indexName)
          .saying("returnconsumedcapacity", input.returnConsumedCapacity)
        return [await self.detailed(access, input.tableName, call) { facts in
          try facts.expressions(
            input.expressionAttributeNames, input.expressionAttributeValues, conditions: [input.filterExpression],
            projection: input.projectionExpression)
          facts.names(input.attributesToGet)
          try facts.legacy(input.scanFilter)
        }]
      }, run: scan),
    ]
  }

  func query(_ input: QueryInput, _ call: Call) async throws -> QueryOutput {
    let name = try name(input.tableName, call)
    let (page, reader) = try await read(name) { table in try self.reader(input, table) }
    var output = QueryOutput()
    output.items = reader.isCount ? nil : ValueText.json(page.items)
    (output.count, output.scannedCount) = (page.count, page.scanned)
    output.lastEvaluatedKey = page.last.map(ValueText.json)
    output.consumedCapacity = reader.capacity(page).shape(
      input.returnConsumedCapacity, reader.table)
    return output
  }

  func read(_ name: TableName, prepare: (Table) throws -> PageReader) async throws -> (PageReader.Page, PageReader) {
    try await tables.with(name) { stored in
      let reader = try prepare(stored.table)
      try throughput?.admit(stored.table, .read, index: reader.index?.kind == .global ? reader.index?.id ?? 0 : 0, at: ambient.now)
      return reader
    } run: { stored, reader in
      let page = try await store.read { rows in
        try stored.check(rows)
        return try reader.read(rows)
      }
      throughput?.spend(reader.capacity(page), of: stored.table, .read, at: ambient.now)
      return (page, reader)
    }
  }

  private func reader(_ input: QueryInput, _ table: Table) throws -> PageReader {
    try ParameterMixture(
      expressions: [
        ("ProjectionExpression", input.projectionExpression != nil), ("FilterExpression", input.filterExpression != nil),
        ("KeyConditionExpression", input.keyConditionExpression != nil),
      ],
      legacy: [
        ("AttributesToGet", input.attributesToGet != nil), ("QueryFilter", input.queryFilter != nil),
        ("ConditionalOperator", input.conditionalOperator != nil), ("KeyConditions", input.keyConditions != nil),
      ]
    ).check()
    var choice = try ReadChoice(
      table, index: input.indexName, isConsistent: input.consistentRead == true, select: input.select,
      hasProjection: input.projectionExpression != nil, hasAttributes: input.attributesToGet != nil)
    let key = choice.index?.key ?? table.key
    var substitutions = try Substitutions(
      names: input.expressionAttributeNames, values: input.expressionAttributeValues,
      hasExpressions: input.projectionExpression != nil || input.filterExpression != nil || input.keyConditionExpression != nil)
    let condition: KeyCondition
    if let expression = input.keyConditionExpression {
      condition = try KeyCondition(expressions.condition(expression, kind: "KeyConditionExpression", &substitutions), key)
    } else if let conditions = input.keyConditions {
      condition = try LegacyCondition(conditions).keyCondition(key)
    } else {
      throw DynamoDBError.validation(
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
    }
    let filter =
      try input.filterExpression.map { try expressions.condition($0, kind: "FilterExpression", &substitutions) }
      ?? input.queryFilter.map { try LegacyCondition($0).condition(joinedBy: input.conditionalOperator, isExpected: false) }
    for head in filter?.heads ?? [] where key.contains(head) {
      let kind = input.filterExpression == nil ? "QueryFilter" : "Filter Expression"
      throw DynamoDBError.validation(
        "\(kind) can only contain non-primary key attributes: Primary key attribute: \(head.utf8Text)")
    }
    try choice.project(
      input.projectionExpression.map { try expressions.projection($0, &substitutions) } ?? input.attributesToGet.map(Self.projection))
    try substitutions.checkUnused()
    var reader = choice.reader(condition.rows(PageReader.home(table, choice.index)), filter: filter, limit: input.limit)
    reader.isReverse = input.scanIndexForward == false
    if let start = input.exclusiveStartKey { try reader.begin(after: ValueReader.item(start)) }
    return reader
  }

  func scan(_ input: ScanInput, _ call: Call) async throws -> ScanOutput {
    let name = try name(input.tableName, call)
    let (page, reader) = try await read(name) { table in try self.reader(input, table) }
    var output = ScanOutput()
    output.items = reader.isCount ? nil : ValueText.json(page.items)
    (output.count, output.scannedCount) = (page.count, page.scanned)
    output.lastEvaluatedKey = page.last.map(ValueText.json)
    output.consumedCapacity = reader.capacity(page).shape(
      input.returnConsumedCapacity, reader.table)
    return output
  }

  private func reader(_ input: ScanInput, _ table: Table) throws -> PageReader {
    try ParameterMixture(
      expressions: [
        ("ProjectionExpression", input.projectionExpression != nil), ("FilterExpression", input.filterExpression != nil),
      ],
      legacy: [
        ("AttributesToGet", input.attributesToGet != nil), ("ScanFilter", input.scanFilter != nil),
        ("ConditionalOperator", input.conditionalOperator != nil),
      ]
    ).check()
    var choice = try ReadChoice(
      table, index: input.indexName, isConsistent: input.consistentRead == true, select: input.select,
      hasProjection: input.projectionExpression != nil, hasAttributes: input.attributesToGet != nil)
    var substitutions = try Substitutions(
      names: input.expressionAttributeNames, values: input.expressionAttributeValues,
      hasExpressions: input.projectionExpression != nil || input.filterExpression != nil)
    let filter =
      try input.filterExpression.map { try expressions.condition($0, kind: "FilterExpression", &substitutions) }
      ?? input.scanFilter.map { try LegacyCondition($0).condition(joinedBy: input.conditionalOperator, isExpected: false) }
    try choice.project(
      input.projectionExpression.map { try expressions.projection($0, &substitutions) } ?? input.attributesToGet.map(Self.projection))
    try substitutions.checkUnused()
    let (segment, total) = try Self.segment(input)
    var reader = choice.reader(
      Keys.segment(PageReader.home(table, choice.index), segment, of: total), filter: filter, limit: input.limit)
    if let start = input.exclusiveStartKey {
      let start = try ValueReader.item(start)
      guard reader.rows.contains(try PageReader.rowKey(start, table, choice.index)) else {
        throw DynamoDBError.validation(
          "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. "
            + "TotalSegments: \(total) Segment: \(segment)")
      }
      try reader.begin(after: start)
    }
    return reader
  }

  private static func segment(_ input: ScanInput) throws -> (Int, Int) {
    switch (input.segment, input.totalSegments) {
    case (nil, nil): return (0, 1)
    case (nil, _): throw DynamoDBError.validation("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
    case (_, nil): throw DynamoDBError.validation("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
    case (let segment?, let total?):
      guard segment < total else {
        throw DynamoDBError.validation(
          "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: \(segment) is not less than "
            + "TotalSegments: \(total)")
      }
      return (segment, total)
    }
  }
}

/// What of a table or of an index a query or scan wants to see.
struct ReadChoice {
  let table: Table
  let index: SecondaryIndex?
  private let select: String?
  private var projection: Projection?
  private var fetches = false
  private let isConsistent: Bool

  init(_ table: Table, index name: String?, isConsistent: Bool, select: String?, hasProjection: Bool, hasAttributes: Bool) throws {
    self.table = table
    (self.select, self.isConsistent) = (select, isConsistent)
    index = try name.map { name in
      guard let index = table.index(name) else { throw DynamoDBError.noSuchIndex(name) }
      return index
    }
    if let index, index.kind == .global {
      guard index.status == .active else {
        throw DynamoDBError.validation("Cannot read from backfilling global secondary index: \(index.name)")
      }
      if isConsistent { throw DynamoDBError.validation("Consistent reads are not supported on global secondary indexes") }
      if select == "ALL_ATTRIBUTES", index.projection != .all {
        throw DynamoDBError.invalidParameters(
          "Select type ALL_ATTRIBUTES is not supported for global secondary index \(index.name) because its projection type is not ALL")
      }
    }
    let given = hasProjection ? "ProjectionExpression" : hasAttributes ? "AttributesToGet" : nil
    switch (select, given) {
    case ("ALL_PROJECTED_ATTRIBUTES", _) where index == nil:
      throw DynamoDBError.validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    case ("SPECIFIC_ATTRIBUTES", nil):
      throw DynamoDBError.validation("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
    case ("ALL_ATTRIBUTES", let given?): throw DynamoDBError.validation("Cannot specify the \(given) when choosing to get ALL_ATTRIBUTES")
    case ("ALL_PROJECTED_ATTRIBUTES", let given?):
      throw DynamoDBError.validation("Cannot specify the \(given) when choosing to get ALL_PROJECTED_ATTRIBUTES")
    case ("COUNT", let given?): throw DynamoDBError.validation("Cannot specify the \(given) when choosing to get only the Count")
    default: break
    }
    if let index, index.kind == .local, index.projection != .all, select == "ALL_ATTRIBUTES" { fetches = true }
  }

  mutating func project(_ projection: Projection?) throws {
    self.projection = projection
    guard let index, let projection else { return }
    let missing = projection.heads.filter { !index.holds($0, table: table.key) }
    guard !missing.isEmpty else { return }
    switch index.kind {
    case .local: fetches = true
    case .global:
      throw DynamoDBError.invalidParameters(
        "Global secondary index \(index.name) does not project [\(missing.map(\.utf8Text).joined(separator: ", "))]")
    }
  }

  func reader(_ rows: KeyRange, filter: BoundCondition?, limit: Int?) -> PageReader {
    var reader = PageReader(table: table, index: index, rows: rows, limit: limit, filter: filter, projection: projection)
    (reader.isCount, reader.fetches, reader.isConsistent) = (select == "COUNT", fetches, isConsistent)
    return reader
  }
}
