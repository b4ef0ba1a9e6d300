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
    case .lifecycle: GetBucketLifecycleConfigurationOutput.shape
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

/// A bucket with its settings, as one read or transaction has seen them, with what every call asks read out of them once.
struct BucketState: Sendable {
  let bucket: Bucket
  let settings: BucketSettings

  /// The bucket's policy, as it was tied to its principals.
  let policy: String?
  let hasPublicPolicy: Bool
  let publicAccess: PublicAccess
  let ownership: ObjectOwnership
  let requesterPays: Bool
  let notifications: NotificationRules
  /// Nil: everything stays.
  let lifecycle: Lifecycle?

  init(bucket: Bucket, settings: BucketSettings) {
    (self.bucket, self.settings) = (bucket, settings)
    policy = settings.get(.policy, as: GetBucketPolicyOutput.self)?.policy
    hasPublicPolicy = policy.map { BucketPolicy(kept: $0).isPublic } ?? false
    publicAccess = PublicAccess(settings.get(.publicAccessBlock))
    let controls: OwnershipControls? = settings.get(.ownershipControls)
    // A bucket without ownership controls is as buckets were before there were any.
    ownership = controls?.rules.first.flatMap { ObjectOwnership(rawValue: $0.objectOwnership) } ?? .objectWriter
    requesterPays = settings.get(.requestPayment, as: RequestPaymentConfiguration.self)?.payer == "Requester"
    notifications = settings.get(.notification).map { NotificationRules($0) } ?? NotificationRules()
    lifecycle = settings.get(.lifecycle).map { Lifecycle($0) }
  }
}
