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
}
