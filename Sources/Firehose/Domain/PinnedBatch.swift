/// What of a batch must be the same when it is tried again, also after a restart: an endpoint knows a batch by the id of its request,
/// and a backup has every record once.
struct PinnedBatch: Sendable, Equatable {
  /// The number of its last record.
  var last: Int64
  var request: String
  /// Everything in it is where the backup says.
  var isBackedUp = false
}
