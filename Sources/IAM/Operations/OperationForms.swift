import Base
import Fabric
import Wire

/// The few forms that operations have: on an entity, on a policy, on a part of the name space.
extension IAMService {
  /// On the user, group or role that the input names.
  func operation<I: RecordView, O: RecordView>(
    _ name: String, on kind: Entity.Kind, _ target: any KeyPath<I, String> & Sendable,
    _ run: @escaping @Sendable (I, Call) async throws -> O, _ facts: @escaping @Sendable (I) -> [String: [String]] = { _ in [:] }
  ) -> Operation {
    Operation(
      name, access: { [self] in try await access(name, kind, $0[keyPath: target], $1, facts($0)) }, run: run)
  }
  func operation<I: RecordView>(
    _ name: String, on kind: Entity.Kind, _ target: any KeyPath<I, String> & Sendable,
    _ run: @escaping @Sendable (I, Call) async throws -> Void,
    _ facts: @escaping @Sendable (I) -> [String: [String]] = { _ in [:] }
  ) -> Operation {
    Operation(
      name, access: { [self] in try await access(name, kind, $0[keyPath: target], $1, facts($0)) }, run: run)
  }
  /// On the user that the input names, else on the caller.
  func operation<I: RecordView, O: RecordView>(
    _ name: String, onCallerOr target: any KeyPath<I, String?> & Sendable, _ run: @escaping @Sendable (I, Call) async throws -> O
  ) -> Operation {
    Operation(name, access: { [self] in try await access(name, .user, $0[keyPath: target] ?? $1.userName ?? "*", $1) }, run: run)
  }
  func operation<I: RecordView>(
    _ name: String, onCallerOr target: any KeyPath<I, String?> & Sendable,
    _ run: @escaping @Sendable (I, Call) async throws -> Void
  ) -> Operation {
    Operation(name, access: { [self] in try await access(name, .user, $0[keyPath: target] ?? $1.userName ?? "*", $1) }, run: run)
  }

  /// On a resource whose ARN the input itself gives or makes.
  func operation<I: RecordView, O: RecordView>(
    _ name: String, at resource: @escaping @Sendable (I, Call) -> String, _ run: @escaping @Sendable (I, Call) async throws -> O,
    _ facts: @escaping @Sendable (I) -> [String: [String]] = { _ in [:] }
  ) -> Operation {
    Operation(
      name,
      access: { [Access("iam:\(name)", on: resource($0, $1), owner: $1.account, conditionValues: facts($0))] }, run: run)
  }
  func operation<I: RecordView>(
    _ name: String, at resource: @escaping @Sendable (I, Call) -> String,
    _ run: @escaping @Sendable (I, Call) async throws -> Void,
    _ facts: @escaping @Sendable (I) -> [String: [String]] = { _ in [:] }
  ) -> Operation {
    Operation(
      name,
      access: { [Access("iam:\(name)", on: resource($0, $1), owner: $1.account, conditionValues: facts($0))] }, run: run)
  }

  /// Actions of which policies may ask whether the user or role has a certain boundary: so a delegated administrator
  /// manages none without it (IAM User Guide, "Permissions boundaries for IAM entities").
  private static let asksForBoundary: Set<String> = [
    "AttachRolePolicy", "AttachUserPolicy", "DeleteRolePermissionsBoundary", "DeleteRolePolicy", "DeleteUserPermissionsBoundary",
    "DeleteUserPolicy", "DetachRolePolicy", "DetachUserPolicy", "PutRolePolicy", "PutUserPolicy",
  ]

  /// An entity's ARN has its path, which only its row knows. A root caller is not kept waiting for it.
  private func access(
    _ name: String, _ kind: Entity.Kind, _ target: String, _ call: Call, _ facts: [String: [String]] = [:]
  ) async throws -> [Access] {
    var arn = Entity.arn(kind, call.account, "/", target)
    var facts = facts
    if case .root = call.principal {
    } else if let known = try await read(call.account, { try $0.find(kind, target) }) {
      arn = known.arn
      for tag in known.tags {
        facts["aws:resourcetag/\(tag.key.lowercased())"] = [tag.value]
        facts["iam:resourcetag/\(tag.key.lowercased())"] = [tag.value]
      }
      if let boundary = known.boundary, Self.asksForBoundary.contains(name) {
        facts["iam:permissionsboundary"] = [boundary]
      }
    }
    return [Access("iam:\(name)", on: arn, owner: call.account, conditionValues: facts)]
  }
}

extension IAMService {
  /// A new name or path is asked on the ARN that was and on the one that will be (AWS: UpdateUser, UpdateGroup).
  func moveAccess(
    _ name: String, _ kind: Entity.Kind, _ target: String, to newName: String?, path newPath: String?, _ call: Call
  ) async throws -> [Access] {
    let old = try await access(name, kind, target, call)[0]
    var new = old
    let path = try await read(call.account) { try $0.find(kind, target) }?.path ?? "/"
    new.resource = Entity.arn(kind, call.account, newPath ?? path, newName ?? target)
    return old.resource == new.resource ? [old] : [old, new]
  }
}

extension Call {
  /// Of the calling user.
  var userName: String? { if case .user(_, let name, _, _) = principal { name } else { nil } }
  /// IAM shows times in whole seconds.
  var second: Instant { Instant(seconds: now.seconds) }
}

/// A part of a list in the order of its keys. The marker is the last key of the page before.
struct Page<Element> {
  var items: [Element]
  /// Nil on the last page.
  var marker: String?
  var isTruncated: Bool { marker != nil }

  init(_ all: [Element], after marker: String?, limit: Int?, key: (Element) -> String) throws {
    var rest = all.sorted { key($0) < key($1) }[...]
    if let marker {
      guard let bytes = decodeBase64(marker), let last = String(validating: bytes, as: UTF8.self), !last.isEmpty else {
        throw IAMError.validation("Invalid Marker: \(marker)")
      }
      rest = rest.drop { key($0) <= last }
    }
    let limit = limit ?? IAMLimits.pageSize
    items = Array(rest.prefix(limit))
    self.marker = rest.count > limit ? items.last.map { Array(key($0).utf8).base64 } : nil
  }
}

extension [Tag] {
  init(_ tags: [IAMTag]?) { self = (tags ?? []).map { Tag(key: $0.key, value: $0.value) } }
  var shapes: [IAMTag] {
    map { tag in
      var shape = IAMTag()
      (shape.key, shape.value) = (tag.key, tag.value)
      return shape
    }
  }
}

/// The condition keys of tags in a request.
func tagFacts(_ tags: [IAMTag]?) -> [String: [String]] {
  guard let tags, !tags.isEmpty else { return [:] }
  var facts = ["aws:tagkeys": tags.map(\.key)]
  for tag in tags { facts["aws:requesttag/\(tag.key.lowercased())"] = [tag.value] }
  return facts
}

/// Policy documents travel URL-encoded in replies.
func encoded(_ document: String) -> String { percentEncoded(document) }

extension IAMService {
  /// Throws MalformedPolicyDocument. What is compiled here is ready when the first call asks for it.
  func check(_ document: String, as kind: PolicyDocument.Kind) throws {
    do { _ = try PolicyDocument(document, as: kind) } catch { throw IAMError.malformed(error) }
  }
}

/// The input of operations for which the model has none.
struct NoInput: RecordView {
  static let shape = StructureShape(name: "NoInput", members: [])
  var record: Record
  init(_ record: Record) { self.record = record }
}
