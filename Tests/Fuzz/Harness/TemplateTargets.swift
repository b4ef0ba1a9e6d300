import Base
@testable import EventBridge
@testable import Pipes

/// Templates of input transformers: the template, paths by name on lines (`name=$.path`), and the event. What was accepted for a rule
/// makes JSON of every event.
func fuzzTemplate(_ bytes: [UInt8]) {
  let parts = bytes.parts(3)
  // As AWS takes them, and an event that keeps the whole small.
  guard parts[0].count <= 8192, parts[2].count <= 1024, let event = try? JSON.parse(parts[2]) else { return }
  let template = parts[0].utf8Text
  var paths: [String: String] = [:]
  for line in parts[1].split(separator: 10).prefix(100) {
    guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
    paths[line[..<equals].utf8Text] = line[(equals + 1)...].utf8Text
  }
  for path in paths.values {
    if let path = EventPath(path) { _ = path.value(in: event) }
    if let path = ValuePath(path) { _ = path.value(in: event) }
  }
  rule(template, paths, event)
  pipe(template, event)
}

private func rule(_ template: String, _ paths: [String: String], _ event: JSON) {
  guard let accepted = try? EventBridge.InputTemplate(template, paths: paths, target: "t") else { return }
  promise(accepted == EventBridge.InputTemplate(known: template, paths: paths), "a template that was kept is the same")
  let surroundings = EventBridge.InputTemplate.Surroundings(
    ruleARN: "arn:aws:events:us-east-1:000000000000:rule/r", ruleName: "r", ingested: Instant(seconds: 1_790_000_000))
  let filled = accepted.filled(with: event, surroundings)
  for line in texts(in: filled) { promise((try? JSON.parse(Array(line))) != nil, "JSON is made of every event: \(filled)") }
}

/// The values of a text with one or several, white space between them.
private func texts(in filled: String) -> [ArraySlice<UInt8>] {
  let bytes = Array(filled.utf8)
  var (texts, at): ([ArraySlice<UInt8>], Int) = ([], 0)
  while bytes[at...].contains(where: { $0 > 32 }) {
    let start = at
    let isWhole = bytes.withUnsafeBufferPointer { buffer in
      var scanner = JSONScanner(UnsafeBufferPointer(rebasing: buffer[start...]))
      defer { at = start + scanner.offset }
      return (try? scanner.skip()) != nil
    }
    promise(isWhole && at > start, "JSON is made of every event: \(filled)")
    texts.append(bytes[start..<at])
  }
  return texts
}

private func pipe(_ template: String, _ event: JSON) {
  let pipe = Pipe(
    name: PipeName(account: .local, region: .usEast1, name: "p"), createdAt: .epoch, modifiedAt: .epoch, isWanted: true, state: .running,
    source: "arn:aws:sqs:us-east-1:000000000000:q", target: "arn:aws:sqs:us-east-1:000000000000:t", role: "r", tags: [:])
  let event = PipeEvent(event)
  let made = Pipes.InputTemplate(template).render(event, Pipes.InputTemplate.Surroundings(pipe: pipe, now: .epoch))
  promise((try? JSON.parse(made.text)) == made, "what a template makes is JSON")
}
