/// The figures of DynamoDB (Developer Guide, "Service, account, and table quotas", "Constraints").
enum DynamoDBLimits {
  /// Names and values of an item together.
  static let itemBytes = 400 << 10
  /// Items of one partition and what local indexes have of them.
  static let collectionBytes = 10 << 30
  /// Of an attribute.
  static let nameBytes = 65_535
  static let hashKeyBytes = 2048
  static let rangeKeyBytes = 1024
  /// Maps and lists within each other.
  static let nesting = 32
  static let expressionBytes = 4096
  /// Of all operators and functions of an expression.
  static let operators = 300
  static let placeholderBytes = 255
  static let operandsOfIn = 100
  /// Values behind the placeholders of a request together.
  static let substitutionBytes = 2 << 20
  static let localIndexes = 5
  static let globalIndexes = 20
  static let projectedAttributes = 100
  /// What a page of Query or Scan looks at.
  static let pageBytes = 1 << 20
  static let batchGets = 100
  static let batchWrites = 25
  static let batchBytes = 16 << 20
  static let transactionBytes = 4 << 20
  static let tokenLife: Duration = .seconds(600)
  static let readUnit = 4096
  static let writeUnit = 1024
  static let tablesPerPage = 100
  static let tags = 50
  static let tagsPerPage = 10
  static let policyBytes = 20 << 10
  static let throughputUnits = 1_000_000_000_000
  /// What streams keep.
  static let streamRetention: Duration = .seconds(24 * 3600)
  static let streamIteratorLife: Duration = .seconds(15 * 60)
  static let streamRecordsPerRead = 1000
  static let streamBytesPerRead = 1 << 20
  static let recoveryDays = 35
  static let recoveryLag: Duration = .seconds(300)
  /// How long the token of an export or import says that it is the same one.
  static let jobTokenLife: Duration = .seconds(8 * 3600)
  static let jobsPerPage = 25
  static let imports = 50
  static let backupsPerPage = 100
  /// Tables that are being brought back at a time, in a Region of an account.
  static let restores = 50
  /// Streams of Kinesis that a table writes to at a time.
  static let destinations = 2
  /// What such a stream does not take for so long is lost.
  static let destinationRetention: Duration = .seconds(24 * 3600)
  static let recordsPerPut = 500
  static let bytesPerPut = 3 << 20
  /// An expiry longer ago than this is taken for a mistake (Developer Guide, "Using time to live").
  static let expiryHorizon: Duration = .seconds(5 * 366 * 86_400)

  // Ours.
  static let cachedTables = 10_000
  static let cachedExpressions = 4096
  static let rowsPerTurn = 500
  /// What goes into a data file of an export.
  static let itemsPerFile = 50_000
  static let bytesPerFile = 16 << 20
  /// An object that is imported, as it lies there and decompressed.
  static let importedBytes = 64 << 20
  static let inflatedBytes = 256 << 20
  static let bytesPerTurn = 4 << 20
  /// Images of one table that are made at a time.
  static let openImages = 10
  /// Destinations that are written to at a time.
  static let destinationsPerTurn = 16
}
