import Base
import Wire

/// From what is configured to what is done. What is not served is refused, by its name.
enum DestinationReading {
  /// Destinations and sources that there are on AWS and not here.
  static func refuseOthers(_ input: CreateDeliveryStreamInput) throws(AWSError) {
    let others = [
      "RedshiftDestinationConfiguration", "ElasticsearchDestinationConfiguration", "AmazonopensearchserviceDestinationConfiguration",
      "SplunkDestinationConfiguration", "AmazonOpenSearchServerlessDestinationConfiguration", "SnowflakeDestinationConfiguration",
      "IcebergDestinationConfiguration", "MSKSourceConfiguration", "DatabaseSourceConfiguration",
    ]
    for name in others where input.record[name] != nil { throw FirehoseError.notServed(name) }
  }
  static func refuseOthers(_ input: UpdateDestinationInput) throws(AWSError) {
    let others = [
      "RedshiftDestinationUpdate", "ElasticsearchDestinationUpdate", "AmazonopensearchserviceDestinationUpdate", "SplunkDestinationUpdate",
      "AmazonOpenSearchServerlessDestinationUpdate", "SnowflakeDestinationUpdate", "IcebergDestinationUpdate",
    ]
    for name in others where input.record[name] != nil { throw FirehoseError.notServed(name) }
  }

  static func source(_ input: CreateDeliveryStreamInput) throws(AWSError) -> DeliveryStream.Source {
    switch input.deliveryStreamType ?? "DirectPut" {
    case "DirectPut":
      guard input.kinesisStreamSourceConfiguration == nil else {
        throw FirehoseError.invalid("KinesisStreamSourceConfiguration is only for KinesisStreamAsSource delivery streams.")
      }
      return .directPut
    case "KinesisStreamAsSource":
      guard let given = input.kinesisStreamSourceConfiguration else {
        throw FirehoseError.invalid("KinesisStreamSourceConfiguration is required for KinesisStreamAsSource delivery streams.")
      }
      return .kinesis(stream: try arn(given.kinesisStreamARN), role: try arn(given.roleARN))
    case let other: throw FirehoseError.notServed("DeliveryStreamType \(other)")
    }
  }

  static func destination(_ input: CreateDeliveryStreamInput) throws(AWSError) -> DeliveryStream.Destination {
    let given = [
      input.s3DestinationConfiguration != nil, input.extendedS3DestinationConfiguration != nil,
      input.httpEndpointDestinationConfiguration != nil,
    ].count { $0 }
    guard given == 1 else { throw FirehoseError.invalid("Exactly one destination configuration is supported for a Firehose") }
    if let plain = input.s3DestinationConfiguration { return .bucket(try bucket(plain)) }
    if let extended = input.extendedS3DestinationConfiguration { return .bucket(try bucket(extended)) }
    guard let http = input.httpEndpointDestinationConfiguration else { throw FirehoseError.invalid("No destination is given.") }
    return .endpoint(try endpoint(http))
  }

  static func arn(_ text: String) throws(AWSError) -> ARN {
    guard let arn = ARN(text) else { throw FirehoseError.invalid("\(text) is no ARN.") }
    return arn
  }

  static func bucketName(_ text: String) throws(AWSError) -> String {
    guard let arn = ARN(text), arn.service == "s3", !arn.resource.isEmpty else {
      throw FirehoseError.invalid("BucketARN \(text) is not valid.")
    }
    return arn.resource
  }

  static func isGzip(_ format: String?) throws(AWSError) -> Bool {
    switch format ?? "UNCOMPRESSED" {
    case "UNCOMPRESSED": return false
    case "GZIP": return true
    case let other: throw FirehoseError.notServed("CompressionFormat \(other)")
    }
  }

  static func logging(_ options: CloudWatchLoggingOptions?) throws(AWSError) -> Logging? {
    guard let options, options.enabled == true else { return nil }
    guard let group = options.logGroupName, let stream = options.logStreamName else {
      throw FirehoseError.invalid("LogGroupName and LogStreamName are required when CloudWatchLoggingOptions are enabled.")
    }
    return Logging(group: group, stream: stream)
  }

  static func bucket(_ given: S3DestinationConfiguration) throws(AWSError) -> BucketDestination {
    var out = BucketDestination(
      role: try arn(given.roleARN), bucket: try bucketName(given.bucketARN), prefix: given.prefix, errorPrefix: given.errorOutputPrefix,
      buffer: try Buffer(mebibytes: given.bufferingHints?.sizeInMBs, seconds: given.bufferingHints?.intervalInSeconds))
    out.isGzip = try isGzip(given.compressionFormat)
    out.kmsKey = given.encryptionConfiguration?.kmsEncryptionConfig?.awskmsKeyARN
    out.logging = try logging(given.cloudWatchLoggingOptions)
    try KeyPattern.check(prefix: out.prefix, errorPrefix: out.errorPrefix)
    return out
  }

  static func bucket(_ given: ExtendedS3DestinationConfiguration) throws(AWSError) -> BucketDestination {
    if given.dynamicPartitioningConfiguration?.enabled == true { throw FirehoseError.notServed("DynamicPartitioningConfiguration") }
    if given.dataFormatConversionConfiguration?.enabled == true { throw FirehoseError.notServed("DataFormatConversionConfiguration") }
    try checkZone(given.customTimeZone)
    var out = BucketDestination(
      role: try arn(given.roleARN), bucket: try bucketName(given.bucketARN), prefix: given.prefix, errorPrefix: given.errorOutputPrefix,
      buffer: try Buffer(mebibytes: given.bufferingHints?.sizeInMBs, seconds: given.bufferingHints?.intervalInSeconds))
    out.isGzip = try isGzip(given.compressionFormat)
    out.kmsKey = given.encryptionConfiguration?.kmsEncryptionConfig?.awskmsKeyARN
    out.logging = try logging(given.cloudWatchLoggingOptions)
    out.fileExtension = given.fileExtension.flatMap { $0.isEmpty ? nil : $0 }
    out.processing = try processing(given.processingConfiguration)
    if given.s3BackupMode == "Enabled" {
      guard let backup = given.s3BackupConfiguration else {
        throw FirehoseError.invalid("S3BackupConfiguration is required when S3BackupMode is Enabled.")
      }
      out.backup = [try bucket(backup)]
    }
    try KeyPattern.check(prefix: out.prefix, errorPrefix: out.errorPrefix)
    return out
  }

  static func checkZone(_ zone: String?) throws(AWSError) {
    guard let zone, !["", "UTC", "Etc/UTC", "GMT"].contains(zone) else { return }
    throw FirehoseError.notServed("CustomTimeZone \(zone)")
  }

  static func endpoint(_ given: HttpEndpointDestinationConfiguration) throws(AWSError) -> EndpointDestination {
    if given.secretsManagerConfiguration?.enabled == true { throw FirehoseError.notServed("SecretsManagerConfiguration") }
    let hints = given.bufferingHints
    var out = EndpointDestination(
      url: given.endpointConfiguration.url, name: given.endpointConfiguration.name, accessKey: given.endpointConfiguration.accessKey,
      buffer: try Buffer(mebibytes: hints?.sizeInMBs, seconds: hints?.intervalInSeconds, largest: 64),
      backup: try bucket(given.s3Configuration))
    out.isGzip = given.requestConfiguration?.contentEncoding == "GZIP"
    out.attributes = Dictionary(
      (given.requestConfiguration?.commonAttributes ?? []).map { ($0.attributeName, $0.attributeValue) }, uniquingKeysWith: { $1 })
    if let role = given.roleARN { out.role = try arn(role) }
    out.patience = given.retryOptions?.durationInSeconds ?? FirehoseLimits.endpointPatience
    out.logging = try logging(given.cloudWatchLoggingOptions)
    out.processing = try processing(given.processingConfiguration)
    out.keepsAll = given.s3BackupMode == "AllData"
    return out
  }

  /// One function; other processors are not served.
  static func processing(_ given: ProcessingConfiguration?) throws(AWSError) -> Processing? {
    guard let given else { return nil }
    var out = Processing(isOn: given.enabled ?? false)
    for processor in given.processors ?? [] {
      guard processor.type == "Lambda" else { throw FirehoseError.notServed("Processor type \(processor.type)") }
      guard out.function == nil else { throw FirehoseError.invalid("Only one processor of type Lambda is allowed.") }
      for parameter in processor.parameters ?? [] { out.parameters[parameter.parameterName] = parameter.parameterValue }
      guard let function = out.parameters["LambdaArn"] else { throw FirehoseError.invalid("Parameter LambdaArn is required.") }
      out.function = try arn(function)
      out.retries = try number(out.parameters["NumberOfRetries"], FirehoseLimits.transformRetryRange) ?? out.retries
      if let size = out.parameters["BufferSizeInMBs"] {
        guard let mebibytes = Double(size), mebibytes >= 0.2, mebibytes <= 3 else {
          throw FirehoseError.invalid("BufferSizeInMBs must be between 0.2 and 3.")
        }
        out.bytes = Int(mebibytes * 1_048_576)
      }
      _ = try number(out.parameters["BufferIntervalInSeconds"], 0...900)
    }
    guard !out.isOn || out.function != nil else { throw FirehoseError.invalid("ProcessingConfiguration is enabled without a processor.") }
    return out
  }

  private static func number(_ text: String?, _ range: ClosedRange<Int>) throws(AWSError) -> Int? {
    guard let text else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw FirehoseError.invalid("\(text) is not a number between \(range.lowerBound) and \(range.upperBound).")
    }
    return number
  }
}
