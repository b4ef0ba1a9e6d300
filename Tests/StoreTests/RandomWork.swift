import Base
import Store
import Testing

/// One transaction of random writes, deletes, range deletes and reads, checked step by step against a dictionary. One in
/// four throws at its end and must leave no trace.
struct RandomWork {
  struct Refusal: Error {}
  enum Step { case set(Key, [UInt8]), delete(Key), deleteAll(KeyRange), get(Key), scan(KeyRange, reverse: Bool, limit: Int) }

  let seed: UInt64
  private let steps: [Step]
  private let fails: Bool

  init(seed: UInt64) {
    self.seed = seed
    let random = SeededRandom(seed: seed)
    func number(_ bound: UInt64) -> Int { Int(random.number(below: bound)) }
    func key() -> Key { Key("r", number(400)) }
    func range() -> KeyRange { [KeyRange(key(), key()), KeyRange(prefix: Key("r"))][number(4) == 0 ? 1 : 0] }
    steps = (0..<60).map { _ in
      switch number(20) {
      case 0..<10: .set(key(), random.bytes(number(30)))
      case 10..<14: .delete(key())
      case 14: .deleteAll(KeyRange(key(), key()))
      case 15..<17: .get(key())
      default: .scan(range(), reverse: number(2) == 0, limit: 1 + number(300))
      }
    }
    fails = number(4) == 0
  }

  func run(_ store: any Store, _ before: [Key: [UInt8]]) async throws -> [Key: [UInt8]] {
    let after: [Key: [UInt8]]
    do {
      after = try await store.transact { tx in
        var model = before
        for step in steps { try apply(step, tx, &model) }
        if fails { throw Refusal() }
        return model
      }
      #expect(!fails)
    } catch is Refusal { after = before }
    let found = try await store.read { try $0.entries(KeyRange(prefix: Key())) }
    #expect(found.map(\.key) == after.keys.sorted(), "seed \(seed)")
    #expect(found.map(\.value) == after.sorted { $0.key < $1.key }.map(\.value), "seed \(seed)")
    return after
  }

  private func apply(_ step: Step, _ tx: any Transaction, _ model: inout [Key: [UInt8]]) throws {
    switch step {
    case .set(let key, let value):
      try tx.set(key, value)
      model[key] = value
    case .delete(let key):
      try tx.delete(key)
      model[key] = nil
    case .deleteAll(let range):
      try tx.deleteAll(range)
      model = model.filter { !range.contains($0.key) }
    case .get(let key):
      let found = try tx.get(key)
      #expect(found == model[key], "seed \(seed)")
    case .scan(let range, let reverse, let limit):
      let found = try tx.entries(range, limit: limit, reverse: reverse)
      let sorted = model.filter { range.contains($0.key) }.sorted { reverse ? $1.key < $0.key : $0.key < $1.key }.prefix(limit)
      #expect(found.map(\.key) == sorted.map(\.key), "seed \(seed)")
      #expect(found.map(\.value) == sorted.map(\.value), "seed \(seed)")
    }
  }
}
