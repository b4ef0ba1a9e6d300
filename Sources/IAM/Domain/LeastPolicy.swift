import Base

/// The least policy that covers what a user or role did, and what its present policies allow beyond that.
struct LeastPolicy: Sendable {
  /// By action.
  let uses: [String: ActionUse]

  /// One statement for each set of resources, with the actions that were used on just these.
  static func statements(_ uses: [String: ActionUse], _ part: (ActionUse) -> ResourceSet) -> [JSON] {
    var actions: [[String]: [String]] = [:]
    for (action, use) in uses {
      let resources = part(use).patterns
      if !resources.isEmpty { actions[resources, default: []].append(action) }
    }
    let ordered = actions.map { (actions: $0.value.sorted(), resources: $0.key) }.sorted { $0.actions[0] < $1.actions[0] }
    return ordered.map { ["Effect": "Allow", "Action": texts($0.actions), "Resource": texts($0.resources)] }
  }

  var document: JSON { ["Version": "2012-10-17", "Statement": .array(Self.statements(uses, \.allowed))] }
  /// What it asked for and was refused: perhaps what it still needs.
  var refused: [JSON] { Self.statements(uses, \.refused) }

  private static func texts(_ list: [String]) -> JSON { list.count == 1 ? .string(list[0]) : .array(list.map(JSON.string)) }

  /// For each allowing statement of a present policy what of it was never used and what is wider than the use.
  func beyond(_ policies: [(name: String, document: String)]) -> [JSON] {
    policies.flatMap { policy -> [JSON] in
      guard let json = try? JSON.parse(policy.document), let list = json["Statement"] else { return [] }
      return (list.array ?? [list]).enumerated().compactMap { beyond(policy.name, $0, $1) }
    }
  }

  private func beyond(_ policy: String, _ index: Int, _ statement: JSON) -> JSON? {
    guard statement["Effect"]?.string == "Allow" else { return nil }
    let head: [(String, JSON)] = [
      ("policy", .string(policy)), ("statement", .string(statement["Sid"]?.string ?? "number \(index + 1)")),
    ]
    // What is not named cannot be compared name by name.
    guard let actions = Self.list(statement["Action"]), let resources = Self.list(statement["Resource"]) else {
      return .object(JSONObject(head + [("wider", ["NotAction or NotResource": "everything that is not named"])]))
    }
    var wider: [(String, JSON)] = []
    var neverUsed: [JSON] = []
    for pattern in actions {
      let used = uses.filter { !$0.value.allowed.isEmpty && Self.matches(pattern.lowercased(), $0.key.lowercased()) }.keys.sorted()
      if used.isEmpty {
        neverUsed.append(.string(pattern))
      } else if Self.isPattern(pattern) {
        wider.append((pattern, .array(used.map(JSON.string))))
      }
    }
    let touched = uses.filter { use in actions.contains { Self.matches($0.lowercased(), use.key.lowercased()) } }
    let names = touched.values.flatMap(\.allowed.patterns)
    for pattern in resources {
      let used = Set(names.filter { Self.matches(pattern, $0) }).sorted()
      if used.isEmpty {
        neverUsed.append(.string(pattern))
      } else if Self.isPattern(pattern), used != [pattern] {
        wider.append((pattern, .array(used.map(JSON.string))))
      }
    }
    if wider.isEmpty, neverUsed.isEmpty { return nil }
    return .object(JSONObject(head + [("neverUsed", .array(neverUsed)), ("wider", .object(JSONObject(wider)))]))
  }

  private static func list(_ value: JSON?) -> [String]? {
    guard let value else { return nil }
    return (value.array ?? [value]).compactMap(\.string)
  }
  private static func isPattern(_ text: String) -> Bool { text.contains("*") || text.contains("?") || text.contains("${") }

  /// A policy variable stands for anything here.
  private static func matches(_ pattern: String, _ subject: String) -> Bool {
    let template = PatternTemplate(pattern, .init(variables: true, wildcards: true))
    let bytes = template.pieces.flatMap { piece -> [UInt8] in
      switch piece {
      case .bytes(let bytes): bytes
      case .variable: [Wildcard.run]
      }
    }
    return globMatches(bytes, Array(subject.utf8))
  }
}
