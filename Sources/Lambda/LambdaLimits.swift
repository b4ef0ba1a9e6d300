import Base

/// The numbers of Lambda, as its developer guide ("Lambda quotas") and API model state them.
enum LambdaLimits {
  /// Bytes of a zip sent in a request.
  static let zippedBytes = 52_428_800
  /// Bytes of all files of a package together.
  static let unzippedBytes = 262_144_000
  /// Files and directories of a package. Our own bound: AWS states none, and each one costs an inode.
  static let packageEntries = 100_000
  /// Bytes of one path inside a package, and how deep it may lie. Our own bounds.
  static let packagePathBytes = 1024
  static let packagePathDepth = 64
  /// Bytes of the target of a symbolic link inside a package. Our own bound.
  static let linkTargetBytes = 1024

  /// Bytes of all layers of an image together, uncompressed.
  static let imageBytes = 10_737_418_240
  /// Bytes of an image's settings: entry point, command, working directory, and the `ENV` of the image.
  static let imageSettingsBytes = 16_384
  /// Layers of an image: what Docker allows.
  static let imageLayers = 127
  /// Files and directories that the layers of an image name. Our own bounds, as those that follow: AWS states none.
  static let imageEntries = 1_000_000
  static let imagePathBytes = 3072
  static let imagePathDepth = 128
  static let imageURIBytes = 2048
  /// Bytes of a manifest, an index or a configuration.
  static let imageDocumentBytes = 4 << 20
  /// Files of an archive that holds an image.
  static let imageArchiveFiles = 10_000
  /// Bytes of a record with a long name in a tar.
  static let tarRecordBytes = 1 << 20

  static let layers = 5
  static let nameLength = 64
  static let timeoutSeconds = 1...900
  static let defaultTimeoutSeconds = 3
  static let memoryMegabytes = 128...10_240
  static let defaultMemoryMegabytes = 128
  static let ephemeralStorageMegabytes = 512...10_240
  static let defaultEphemeralStorageMegabytes = 512
  /// Bytes of the environment variables, names and values, as JSON.
  static let environmentBytes = 4096
  static let tags = 50
  static let descriptionLength = 256
  static let handlerLength = 128

  /// Bytes of a function's resource policy.
  static let policyBytes = 20_480
  /// Concurrent executions of an account in a Region, unless the operator says otherwise.
  static let accountConcurrency = 1000
  /// Of these, what reservations must leave to functions without one.
  static let unreservedConcurrency = 100
  /// Bytes of the zips of all versions and layers of an account in a Region: 75 GB.
  static let codeStorageBytes = 80_530_636_800

  static let listItems = 1...10_000
  /// Items of one page of functions and versions, whatever `MaxItems` says.
  static let listPage = 50
  static let mappingPage = 100

  static let mappingBatchSize = 1...10_000
  static let sqsBatchSizeWithoutWindow = 10
  static let defaultSQSBatchSize = 10
  static let batchingWindowSeconds = 0...300
  /// Filters of a mapping.
  static let filters = 5
  static let mappingConcurrency = 2...1000
  /// Pollers of a queue in provisioned mode; the API model allows a minimum of 1, which is Kafka's.
  static let minimumPollers = 2...200
  static let maximumPollers = 2...2000
  static let defaultMaximumPollers = 200

  static let defaultStreamBatchSize = 100
  static let parallelizationFactor = 1...10
  /// Besides -1, which is no limit.
  static let recordAgeSeconds = 60...604_800
  static let streamRetryAttempts = -1...10_000
  static let tumblingWindowSeconds = 0...900
  /// Bytes of the state that a function hands on within a tumbling window; more ends the window early.
  static let windowStateBytes = 1 << 20

  static let retryAttempts = 0...2
  static let eventAgeSeconds = 60...21_600
}

/// The quotas of an account in a Region that can be others than AWS's standard.
struct AccountLimits: Sendable {
  /// Concurrent executions.
  var concurrency = LambdaLimits.accountConcurrency
  var codeStorageBytes = LambdaLimits.codeStorageBytes

  /// What must be left to functions that reserve nothing. An account with a small quota has to leave all of it.
  var unreservedConcurrency: Int { min(LambdaLimits.unreservedConcurrency, concurrency) }
}

extension ClosedRange<Int> {
  /// - Throws: `ValidationException` in the words of the model's own validation.
  func check(_ value: Int, at path: String) throws {
    if value < lowerBound {
      throw LambdaError.constraint("\(value)", at: path, "have value greater than or equal to \(lowerBound)")
    }
    if value > upperBound {
      throw LambdaError.constraint("\(value)", at: path, "have value less than or equal to \(upperBound)")
    }
  }
}
