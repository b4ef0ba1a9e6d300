import Base
@testable import Patterns
@testable import SNS

/// Many patterns that are matched together: patterns on lines of their own, and the event. The set says what each says alone, also
/// after some were taken out and put in again.
func fuzzPatternSet(_ bytes: [UInt8]) {
  let parts = bytes.parts(2)
  guard let event = try? JSON.parse(parts[1]) else { return }
  var patterns: [(id: Int, pattern: EventPattern)] = []
  for (id, line) in parts[0].split(separator: 10).prefix(64).enumerated() where line.count <= 4096 {
    if let pattern = try? EventPattern(line.utf8Text) { patterns.append((id, pattern)) }
  }
  guard !patterns.isEmpty else { return }
  var set = PatternSet<Int>()
  for (id, pattern) in patterns { set.add(id, pattern) }
  let alone = patterns.filter { $0.pattern.matches(event) }.map(\.id)
  promise(set.matches(event) == alone, "together as alone: \(set.matches(event)), not \(alone)")
  for (id, _) in patterns where id % 2 == 0 { set.remove(id) }
  promise(set.matches(event) == alone.filter { $0 % 2 == 1 }, "what was removed matches no more")
  for (id, pattern) in patterns.reversed() where id % 2 == 0 { set.add(id, pattern) }
  promise(set.matches(event).sorted() == alone, "what is added again matches again")
  promise(set.count == patterns.count, "as many as were added")
}

/// Filters of mappings and pipes, and of subscriptions: patterns on lines of their own, a record, and a message's attribute.
func fuzzRecordFilter(_ bytes: [UInt8]) {
  let parts = bytes.parts(4)
  let texts = parts[0].split(separator: 10).prefix(5).filter { $0.count <= 4096 }.map(\.utf8Text)
  guard let record = try? JSON.parse(parts[1]) else { return }
  for key in [nil, "body", "data"] {
    guard let filter = try? RecordFilter(texts, contentKey: key) else { continue }
    let alone = texts.compactMap { try? EventPattern($0, dialect: .filter) }
    promise(alone.count == texts.count && filter.isEmpty == texts.isEmpty, "a filter is its patterns")
    let wanted = alone.isEmpty || alone.contains { $0.matches(record) }
    let hasContent = key.map { record.object?.names.contains($0) ?? false } ?? false
    if !hasContent {
      // What speaks of no content is not changed by the kind of content.
      let mentions = key.map { key in texts.contains { $0.contains(key) || $0.contains("\\") } } ?? false
      promise(mentions || filter.wants(record, contentIsObject: true) == wanted, "a record is wanted when a pattern matches it")
      promise(mentions || filter.wants(record, contentIsObject: false) == wanted, "a record is wanted when a pattern matches it")
    } else {
      _ = (filter.wants(record, contentIsObject: true), filter.wants(record, contentIsObject: false))
    }
  }
  policies(texts, record, name: parts[2].utf8Text, value: parts[3].utf8Text)
}

private func policies(_ texts: [String], _ body: JSON, name: String, value: String) {
  let subjects = ["String", "Number", "String.Array", "Binary"].map { type in
    FilterSubject(
      [MessageAttribute(name: name, dataType: type, content: type == "Binary" ? .binary(Array(value.utf8)) : .string(value))],
      body: body.text)
  }
  for text in texts {
    for scope in [FilterScope.attributes, .body] {
      guard let policy = try? FilterPolicy(text, scope: scope) else { continue }
      for subject in subjects {
        let passes = policy.verdict(subject) == .passes
        let event = scope == .attributes ? subject.attributes : subject.body ?? nil
        promise(passes == ((try? EventPattern(text))?.matches(event) ?? false), "a policy is the pattern of its text")
      }
    }
  }
  if let policy = try? HTTPDeliveryPolicy(texts.first ?? "") {
    let retries = policy.retries
    for retry in 0..<retries.total { promise((0...3_600_000).contains(retries.delay(retry)), "a delay between nothing and an hour") }
    guard let again = try? HTTPDeliveryPolicy(policy.json.text) else { fatalError("broken: a policy that is shown can be read") }
    promise(again == policy, "a policy that is shown reads the same")
  }
}
