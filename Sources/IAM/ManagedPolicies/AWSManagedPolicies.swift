import Base

/// The managed policies of AWS by their real ARNs: `arn:aws:iam::aws:policy/…`.
enum AWSManagedPolicies {
  private struct Entry: Sendable {
    var policy: ManagedPolicy
    var version: PolicyVersion
  }

  static func policy(_ arn: String) -> ManagedPolicy? { arn.hasPrefix(prefix) ? table[arn]?.policy : nil }
  /// AWS shows older versions too; we know the default one.
  static func version(_ arn: String) -> PolicyVersion? { arn.hasPrefix(prefix) ? table[arn]?.version : nil }
  /// By name.
  static let all: [ManagedPolicy] = table.values.map(\.policy).sorted { $0.name < $1.name }

  private static let prefix = "arn:aws:iam::aws:policy/"

  private static let table: [String: Entry] = {
    var table: [String: Entry] = [:]
    for text in [functions, data, logs, accounts, roles, views, more] {
      for entry in entries(text) { table[entry.policy.arn] = entry }
    }
    return table
  }()

  /// A line `policy NAME PATH VERSION CREATED UPDATED` and below it the lines of the document.
  private static func entries(_ text: String) -> [Entry] {
    var entries: [Entry] = []
    for line in text.split(separator: "\n") {
      guard line.hasPrefix("policy ") else {
        entries[entries.count - 1].version.document += line
        continue
      }
      let fields = line.split(separator: " ").map(String.init)
      guard fields.count == 6, let number = Int(fields[3]), let created = Instant(iso8601: fields[4]),
        let updated = Instant(iso8601: fields[5])
      else { preconditionFailure("managed policies: \(line)") }
      let policy = ManagedPolicy(
        id: identifier(fields[1]), arn: "\(prefix)\(fields[2].dropFirst())\(fields[1])", name: fields[1], path: fields[2],
        created: created, updated: updated, defaultVersion: number, lastVersion: number)
      entries.append(Entry(policy: policy, version: PolicyVersion(number: number, document: "", created: updated)))
    }
    return entries
  }

  /// AWS does not publish the ids; ours are the same in every process.
  private static func identifier(_ name: String) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    let digits = String(hash, radix: 36, uppercase: true)
    return "ANPA" + String(repeating: "A", count: max(0, 17 - digits.utf8.count)) + digits.suffix(17)
  }
}
