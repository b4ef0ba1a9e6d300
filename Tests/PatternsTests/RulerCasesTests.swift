import Base
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@testable import Patterns

/// The cases of aws/event-ruler (Tests/Support/EventRuler).
private struct RulerCase {
  var pattern: String
  var event: String
  var expected: String

  static func all() throws -> [RulerCase] {
    let tests = "\(#filePath)".split(separator: "/").dropLast(2).joined(separator: "/")
    let lines = try contents("/\(tests)/Support/EventRuler/cases.jsonl").split(separator: UInt8(ascii: "\n"))
    return try lines.map { line in
      let json = try JSON.parse(Array(line))
      return RulerCase(
        pattern: try #require(json["pattern"]?.string), event: try #require(json["event"]?.string),
        expected: try #require(json["expect"]?.string))
    }
  }

  private static func contents(_ path: String) throws -> [UInt8] {
    let file = try #require(fopen(path, "r"), "\(path) cannot be read")
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return bytes
  }
}

/// What the matcher answers, or INVALID.
private func verdict(_ ruler: RulerCase) throws -> String {
  guard let pattern = try? EventPattern(ruler.pattern) else { return "INVALID" }
  return try pattern.matches(JSON.parse(ruler.event)) ? "true" : "false"
}

@Test func `AWS's own engine and ours agree`() throws {
  let cases = try RulerCase.all()
  #expect(cases.count == 1430)
  for (number, ruler) in cases.enumerated() {
    let verdict = try verdict(ruler)
    #expect(verdict == ruler.expected, "line \(number + 1): \(ruler.pattern) on \(ruler.event)")
  }
}

@Test func `all of its patterns matched together find those that match one by one`() throws {
  let cases = try RulerCase.all()
  var set = PatternSet<Int>()
  var patterns: [Int: EventPattern] = [:]
  for (number, ruler) in cases.enumerated() {
    guard let pattern = try? EventPattern(ruler.pattern) else { continue }
    set.add(number, pattern)
    patterns[number] = pattern
  }
  for ruler in cases.enumerated().filter({ $0.offset % 29 == 0 }).map(\.element) {
    let event = try JSON.parse(ruler.event)
    #expect(set.matches(event) == patterns.filter { $0.value.matches(event) }.keys.sorted())
  }
}
