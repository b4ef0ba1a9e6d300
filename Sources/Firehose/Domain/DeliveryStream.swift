import Base

/// What identifies a delivery stream to its users.
struct DeliveryStreamID: Hashable, Sendable {
  let account: AccountID
  let region: Region
  let name: String
  init(_ account: AccountID, _ region: Region, _ name: String) { (self.account, self.region, self.name) = (account, region, name) }
  var arn: ARN { ARN("firehose", region, account, "deliverystream/\(name)") }
}

/// Records on their way to a destination, which get there in batches.
struct DeliveryStream: Sendable, Equatable {
  /// - creating: becomes active
  /// - active: may become deleting
  /// - deleting: goes away
  enum Status: String, Sendable { case creating = "CREATING", active = "ACTIVE", deleting = "DELETING" }
  enum Source: Sendable, Equatable {
    case directPut
    /// Records of a stream of Kinesis from the time on at which this came to be.
    case kinesis(stream: ARN, role: ARN)
  }
  enum Destination: Sendable, Equatable {
    case bucket(BucketDestination)
    case endpoint(EndpointDestination)

    /// All as which something is done: who names them must be allowed to pass them.
    var roles: [ARN] {
      switch self {
      case .bucket(let bucket): [bucket.role] + bucket.backup.map(\.role)
      case .endpoint(let endpoint): [endpoint.backup.role] + (endpoint.role.map { [$0] } ?? [])
      }
    }
  }

  let name: DeliveryStreamID
  /// Whose records are below it; never used again.
  let id: Int64
  let created: Instant
  var updated: Instant?
  var version = 1
  var status = Status.creating
  let source: Source
  var destination: Destination
  var tags: [String: String] = [:]
  /// Nil: not encrypted; else the ARN of a key, or empty for one of AWS. The records are not encrypted at rest by us.
  var encryptionKey: String?

  static let destinationID = "destinationId-000000000001"

  init(name: DeliveryStreamID, id: Int64, created: Instant, source: Source, destination: Destination) {
    (self.name, self.id, self.created, self.source, self.destination) = (name, id, created, source, destination)
  }

  var buffer: Buffer {
    switch destination {
    case .bucket(let bucket): bucket.buffer
    case .endpoint(let endpoint): endpoint.buffer
    }
  }
  var processing: Processing? {
    switch destination {
    case .bucket(let bucket): bucket.processing
    case .endpoint(let endpoint): endpoint.processing
    }
  }
}

/// When a batch is complete: whichever comes first.
struct Buffer: Sendable, Equatable {
  var mebibytes: Int
  var seconds: Int
  /// Of one delivery.
  var bytes: Int { min(mebibytes << 20, FirehoseLimits.deliveryBytes) }
  var interval: Duration { .seconds(seconds) }

  /// Throws InvalidArgumentException.
  init(mebibytes: Int?, seconds: Int?, largest: Int = FirehoseLimits.bufferMebibytes.upperBound) throws(AWSError) {
    guard (mebibytes == nil) == (seconds == nil) else {
      throw FirehoseError.invalid("BufferingHints must have both SizeInMBs and IntervalInSeconds, or neither.")
    }
    (self.mebibytes, self.seconds) = (mebibytes ?? FirehoseLimits.standardMebibytes, seconds ?? FirehoseLimits.standardSeconds)
    guard (1...largest).contains(self.mebibytes), FirehoseLimits.bufferSeconds.contains(self.seconds) else {
      throw FirehoseError.invalid("BufferingHints are out of range: SizeInMBs 1 to \(largest), IntervalInSeconds 0 to 900.")
    }
  }
  init(stored mebibytes: Int, _ seconds: Int) { (self.mebibytes, self.seconds) = (mebibytes, seconds) }
}

/// A bucket of S3.
struct BucketDestination: Sendable, Equatable {
  var role: ARN
  var bucket: String
  var prefix: String?
  var errorPrefix: String?
  var buffer: Buffer
  var isGzip = false
  var fileExtension: String?
  var kmsKey: String?
  var logging: Logging?
  var processing: Processing?
  /// Everything that came in is kept there, too.
  var backup: [BucketDestination] = []

  var bucketARN: String { "arn:aws:s3:::\(bucket)" }
}

/// Where failures are told.
struct Logging: Sendable, Equatable {
  var group: String
  var stream: String
}

/// A web server that takes batches as JSON.
struct EndpointDestination: Sendable, Equatable {
  var url: String
  var name: String?
  var accessKey: String?
  var isGzip = false
  var attributes: [String: String] = [:]
  var role: ARN?
  var buffer: Buffer
  /// Seconds for which a batch is tried.
  var patience = FirehoseLimits.endpointPatience
  var logging: Logging?
  var processing: Processing?
  /// Where batches go that the endpoint does not take, and all when `keepsAll`.
  var backup: BucketDestination
  var keepsAll = false
}

/// A function that changes records on their way.
struct Processing: Sendable, Equatable {
  var isOn: Bool
  var function: ARN?
  var retries = FirehoseLimits.transformRetries
  /// Of one call.
  var bytes = FirehoseLimits.transformBytes
  /// As they were given.
  var parameters: [String: String] = [:]
}
