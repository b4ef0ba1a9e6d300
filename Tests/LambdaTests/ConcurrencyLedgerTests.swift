import Base
import Testing

@testable import Lambda

@Suite struct ConcurrencyLedgerTests {
  private func function(_ name: String) -> FunctionID { FunctionID(account: .local, region: .usEast1, name: name) }

  /// A ledger whose answers read well: the refusal, or nil when the invocation may run.
  private struct Subject {
    var ledger: ConcurrencyLedger
    var seats: [ConcurrencyLedger.Seat] = []
    init(_ accountLimit: Int) { ledger = ConcurrencyLedger(accountLimit: accountLimit) }

    mutating func enter(_ function: FunctionID, _ version: String = "$LATEST", reserved: Int? = nil) -> ConcurrencyLedger.Refusal? {
      do {
        seats.append(try ledger.enter(function, version: version, reserved: reserved))
        return nil
      } catch { return error }
    }
    /// How many of the tries may run.
    mutating func entered(_ function: FunctionID, _ version: String = "$LATEST", reserved: Int? = nil, of tries: Int) -> Int {
      (0..<tries).count { _ in enter(function, version, reserved: reserved) == nil }
    }
  }

  @Test func `the account's limit counts every function without a reservation`() {
    var subject = Subject(2)
    #expect(subject.enter(function("a")) == nil)
    #expect(subject.enter(function("b")) == nil)
    #expect(subject.enter(function("a")) == .account)
    subject.ledger.leave(function("b"), .unreserved)
    #expect(subject.enter(function("a")) == nil)
    #expect(subject.ledger.total == 2)
  }

  @Test func `a reservation caps its function and is taken from the others`() {
    var subject = Subject(3)
    subject.ledger.reserve(function("r"), 2)
    #expect(subject.entered(function("r"), reserved: 2, of: 3) == 2)
    #expect(subject.enter(function("r"), reserved: 2) == .reserved)
    #expect(subject.entered(function("a"), of: 3) == 1)
    #expect(subject.enter(function("a")) == .account)
  }

  @Test func `what is reserved is nobody else's, even while its function rests, until the reservation ends`() {
    var subject = Subject(3)
    subject.ledger.reserve(function("r"), 2)
    #expect(subject.entered(function("a"), of: 3) == 1)
    subject.ledger.reserve(function("r"), nil)
    #expect(subject.entered(function("a"), of: 3) == 2)
  }

  @Test func `a late caller does not bring a removed reservation back`() {
    var subject = Subject(3)
    subject.ledger.reserve(function("r"), 2)
    subject.ledger.reserve(function("r"), nil)
    #expect(subject.enter(function("r"), reserved: 2) == nil)
    #expect(subject.entered(function("a"), of: 4) == 3)
  }

  @Test func `a reservation of zero stops the function`() {
    var subject = Subject(1000)
    #expect(subject.enter(function("a"), reserved: 0) == .reserved)
  }

  @Test func `provisioned executions are set aside for their version, and what is over them comes from the account`() {
    var subject = Subject(5)
    subject.ledger.provide(function("p"), ["1": 2])
    #expect(subject.entered(function("a"), of: 5) == 3)
    #expect(subject.entered(function("p"), "1", of: 3) == 2)
    #expect(subject.enter(function("p"), "1") == .account)
    #expect(subject.enter(function("p")) == .account)
    subject.ledger.leave(function("a"), .unreserved)
    // Spills over.
    #expect(subject.enter(function("p"), "1") == nil)
    #expect(subject.seats.last == .unreserved)
    subject.ledger.provide(function("p"), [:])
    #expect(subject.entered(function("a"), of: 5) == 2)
  }

  @Test func `provisioned executions lie within the reservation, and what they leave is for the other versions`() {
    var subject = Subject(10)
    subject.ledger.reserve(function("p"), 3)
    subject.ledger.provide(function("p"), ["1": 2])
    #expect(subject.entered(function("p"), reserved: 3, of: 3) == 1)
    #expect(subject.enter(function("p"), reserved: 3) == .reserved)
    #expect(subject.entered(function("p"), "1", reserved: 3, of: 3) == 2)
    // Of the account the reservation is taken, and not both.
    #expect(subject.entered(function("a"), of: 10) == 7)
  }

  @Test func `a function whose reservation is all provisioned runs nothing else`() {
    var subject = Subject(1000)
    subject.ledger.reserve(function("p"), 2)
    subject.ledger.provide(function("p"), ["1": 1, "2": 1])
    #expect(subject.enter(function("p"), reserved: 2) == .reserved)
    #expect(subject.entered(function("p"), "2", reserved: 2, of: 3) == 1)
    subject.ledger.leave(function("p"), .provisioned(version: "2"))
    #expect(subject.enter(function("p"), "2", reserved: 2) == nil)
  }
}
