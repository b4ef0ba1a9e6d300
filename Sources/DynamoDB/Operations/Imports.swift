import Base
import Fabric
import Store
import Wire

/// Imports from S3 into new tables.
extension DynamoDBService {
  var importOperations: [Operation] {
    [
      Operation("ImportTable", access: { (input: ImportTableInput, call) in
        [try await self.access("ImportTable", input.tableCreationParameters.tableName, call)]
      }, run: importTable),
      Operation("DescribeImport", access: { (input: DescribeImportInput, call) in
        [Access("dynamodb:DescribeImport", on: input.importArn, owner: try JobName(input.importArn, "import").table.account)]
      }, run: describeImport),
      Operation(
        "ListImports", access: { (_: ListImportsInput, call) in [Access("dynamodb:ListImports", owner: call.account)] }, run: listImports),
    ]
  }

  private func importTable(_ input: ImportTableInput, _ call: Call) async throws -> ImportTableOutput {
    let format = try Self.format(input)
    let compression = input.inputCompressionType ?? "NONE"
    guard compression != "ZSTD" else { throw DynamoDBError.notImplemented("imports in ZSTD") }
    var creation = CreateTableInput()
    let parameters = input.tableCreationParameters
    (creation.tableName, creation.attributeDefinitions, creation.keySchema) = (
      parameters.tableName, parameters.attributeDefinitions, parameters.keySchema
    )
    (creation.billingMode, creation.provisionedThroughput) = (parameters.billingMode, parameters.provisionedThroughput)
    (creation.onDemandThroughput, creation.sseSpecification) = (parameters.onDemandThroughput, parameters.sseSpecification)
    creation.globalSecondaryIndexes = parameters.globalSecondaryIndexes
    let name = try ownName(parameters.tableName, call)
    var table = try newTable(creation, name, at: call.now)
    table.isBeingMade = true
    let source = input.s3BucketSource
    let drafted = Import(
      label: JobName.label(ambient, call.now), table: table, startedAt: call.now, token: input.clientToken ?? ambient.uuid(),
      bucket: source.s3Bucket, owner: source.s3BucketOwner, prefix: source.s3KeyPrefix, format: format, isGzip: compression == "GZIP")
    let (made, isNew) = try await store.transact { rows -> (Import, Bool) in
      let known = try rows.entries(KeyRange(prefix: Keys.imports.of(call.account, call.region))).map { key, bytes in
        let (table, label) = try Keys.imports.name(key)
        return try Import(bytes, table, label: label)
      }
      if let same = known.first(where: { $0.token == drafted.token && $0.startedAt > call.now - DynamoDBLimits.jobTokenLife }) {
        guard same.table.name == name, same.bucket == drafted.bucket, same.prefix == drafted.prefix, same.format == drafted.format else {
          throw AWSError("ImportConflictException", "Import with the same client token and other parameters exists", status: 400)
        }
        return (same, false)
      }
      guard known.count(where: { $0.status == .inProgress }) < DynamoDBLimits.imports else {
        throw DynamoDBError.limit("Too many imports are in progress: the limit is \(DynamoDBLimits.imports)")
      }
      guard try rows.get(Keys.table(name)) == nil else { throw DynamoDBError.tableExists(name.name) }
      var made = drafted
      made.table = try Self.create(drafted.table, rows, at: call.now)
      try rows.set(Keys.imports.row(name, made.label), made.row)
      try rows.set(Keys.openImports.row(name, made.label), [])
      return (made, true)
    }
    if isNew {
      changed(name)
      // Whether the caller may read the bucket shows here; afterwards it is read in the name of the account.
      do { _ = try await importWorker.next(of: made, as: call.caller) } catch let error as AWSError {
        try await store.transact { try ImportWorker.fail(made, error, $0, call.now) }
        changed(name)
      }
      importWorker.nudge.nudge()
    }
    var output = ImportTableOutput()
    output.importTableDescription = made.description
    return output
  }

  private static func format(_ input: ImportTableInput) throws -> Import.Format {
    switch input.inputFormat {
    case "DYNAMODB_JSON":
      guard input.inputFormatOptions?.csv == nil else {
        throw DynamoDBError.invalidParameters("InputFormatOptions for CSV can only be specified when InputFormat is CSV")
      }
      return .json
    case "CSV":
      let options = input.inputFormatOptions?.csv
      return .csv(delimiter: options?.delimiter?.utf8.first ?? UInt8(ascii: ","), header: options?.headerList)
    default: throw DynamoDBError.notImplemented("imports in \(input.inputFormat)")
    }
  }

  private func describeImport(_ input: DescribeImportInput, _ call: Call) async throws -> DescribeImportOutput {
    let name = try JobName(input.importArn, "import")
    let found = try await store.read { rows in try rows.get(Keys.imports.row(name.table, name.label)) }
    guard name.table.account == call.account, let found else {
      throw AWSError("ImportNotFoundException", "Import not found: \(input.importArn)", status: 400)
    }
    var output = DescribeImportOutput()
    output.importTableDescription = try Import(found, name.table, label: name.label).description
    return output
  }

  private func listImports(_ input: ListImportsInput, _ call: Call) async throws -> ListImportsOutput {
    let home = try input.tableArn.map { Keys.imports.of(try name($0, call)) } ?? Keys.imports.of(call.account, call.region)
    let page = try await jobs(home, after: input.nextToken, limit: input.pageSize) { key, bytes in
      let (table, label) = try Keys.imports.name(key)
      return try Import(bytes, table, label: label)
    }
    var output = ListImportsOutput()
    output.importSummaryList = page.found.map { job in
      let shown = job.description
      var out = ImportSummary()
      (out.importArn, out.importStatus, out.tableArn) = (job.arn, shown.importStatus, shown.tableArn)
      (out.s3BucketSource, out.inputFormat) = (shown.s3BucketSource, shown.inputFormat)
      (out.startTime, out.endTime) = (shown.startTime, shown.endTime)
      return out
    }
    output.nextToken = page.next
    return output
  }
}

extension Import {
  var description: ImportTableDescription {
    var source = S3BucketSource()
    (source.s3Bucket, source.s3BucketOwner, source.s3KeyPrefix) = (bucket, owner, prefix)
    var out = ImportTableDescription()
    (out.importArn, out.tableArn, out.tableId, out.clientToken) = (arn, table.name.arn.text, table.uuid, token)
    (out.s3BucketSource, out.inputCompressionType, out.startTime) = (source, isGzip ? "GZIP" : "NONE", startedAt)
    switch format {
    case .json: out.inputFormat = "DYNAMODB_JSON"
    case .csv(let delimiter, let header):
      out.inputFormat = "CSV"
      var csv = CsvOptions()
      (csv.delimiter, csv.headerList) = ([delimiter].utf8Text, header)
      var options = InputFormatOptions()
      options.csv = csv
      out.inputFormatOptions = options
    }
    (out.processedSizeBytes, out.processedItemCount) = (progress.bytes, progress.items)
    (out.importedItemCount, out.errorCount) = (progress.imported, progress.errors)
    let shown = table.description(Tally())
    var parameters = TableCreationParameters()
    (parameters.tableName, parameters.keySchema) = (table.name.name, table.key.elements)
    parameters.attributeDefinitions = shown.attributeDefinitions ?? []
    parameters.billingMode = table.throughput == nil ? "PAY_PER_REQUEST" : "PROVISIONED"
    parameters.provisionedThroughput = table.throughput?.shape
    out.tableCreationParameters = parameters
    (out.importStatus, out.endTime) = (status.name, status.endedAt)
    (out.failureCode, out.failureMessage) = (status.failure?.code, status.failure?.message)
    return out
  }
}
