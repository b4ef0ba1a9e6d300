import Base
import Fabric
import Store

/// Replaces the ARNs in the principals of policies by unique ids, and back.
struct PolicyNames {
  let reader: any Reader
  init(_ reader: any Reader) { self.reader = reader }

  /// Throws MalformedPolicyDocument when a named user or role does not exist.
  func tied(_ document: String) throws -> String { try rewritten(document, id) }
  /// Those that are gone stay the ids they are, as AWS shows them.
  func shown(_ document: String) throws -> String { try rewritten(document, arn) }

  /// A text without such a name comes back as it is, blanks and all.
  private func rewritten(_ document: String, _ replace: (String) throws -> String?) throws -> String {
    guard var json = (try? JSON.parse(document))?.object, let list = json["Statement"] else {
      throw IAMError.malformed(.syntax)
    }
    var isChanged = false
    let statements = try (list.array ?? [list]).map { statement -> JSON in
      guard var fields = statement.object else { return statement }
      for name in ["Principal", "NotPrincipal"] {
        guard var principals = fields[name]?.object, let value = principals["AWS"] else { continue }
        let names = try (value.array ?? [value]).map { name -> JSON in
          guard let text = name.string, let new = try replace(text) else { return name }
          isChanged = true
          return .string(new)
        }
        principals["AWS"] = value.array == nil ? names[0] : .array(names)
        fields[name] = .object(principals)
      }
      return .object(fields)
    }
    guard isChanged else { return document }
    json["Statement"] = list.array == nil ? statements[0] : .array(statements)
    return JSON.object(json).text
  }

  /// Nil for what is no user, role or session of one: an account, everybody, a root, an id.
  private func id(_ text: String) throws -> String? {
    guard let arn = ARN(text), let account = AccountID(arn.account) else { return nil }
    let rows = IAMRows(reader: reader, account: account)
    let parts = arn.resource.split(separator: "/").map(String.init)
    guard parts.count > 1, let name = parts.last else { return nil }
    switch (arn.service, parts[0]) {
    case ("iam", "user"), ("iam", "role"):
      guard let kind = Entity.Kind(rawValue: parts[0]), let entity = try rows.find(kind, name), entity.arn == text else {
        throw IAMError.malformed(.principal("AWS", text))
      }
      return entity.id
    case ("sts", "assumed-role"):
      guard parts.count == 3, let role = try rows.find(.role, parts[1]) else {
        throw IAMError.malformed(.principal("AWS", text))
      }
      return "\(role.id):\(name)"
    case (_, _): return nil
    }
  }

  private func arn(_ text: String) throws -> String? {
    guard text.hasPrefix("AROA") || text.hasPrefix("AIDA") else { return nil }
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    guard let owner = try reader.get(IAMKeys.owner(parts[0])).flatMap({ AccountID($0.utf8Text) }),
      let entity = try IAMRows(reader: reader, account: owner).entity(id: parts[0])
    else { return nil }
    guard parts.count == 2 else { return entity.arn }
    return "arn:aws:sts::\(owner):assumed-role/\(entity.name)/\(parts[1])"
  }
}
