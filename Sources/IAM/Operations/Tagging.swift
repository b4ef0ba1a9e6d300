import Fabric
import Wire

/// What has tags and is no user, group or role.
protocol Tagged: Sendable {
  var tags: [Tag] { get set }
}
extension InstanceProfile: Tagged {}
extension ManagedPolicy: Tagged {}

/// What the operations that list the tags of one resource answer.
protocol TagPage: RecordView {
  var tags: [IAMTag] { get set }
  var isTruncated: Bool? { get set }
  var marker: String? { get set }
}
extension ListInstanceProfileTagsOutput: TagPage {}
extension ListOpenIDConnectProviderTagsOutput: TagPage {}
extension ListPolicyTagsOutput: TagPage {}
extension ListRoleTagsOutput: TagPage {}
extension ListUserTagsOutput: TagPage {}

extension TagPage {
  init(_ tags: [Tag], after marker: String?, limit: Int?) throws {
    let page = try Page(tags, after: marker, limit: limit, key: \.key)
    self.init()
    self.tags = page.items.shapes
    (isTruncated, self.marker) = (page.isTruncated, page.marker)
  }
}

extension IAMService {
  /// Changes the tags of what is found, and saves it.
  func changeTags<Target: Tagged>(
    _ call: Call, of find: @escaping @Sendable (IAMChanges) throws -> Target,
    save: @escaping @Sendable (IAMChanges, Target) throws -> Void, _ body: @escaping @Sendable (inout [Tag]) throws -> Void
  ) async throws {
    try await change(call.account) { tx in
      var target = try find(tx)
      try body(&target.tags)
      try save(tx, target)
    }
  }
}
