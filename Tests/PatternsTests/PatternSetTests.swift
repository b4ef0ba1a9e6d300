import Base
import Testing

@testable import Patterns

/// Patterns and events of a small world, so that they meet often.
private struct RandomJSON {
  let random: SeededRandom

  func number(_ bound: Int) -> Int { Int(random.number(below: UInt64(bound))) }
  func pick<T>(_ values: [T]) -> T { values[number(values.count)] }
  var name: String { pick(["a", "b", "c", "d"]) }
  var text: String { pick(["", "a", "ab", "abc", "ABC", "aBc", "bc", "c", "ba", "Grün", "GRÜN", "10.0.0.1", "10.0.1.7", "2001:db8::1"]) }
  var figure: JSON { pick([0, 1, 2, -1, 300, 1.5, 2.5, -0.25, 1e300]) }
  var leaf: JSON { pick([.string(text), .string(text), figure, figure, nil, true, false]) }

  func event(_ depth: Int = 0) -> JSON {
    .object(JSONObject((0..<(1 + number(4))).map { _ in (name, value(depth + 1)) }))
  }
  private func value(_ depth: Int) -> JSON {
    switch number(depth > 3 ? 4 : 7) {
    case 0...3: leaf
    case 4: .array((0..<number(4)).map { _ in value(depth + 1) })
    default: event(depth)
    }
  }

  func pattern(_ depth: Int = 0) -> JSON {
    var members: [(String, JSON)] = (0..<(1 + number(3))).map { _ in
      (name, number(3) == 0 && depth < 3 ? pattern(depth + 1) : .array((0..<(1 + number(3))).map { _ in condition }))
    }
    if number(5) == 0, depth < 2 {
      members.append(("$or", .array((0..<(2 + number(2))).map { _ in pattern(depth + 1) })))
    }
    return .object(JSONObject(members))
  }
  private var condition: JSON {
    switch number(14) {
    case 0...3: leaf
    case 4: ["prefix": .string(text)]
    case 5: ["suffix": .string(text)]
    case 6: ["equals-ignore-case": .string(text)]
    case 7: [pick(["prefix", "suffix"]): ["equals-ignore-case": .string(text)]]
    case 8: ["wildcard": .string(pick(["a*", "*c", "a*c", "*b*", "*", "ab", "1*.1", ""]))]
    case 9: ["exists": .bool(number(3) > 0)]
    case 10: ["cidr": .string(pick(["10.0.0.0/24", "10.0.0.0/8", "10.0.0.1/32", "2001:db8::/32"]))]
    case 11: ["numeric": pick([["=", figure], [">", 0, "<", 2], ["<", figure], [">=", figure], [">", -1, "<=", 300], ["<=", figure]])]
    case 12: ["anything-but": pick([.string(text), figure, ["a", "abc"], [1, 300]])]
    default: ["anything-but": .object(JSONObject([(pick(["prefix", "suffix", "equals-ignore-case", "wildcard"]), "ab")]))]
    }
  }
}

@Test(arguments: 0..<60)
func `patterns matched together find what each finds alone`(seed: UInt64) throws {
  let world = RandomJSON(random: SeededRandom(seed: seed))
  var set = PatternSet<Int>()
  var alone: [Int: EventPattern] = [:]
  for round in 0..<6 {
    for number in 0..<40 {
      let id = round * 20 + number
      if world.number(4) == 0 {
        #expect(set.remove(id) == (alone.removeValue(forKey: id) != nil))
      } else if let pattern = try? EventPattern(world.pattern()) {
        set.add(id, pattern)
        alone[id] = pattern
      }
    }
    #expect(set.count == alone.count)
    for _ in 0..<30 {
      let event = world.event()
      let expected = alone.filter { $0.value.matches(event) }.keys.sorted()
      #expect(set.matches(event).sorted() == expected, "on \(event.text)")
    }
  }
}

@Test func `patterns match in the order in which they were added and a new one takes the place of the old`() throws {
  var set = PatternSet<String>()
  set.add("one", try EventPattern(#"{"a":["x"]}"#))
  set.add("two", try EventPattern(#"{"b":[{"exists":false}]}"#))
  set.add("three", try EventPattern(#"{"a":[{"prefix":"x"}]}"#))
  #expect(set.matches(["a": "x"]) == ["one", "two", "three"])
  set.add("one", try EventPattern(#"{"a":["y"]}"#))
  #expect(set.matches(["a": "x"]) == ["two", "three"])
  #expect(set.matches(["a": "y"]) == ["two", "one"])
  #expect(set.matches(["x"]).isEmpty)
  #expect(set.remove("two") && !set.remove("two"))
}

/// A matcher that looks at one pattern after the other looks at a thousand times as much.
@Test func `an event that one of many patterns wants is not compared with the others`() throws {
  var index = PatternIndex()
  for number in 0..<1000 {
    let pattern = try EventPattern(
      #"{"source":["shop"],"detail-type":["order"],"detail":{"region":[{"anything-but":"eu"}],"price":[{"numeric":[">",\#(number),"<",\#(number + 1)]}]}}"#)
    index.insert(number, pattern.root)
  }
  let event: JSON = ["source": "shop", "detail-type": "order", "detail": ["region": "us", "price": 500.5]]
  // Those that came before there was anything to choose by hang on what all have.
  #expect(index.candidates(event).count < 30)
  #expect(index.candidates(event).contains(500))
}
