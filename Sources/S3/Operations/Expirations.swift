import Base
import Fabric
import Wire

/// What answers say of the lifecycle: when an object will expire, and when an upload will be aborted.
extension Record {
  /// `x-amz-expiration`, for the current version of a key.
  mutating func show(expirationOf version: ObjectVersion, _ key: String, in state: BucketState) {
    guard let lifecycle = state.lifecycle, let facts = version.facts else { return }
    var view = Lifecycle.Version(key: key, modified: version.modified)
    (view.size, view.storageClass) = (facts.size, facts.description.storageClass)
    view.tags = Dictionary(facts.description.tags.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    guard let (date, rule) = lifecycle.expiration(of: view) else { return }
    self["Expiration"] = .string(#"expiry-date="\#(date.httpDate)", rule-id="\#(percentEncoded(rule))""#)
  }

  /// `x-amz-abort-date` and `x-amz-abort-rule-id`.
  mutating func show(abortionOf upload: MultipartUpload, in state: BucketState) {
    guard let (date, rule) = state.lifecycle?.uploadEnd(upload.key, initiated: upload.initiated) else { return }
    self["AbortDate"] = .timestamp(date)
    self["AbortRuleId"] = .string(rule)
  }
}
