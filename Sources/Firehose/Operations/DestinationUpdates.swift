import Base
import Wire

/// A destination with what an update brings; what it does not name stays.
extension DestinationReading {
  static func updated(_ old: DeliveryStream.Destination, _ input: UpdateDestinationInput) throws(AWSError) -> DeliveryStream.Destination {
    let given = [
      input.s3DestinationUpdate != nil, input.extendedS3DestinationUpdate != nil, input.httpEndpointDestinationUpdate != nil,
    ].count { $0 }
    guard given == 1 else { throw FirehoseError.invalid("Exactly one destination update is supported for a Firehose") }
    switch old {
    case .bucket(let bucket):
      if let update = input.s3DestinationUpdate { return .bucket(try updated(bucket, update)) }
      if let update = input.extendedS3DestinationUpdate { return .bucket(try updated(bucket, update)) }
    case .endpoint(let endpoint):
      if let update = input.httpEndpointDestinationUpdate { return .endpoint(try updated(endpoint, update)) }
    }
    throw FirehoseError.invalid("The type of a destination cannot be changed.")
  }

  private static func updated(_ buffer: Buffer, _ hints: (Int?, Int?)?, largest: Int = 128) throws(AWSError) -> Buffer {
    guard let hints else { return buffer }
    return try Buffer(mebibytes: hints.0, seconds: hints.1, largest: largest)
  }

  static func updated(_ old: BucketDestination, _ update: S3DestinationUpdate) throws(AWSError) -> BucketDestination {
    var out = old
    if let role = update.roleARN { out.role = try arn(role) }
    if let bucket = update.bucketARN { out.bucket = try bucketName(bucket) }
    out.prefix = update.prefix ?? old.prefix
    out.errorPrefix = update.errorOutputPrefix ?? old.errorPrefix
    out.buffer = try updated(old.buffer, update.bufferingHints.map { ($0.sizeInMBs, $0.intervalInSeconds) })
    if let format = update.compressionFormat { out.isGzip = try isGzip(format) }
    if let encryption = update.encryptionConfiguration { out.kmsKey = encryption.kmsEncryptionConfig?.awskmsKeyARN }
    if let options = update.cloudWatchLoggingOptions { out.logging = try logging(options) }
    try KeyPattern.check(prefix: out.prefix, errorPrefix: out.errorPrefix)
    return out
  }

  static func updated(_ old: BucketDestination, _ update: ExtendedS3DestinationUpdate) throws(AWSError) -> BucketDestination {
    if update.dynamicPartitioningConfiguration?.enabled == true { throw FirehoseError.notServed("DynamicPartitioningConfiguration") }
    if update.dataFormatConversionConfiguration?.enabled == true { throw FirehoseError.notServed("DataFormatConversionConfiguration") }
    try checkZone(update.customTimeZone)
    var out = old
    if let role = update.roleARN { out.role = try arn(role) }
    if let bucket = update.bucketARN { out.bucket = try bucketName(bucket) }
    out.prefix = update.prefix ?? old.prefix
    out.errorPrefix = update.errorOutputPrefix ?? old.errorPrefix
    out.buffer = try updated(old.buffer, update.bufferingHints.map { ($0.sizeInMBs, $0.intervalInSeconds) })
    if let format = update.compressionFormat { out.isGzip = try isGzip(format) }
    if let encryption = update.encryptionConfiguration { out.kmsKey = encryption.kmsEncryptionConfig?.awskmsKeyARN }
    if let options = update.cloudWatchLoggingOptions { out.logging = try logging(options) }
    if let ending = update.fileExtension { out.fileExtension = ending.isEmpty ? nil : ending }
    if let given = update.processingConfiguration { out.processing = try processing(given) }
    switch update.s3BackupMode {
    // As on AWS a backup cannot be switched off again.
    case "Disabled" where !old.backup.isEmpty: throw FirehoseError.invalid("S3BackupMode cannot be disabled once it is enabled.")
    case "Enabled" where old.backup.isEmpty:
      throw FirehoseError.notServed("Enabling S3BackupMode after creation")
    default: break
    }
    if let backup = update.s3BackupUpdate, let first = old.backup.first { out.backup = [try updated(first, backup)] }
    try KeyPattern.check(prefix: out.prefix, errorPrefix: out.errorPrefix)
    return out
  }

  static func updated(_ old: EndpointDestination, _ update: HttpEndpointDestinationUpdate) throws(AWSError) -> EndpointDestination {
    if update.secretsManagerConfiguration?.enabled == true { throw FirehoseError.notServed("SecretsManagerConfiguration") }
    var out = old
    if let endpoint = update.endpointConfiguration {
      (out.url, out.name, out.accessKey) = (endpoint.url, endpoint.name ?? old.name, endpoint.accessKey ?? old.accessKey)
    }
    out.buffer = try updated(old.buffer, update.bufferingHints.map { ($0.sizeInMBs, $0.intervalInSeconds) }, largest: 64)
    if let request = update.requestConfiguration {
      if let encoding = request.contentEncoding { out.isGzip = encoding == "GZIP" }
      if let attributes = request.commonAttributes {
        out.attributes = Dictionary(attributes.map { ($0.attributeName, $0.attributeValue) }, uniquingKeysWith: { $1 })
      }
    }
    if let role = update.roleARN { out.role = try arn(role) }
    out.patience = update.retryOptions?.durationInSeconds ?? old.patience
    if let options = update.cloudWatchLoggingOptions { out.logging = try logging(options) }
    if let given = update.processingConfiguration { out.processing = try processing(given) }
    if let mode = update.s3BackupMode { out.keepsAll = mode == "AllData" }
    if let backup = update.s3Update { out.backup = try updated(old.backup, backup) }
    return out
  }
}
