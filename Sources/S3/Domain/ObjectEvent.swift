import Base
import Fabric

/// Something that happened to an object, of which a bucket can notify others.
struct ObjectEvent: Sendable, Equatable {
  /// The names of the event types without `s3:`, as records have them.
  enum Kind: String, Sendable, CaseIterable {
    case createdPut = "ObjectCreated:Put"
    case createdPost = "ObjectCreated:Post"
    case createdCopy = "ObjectCreated:Copy"
    case createdByMultipart = "ObjectCreated:CompleteMultipartUpload"
    case removed = "ObjectRemoved:Delete"
    case markedDeleted = "ObjectRemoved:DeleteMarkerCreated"
    case restoreBegun = "ObjectRestore:Post"
    case restored = "ObjectRestore:Completed"
    case restoredExpired = "ObjectRestore:Delete"
    case tagged = "ObjectTagging:Put"
    case untagged = "ObjectTagging:Delete"
    case aclPut = "ObjectAcl:Put"
    case expired = "LifecycleExpiration:Delete"
    case expiredToMarker = "LifecycleExpiration:DeleteMarkerCreated"
    case transitioned = "LifecycleTransition"
  }

  var kind: Kind
  var key: String
  /// Nil where the event is about no content, as a deletion's.
  var size: Int?
  /// Without quotes.
  var eTag: String?
  /// Nil in a bucket that was never versioned.
  var versionID: String?
  /// Hexadecimal; of two changes of one key the later has the greater one.
  var sequencer: String?
  /// Of a transition the new one, of a restoration that of the archive.
  var storageClass: String?
  /// When the restored copy ends; only of a completed restoration.
  var restoreExpiry: Instant?

  init(_ kind: Kind, key: String, size: Int? = nil, eTag: String? = nil, versionID: String? = nil, sequencer: String? = nil) {
    (self.kind, self.key, self.size, self.eTag) = (kind, key, size, eTag)
    (self.versionID, self.sequencer) = (versionID, sequencer)
  }

  /// What a lifecycle deletes has types of its own.
  var byLifecycle: ObjectEvent {
    var event = self
    if kind == .removed { event.kind = .expired }
    if kind == .markedDeleted { event.kind = .expiredToMarker }
    return event
  }
}

/// Who or what caused an event.
struct EventOrigin: Sendable {
  var requestID: String
  /// The operation of the API, which EventBridge gives as the reason; `Lifecycle Expiration` where a worker did it.
  var operation: String
  var principal: Principal
  var sourceIP: String?
  var trace: TraceContext
  var time: Instant
  /// Nobody did it: it was due.
  var isLifecycle = false

  init(_ call: Call) {
    (requestID, operation, principal) = (call.requestID, call.operation, call.principal)
    (sourceIP, trace, time) = (call.sourceIP, call.trace, call.now)
  }

  /// S3 itself, by the lifecycle of the bucket.
  init(lifecycle operation: String, of bucket: Bucket, _ ambient: Ambient) {
    (requestID, self.operation) = (ambient.uuid(), operation)
    principal = .service(ServicePrincipal("s3.amazonaws.com", sourceARN: bucket.arn, sourceAccount: bucket.owner))
    (trace, time, isLifecycle) = (TraceContext(ambient), ambient.now, true)
  }
}
