import Base
import Wire

/// What a delivery stream looks like, with everything that was left out filled in.
extension DeliveryStreamDescription {
  init(_ stream: DeliveryStream) {
    self.init()
    (deliveryStreamName, deliveryStreamARN) = (stream.name.name, stream.name.arn.text)
    (deliveryStreamStatus, deliveryStreamType) = (stream.status.rawValue, stream.source.type)
    (versionId, createTimestamp, lastUpdateTimestamp) = (String(stream.version), stream.created, stream.updated)
    var encryption = DeliveryStreamEncryptionConfiguration()
    encryption.status = stream.encryptionKey == nil ? "DISABLED" : "ENABLED"
    if let key = stream.encryptionKey {
      encryption.keyType = key.isEmpty ? "AWS_OWNED_CMK" : "CUSTOMER_MANAGED_CMK"
      encryption.keyARN = key.isEmpty ? nil : key
    }
    deliveryStreamEncryptionConfiguration = encryption
    if case .kinesis(let arn, let role) = stream.source {
      var description = KinesisStreamSourceDescription()
      (description.kinesisStreamARN, description.roleARN) = (arn.text, role.text)
      description.deliveryStartTimestamp = stream.created
      var source = SourceDescription()
      source.kinesisStreamSourceDescription = description
      self.source = source
    }
    var destination = DestinationDescription()
    destination.destinationId = DeliveryStream.destinationID
    switch stream.destination {
    case .bucket(let bucket):
      destination.s3DestinationDescription = S3DestinationDescription(bucket)
      destination.extendedS3DestinationDescription = ExtendedS3DestinationDescription(bucket)
    case .endpoint(let endpoint):
      destination.httpEndpointDestinationDescription = HttpEndpointDestinationDescription(endpoint)
    }
    (destinations, hasMoreDestinations) = ([destination], false)
  }
}

extension BufferingHints {
  fileprivate init(_ buffer: Buffer) {
    self.init()
    (sizeInMBs, intervalInSeconds) = (buffer.mebibytes, buffer.seconds)
  }
}

extension EncryptionConfiguration {
  fileprivate init(_ key: String?) {
    self.init()
    guard let key else { noEncryptionConfig = "NoEncryption"; return }
    var config = KMSEncryptionConfig()
    config.awskmsKeyARN = key
    kmsEncryptionConfig = config
  }
}

extension CloudWatchLoggingOptions {
  fileprivate init(_ logging: Logging?) {
    self.init()
    enabled = logging != nil
    (logGroupName, logStreamName) = (logging?.group, logging?.stream)
  }
}

extension ProcessingConfiguration {
  fileprivate init(_ processing: Processing?) {
    self.init()
    enabled = processing?.isOn ?? false
    guard let processing, processing.function != nil else { processors = []; return }
    var processor = FirehoseProcessor()
    processor.type = "Lambda"
    processor.parameters = processing.parameters.sorted { $0.key < $1.key }.map { name, value in
      var parameter = ProcessorParameter()
      (parameter.parameterName, parameter.parameterValue) = (name, value)
      return parameter
    }
    processors = [processor]
  }
}

extension S3DestinationDescription {
  fileprivate init(_ bucket: BucketDestination) {
    self.init()
    (roleARN, bucketARN, prefix, errorOutputPrefix) = (bucket.role.text, bucket.bucketARN, bucket.prefix, bucket.errorPrefix)
    bufferingHints = BufferingHints(bucket.buffer)
    compressionFormat = bucket.isGzip ? "GZIP" : "UNCOMPRESSED"
    encryptionConfiguration = EncryptionConfiguration(bucket.kmsKey)
    cloudWatchLoggingOptions = CloudWatchLoggingOptions(bucket.logging)
  }
}

extension ExtendedS3DestinationDescription {
  fileprivate init(_ bucket: BucketDestination) {
    self.init()
    (roleARN, bucketARN, prefix, errorOutputPrefix) = (bucket.role.text, bucket.bucketARN, bucket.prefix, bucket.errorPrefix)
    bufferingHints = BufferingHints(bucket.buffer)
    compressionFormat = bucket.isGzip ? "GZIP" : "UNCOMPRESSED"
    encryptionConfiguration = EncryptionConfiguration(bucket.kmsKey)
    cloudWatchLoggingOptions = CloudWatchLoggingOptions(bucket.logging)
    processingConfiguration = ProcessingConfiguration(bucket.processing)
    s3BackupMode = bucket.backup.isEmpty ? "Disabled" : "Enabled"
    s3BackupDescription = bucket.backup.first.map { S3DestinationDescription($0) }
    fileExtension = bucket.fileExtension
  }
}

extension HttpEndpointDestinationDescription {
  fileprivate init(_ endpoint: EndpointDestination) {
    self.init()
    var configuration = HttpEndpointDescription()
    // The key is never shown.
    (configuration.url, configuration.name) = (endpoint.url, endpoint.name)
    endpointConfiguration = configuration
    var hints = HttpEndpointBufferingHints()
    (hints.sizeInMBs, hints.intervalInSeconds) = (endpoint.buffer.mebibytes, endpoint.buffer.seconds)
    bufferingHints = hints
    cloudWatchLoggingOptions = CloudWatchLoggingOptions(endpoint.logging)
    var request = HttpEndpointRequestConfiguration()
    request.contentEncoding = endpoint.isGzip ? "GZIP" : "NONE"
    request.commonAttributes = endpoint.attributes.sorted { $0.key < $1.key }.map { name, value in
      var attribute = HttpEndpointCommonAttribute()
      (attribute.attributeName, attribute.attributeValue) = (name, value)
      return attribute
    }
    requestConfiguration = request
    processingConfiguration = ProcessingConfiguration(endpoint.processing)
    roleARN = endpoint.role?.text
    var retry = HttpEndpointRetryOptions()
    retry.durationInSeconds = endpoint.patience
    retryOptions = retry
    s3BackupMode = endpoint.keepsAll ? "AllData" : "FailedDataOnly"
    s3DestinationDescription = S3DestinationDescription(endpoint.backup)
  }
}
