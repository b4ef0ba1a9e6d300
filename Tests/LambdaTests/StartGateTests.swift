import Testing

@testable import Lambda

@Suite struct StartGateTests {
  @Test func `who comes when all places are taken waits until one is left`() async {
    let gate = StartGate(places: 2)
    await gate.enter()
    await gate.enter()
    async let third: Void = gate.enter()
    async let fourth: Void = gate.enter()
    gate.leave()
    gate.leave()
    await third
    await fourth
    // Both places are taken again; what is left is free for the next.
    gate.leave()
    await gate.enter()
    gate.leave()
    gate.leave()
  }

  @Test func `boots for later leave half of the places to invocations, and one place is theirs when they wait`() async {
    let gate = StartGate(places: 4)
    await gate.enter(.later)
    await gate.enter(.later)
    // Two places are left, which a third one does not get.
    async let third: Void = gate.enter(.later)
    await gate.enter()
    await gate.enter()
    async let fifth: Void = gate.enter()
    gate.leave(.later)
    // Whoever of the two was there when the place was left: an invocation goes first.
    gate.leave(.later)
    await third
    await fifth
    for _ in 0..<3 { gate.leave() }
    gate.leave(.later)
    await gate.enter(.later)
    await gate.enter(.later)
    for _ in 0..<2 { gate.leave(.later) }
  }
}
