import Wire

/// What a bucket can be set to, apart from versioning. Each is a document of the API's own shape, kept as it was accepted.
enum BucketSetting: String, Sendable, CaseIterable {
  case accelerate, acl, cors, encryption, lifecycle, logging, notification, objectLock, ownershipControls, policy
  case publicAccessBlock, replication, requestPayment, tagging, website

  var shape: StructureShape {
    switch self {
    case .accelerate: AccelerateConfiguration.shape
    case .acl: AccessControlPolicy.shape
    case .cors: S3CORSConfiguration.shape
    case .encryption: ServerSideEncryptionConfiguration.shape
    case .lifecycle: BucketLifecycleConfiguration.shape
    case .logging: BucketLoggingStatus.shape
    case .notification: NotificationConfiguration.shape
    case .objectLock: ObjectLockConfiguration.shape
    case .ownershipControls: OwnershipControls.shape
    case .policy: GetBucketPolicyOutput.shape
    case .publicAccessBlock: PublicAccessBlockConfiguration.shape
    case .replication: ReplicationConfiguration.shape
    case .requestPayment: RequestPaymentConfiguration.shape
    case .tagging: S3Tagging.shape
    case .website: WebsiteConfiguration.shape
    }
  }
}

/// All settings of a bucket.
struct BucketSettings: Sendable, Equatable {
  private(set) var records: [BucketSetting: Record] = [:]

  init(_ records: [BucketSetting: Record] = [:]) { self.records = records }

  /// Nil when the bucket is not set to any. A view of another shape than the setting's is a programming error.
  func get<View: RecordView>(_ setting: BucketSetting, as view: View.Type = View.self) -> View? {
    records[setting].map { record in
      precondition(record.shape === View.shape, "the setting \(setting) has the shape \(record.shape.name)")
      return View(record)
    }
  }
}

/// A bucket with its settings, as one read or transaction has seen them.
struct BucketState: Sendable {
  var bucket: Bucket
  var settings: BucketSettings
}
