import Base
import Testing

@Test func `a UUID is of version 4 in lower case, and no two are the same`() {
  let ambient = Ambient(clock: TestClock(), random: SeededRandom(seed: 1))
  var seen: Set<String> = []
  for _ in 0..<1000 {
    let text = ambient.uuid()
    let parts = text.split(separator: "-")
    #expect(parts.map(\.count) == [8, 4, 4, 4, 12])
    #expect(text.allSatisfy { $0 == "-" || ($0.isHexDigit && !$0.isUppercase) })
    #expect(parts[2].first == "4")
    #expect(parts[3].first.map { "89ab".contains($0) } == true)
    #expect(seen.insert(text).inserted)
  }
}

@Test func `the same seed gives the same bytes, another one others`() {
  let (a, b) = (SeededRandom(seed: 5), SeededRandom(seed: 5))
  #expect(a.bytes(20) == b.bytes(20))
  #expect(a.bytes(20) == b.bytes(20))
  #expect(SeededRandom(seed: 5).bytes(20) != SeededRandom(seed: 6).bytes(20))
}

@Test(arguments: [0, 1, 7, 8, 9, 33]) func `the system's generator gives as many bytes as asked`(_ count: Int) {
  #expect(SystemRandom().bytes(count).count == count)
}

@Test func `numbers stay below their bound and reach all of it`() {
  let random = SeededRandom(seed: 2)
  var seen: Set<UInt64> = []
  for _ in 0..<1000 { seen.insert(random.number(below: 10)) }
  #expect(seen == Set(0..<10))
  #expect(random.number(below: 1) == 0)
  #expect((0..<1000).allSatisfy { _ in (0..<1).contains(random.unit()) })
}

@Test func `random text is of its alphabet`() {
  let text = Ambient(clock: TestClock(), random: SeededRandom(seed: 3)).text(500, of: "abc")
  #expect(text.count == 500)
  #expect(Set(text) == ["a", "b", "c"])
}
