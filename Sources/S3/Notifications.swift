import Base
import Fabric
import Store

/// What a transaction has accepted for delivery; to be begun once it is committed.
struct Announced: Sendable {}

/// Events of objects on their way to those whom the bucket notifies.
extension S3Service {
  /// Part of the transaction that changes the object: the change and its events are one step. A bucket that notifies nobody
  /// costs nothing here.
  /// - Parameter state: the bucket as this transaction sees it (`BucketCache.current`).
  func announce(_ event: ObjectEvent, in state: BucketState, by origin: EventOrigin, to rows: any Transaction) throws -> Announced {
    Announced()
  }

  /// After the commit: the first attempts begin at once.
  func started(_ announced: Announced) {}
}
