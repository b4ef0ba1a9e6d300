import Base
import Fabric
import Store

/// What happened to an object, told inside the transaction that does it.
struct ObjectEvent: Sendable {
  /// The names of notifications, without `s3:`.
  /// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html)
  enum Kind: String, Sendable, CaseIterable {
    case put = "ObjectCreated:Put"
    case post = "ObjectCreated:Post"
    case copy = "ObjectCreated:Copy"
    case completeMultipartUpload = "ObjectCreated:CompleteMultipartUpload"
    case deleted = "ObjectRemoved:Delete"
    case deleteMarkerCreated = "ObjectRemoved:DeleteMarkerCreated"
    case tagsPut = "ObjectTagging:Put"
    case tagsDeleted = "ObjectTagging:Delete"
    case aclPut = "ObjectAcl:Put"
    case expired = "LifecycleExpiration:Delete"
    case expiredByMarker = "LifecycleExpiration:DeleteMarkerCreated"
  }

  /// On whose behalf, and by what request.
  struct Cause: Sendable {
    /// `AWS:AIDA…`, an account's root, a service: as `userIdentity.principalId` shows it.
    var principalID: String
    /// The account that asked; of an anonymous caller that of the bucket.
    var account: AccountID
    /// Nil for calls from inside.
    var sourceIP: String?
    var requestID: String
    var trace: TraceContext

    init(_ call: Call) {
      (principalID, account, sourceIP) = (call.principal.userID, call.account, call.sourceIP)
      (requestID, trace) = (call.requestID, call.trace)
    }
    init(principalID: String, account: AccountID, sourceIP: String? = nil, requestID: String, trace: TraceContext) {
      (self.principalID, self.account, self.sourceIP) = (principalID, account, sourceIP)
      (self.requestID, self.trace) = (requestID, trace)
    }
  }

  var kind: Kind
  var bucket: String
  var key: String
  /// In bytes. Nil where AWS leaves it out: deletions.
  var size: Int?
  /// Without quotes. Nil where AWS leaves it out: permanent deletions.
  var eTag: String?
  /// Nil in a bucket that never had versioning, and for the version `null`.
  var versionID: String?
  /// Hexadecimal; later events of a key have greater ones.
  var sequencer: String
  var at: Instant
  var cause: Cause
}

/// Turns what happens to objects into notifications.
protocol ObjectEventSink: Sendable {
  /// Part of the transaction that changes the object: accepted and to be delivered is one step. It may run again with the transaction.
  /// - Returns: what to do once the transaction is durable; nil when nobody wants to hear of it.
  func note(_ event: ObjectEvent, _ transaction: any Transaction) throws -> (@Sendable () -> Void)?
}

/// Nobody hears of anything.
struct SilentEventSink: ObjectEventSink {
  func note(_ event: ObjectEvent, _ transaction: any Transaction) throws -> (@Sendable () -> Void)? { nil }
}
