import Base
import Wire

/// A copy of an archived object that can be read for a while.
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html)
struct Restoration: Sendable, Equatable {
  enum Tier: String, Sendable { case expedited = "Expedited", standard = "Standard", bulk = "Bulk" }

  /// From then on it can be read …
  var readyAt: Instant
  /// … and from then on no more: a midnight of UTC.
  var expiresAt: Instant
  var days: Int

  func isUnderWay(at now: Instant) -> Bool { now < readyAt }
  func isReadable(at now: Instant) -> Bool { readyAt <= now && now < expiresAt }

  /// How long it takes, at the least that AWS says; nil for a tier that the class does not have.
  static func delay(_ tier: Tier, of storageClass: String) -> Duration? {
    switch (tier, storageClass) {
    case (.expedited, "GLACIER"): .minutes(1)
    case (.standard, "GLACIER"): .minutes(3 * 60)
    case (.bulk, "GLACIER"): .minutes(5 * 60)
    case (.standard, "DEEP_ARCHIVE"): .minutes(12 * 60)
    case (.bulk, "DEEP_ARCHIVE"): .minutes(48 * 60)
    default: nil
    }
  }

  init(readyAt: Instant, expiresAt: Instant, days: Int) { (self.readyAt, self.expiresAt, self.days) = (readyAt, expiresAt, days) }
  init(readyAt: Instant, days: Int) {
    self.init(readyAt: readyAt, expiresAt: LifecycleRule.due(days, after: readyAt), days: days)
  }

  /// `x-amz-restore`; nil when it is over.
  func header(at now: Instant) -> String? {
    if isUnderWay(at: now) { return #"ongoing-request="true""# }
    return isReadable(at: now) ? #"ongoing-request="false", expiry-date="\#(expiresAt.httpDate)""# : nil
  }

  /// What lists show of it.
  func status(at now: Instant) -> RestoreStatus? {
    guard isUnderWay(at: now) || isReadable(at: now) else { return nil }
    var status = RestoreStatus()
    status.isRestoreInProgress = isUnderWay(at: now)
    if isReadable(at: now) { status.restoreExpiryDate = expiresAt }
    return status
  }
}

extension RecordView {
  /// `x-amz-optional-object-attributes` of lists.
  var wantsRestoreStatus: Bool {
    Self.shape.place(of: "OptionalObjectAttributes").flatMap { record.slots[$0]?.list }?.contains { $0.string == "RestoreStatus" } ?? false
  }
}

extension ObjectDescription {
  /// Its bytes are in an archive: it would have to be restored first.
  var isInArchive: Bool { storageClass == "GLACIER" || storageClass == "DEEP_ARCHIVE" }

  /// Throws InvalidObjectState for bytes that are not at hand.
  func checkReadable(at now: Instant) throws(AWSError) {
    guard isInArchive, restoration?.isReadable(at: now) != true else { return }
    throw S3Error.archived(storageClass ?? "")
  }

  /// The restoration that is under way, or whose copy can be read.
  func presentRestoration(at now: Instant) -> Restoration? {
    restoration.flatMap { $0.isUnderWay(at: now) || $0.isReadable(at: now) ? $0 : nil }
  }
}
