import Base
import Testing

@testable import Kinesis

@Suite struct SequenceNumberTests {
  private func shard(_ index: Int, opened: Int64 = 1_700_000_000) -> Shard {
    Shard(id: ShardID(index), range: .whole, opened: Instant(seconds: opened))
  }

  @Test func `a number tells its shard and its place again`() {
    for index in [0, 7, 16, 4095] {
      for number in [0, 1, 41, 1 << 40] as [Int64] {
        let made = SequenceNumber(shard(index), number: number, at: Instant(seconds: 1_700_000_123))
        let text = made.text
        #expect(text.utf8.count == 56 && text.hasPrefix("49"))
        #expect(SequenceNumber(text) == made)
        #expect(made.number == number && made.numberAfter == number + 1)
      }
    }
  }

  /// The layout as AWS uses it: a number of a real stream, with the shard and the second that it stands for.
  @Test func `a number of AWS is understood`() throws {
    let number = try #require(SequenceNumber("49590338271490256608559692538361571095921575989136588898"))
    #expect(number.shard == ShardID(6))
    #expect((1_500_000_000...1_600_000_000).contains(number.arrived))
    #expect(number.text == "49590338271490256608559692538361571095921575989136588898")
  }

  @Test func `numbers grow within a shard, and children have greater ones than their parents`() {
    let parent = shard(0)
    let numbers = (0..<20).map { SequenceNumber(parent, number: $0, at: Instant(seconds: 1_700_000_000 + $0)).text }
    let child = SequenceNumber.start(of: shard(1, opened: 1_700_000_100)).text
    #expect(numbers == numbers.sorted() && SequenceNumber.start(of: parent).text < numbers[0])
    var closed = parent
    closed.closed = Instant(seconds: 1_700_000_050)
    let end = SequenceNumber.end(of: closed)?.text ?? ""
    #expect(numbers[19] < end && end < child)
  }

  @Test(arguments: ["", "0", "12", "x", "-5", String(repeating: "9", count: 56), String(repeating: "9", count: 200)])
  func `what we have not made is no number`(_ text: String) { #expect(SequenceNumber(text) == nil) }
}

@Suite struct ShardMapTests {
  private let now = Instant(seconds: 1_700_000_000)

  /// Ranges as DescribeStream of AWS shows them.
  @Test func `shards divide the space of hash keys evenly`() {
    let four = ShardMap(count: 4, at: now).openShards.map { [String($0.range.first), String($0.range.last)] }
    #expect(
      four == [
        ["0", "85070591730234615865843651857942052863"],
        ["85070591730234615865843651857942052864", "170141183460469231731687303715884105727"],
        ["170141183460469231731687303715884105728", "255211775190703847597530955573826158591"],
        ["255211775190703847597530955573826158592", "340282366920938463463374607431768211455"],
      ])
    let three = HashRange.uniform(3)
    #expect(three[1].first == three[0].last + 1 && three[2].last == .max)
    #expect(String(three[1].first) == "113427455640312821154458202477256070485")
  }

  /// RFC 1321's own example, and keys on the borders.
  @Test func `the MD5 of a key decides its shard`() {
    #expect(HashRange.key(of: "abc") == 0x9001_5098_3cd2_4fb0_d696_3f7d_28e1_7f72)
    let map = ShardMap(count: 4, at: now)
    for (key, shard) in [(0, 0), (map.openShards[1].range.first, 1), (map.openShards[2].range.last, 2), (.max, 3)] as [(UInt128, Int)] {
      #expect(map.shard(for: key).id == ShardID(shard))
    }
    #expect(HashRange.key("340282366920938463463374607431768211455") == .max)
    #expect(HashRange.key("340282366920938463463374607431768211456") == nil)
  }

  @Test func `a split closes a shard and opens two, a merge the other way round`() {
    var map = ShardMap(count: 1, at: now)
    map.split(ShardID(0), at: 1000, now: now + .seconds(1))
    #expect(map.shards.map(\.isOpen) == [false, true, true])
    #expect(map.openShards.map(\.range) == [HashRange(first: 0, last: 999), HashRange(first: 1000, last: .max)])
    #expect(map.children(of: ShardID(0)).map(\.id) == [ShardID(1), ShardID(2)])
    map.merge(ShardID(1), ShardID(2), now: now + .seconds(2))
    #expect(map.openShards.map(\.range) == [.whole])
    #expect(map.openShards[0].parents == [ShardID(1), ShardID(2)])
    #expect(map[ShardID(3)] == map.openShards[0] && map[ShardID(4)] == nil)
  }

  @Test(arguments: [(1, 2), (2, 1), (3, 4), (4, 3), (5, 10), (10, 5), (4, 7), (7, 4), (16, 32), (100, 150)])
  func `rescaling gives shards of equal size, and each shard has a way to its parents`(_ from: Int, _ to: Int) {
    var map = ShardMap(count: from, at: now)
    map.rescale(to: to, now: now + .seconds(5))
    #expect(map.openShards.map(\.range) == HashRange.uniform(to))
    for shard in map.shards where shard.id.index >= from {
      #expect(!shard.parents.isEmpty && shard.parents.allSatisfy { map[$0]?.isOpen == false })
    }
    #expect(map.shards.map(\.id) == map.shards.map(\.id).sorted())
  }

  @Test func `closed shards are forgotten when their records have expired`() {
    var map = ShardMap(count: 1, at: now)
    map.split(ShardID(0), at: 1 << 100, now: now + .hours(1))
    #expect(map.removeExpired(now + .hours(1)) == [])
    #expect(map.removeExpired(now + .hours(2)) == [ShardID(0)])
    #expect(map.shards.count == 2 && map.openCount == 2)
    map.split(ShardID(1), at: 5, now: now + .hours(3))
    #expect(map.shards.last?.id == ShardID(4))
  }

  @Test func `filters show the shards that were open at a time`() {
    var map = ShardMap(count: 1, at: now)
    map.split(ShardID(0), at: 1 << 100, now: now + .hours(1))
    map.merge(ShardID(1), ShardID(2), now: now + .hours(2))
    func shown(_ selection: ShardSelection, horizon: Instant? = nil) -> [Int] {
      selection.of(map, created: now, horizon: horizon ?? now - .hours(24)).map(\.id.index)
    }
    let cases: [(ShardSelection, [Int])] = [
      (.all, [0, 1, 2, 3]), (.after(ShardID(1)), [2, 3]), (.atTrimHorizon, [0]), (.atLatest, [3]), (.at(now + .minutes(90)), [1, 2]),
      (.at(now + .hours(2)), [3]), (.from(now + .minutes(90)), [1, 2, 3]), (.from(now + .hours(3)), [3]), (.at(now - .hours(9)), [0]),
    ]
    for (selection, wanted) in cases { #expect(shown(selection) == wanted, "\(selection)") }
    #expect(shown(.all, horizon: now + .minutes(61)) == [1, 2, 3])
    #expect(shown(.atTrimHorizon, horizon: now + .minutes(61)) == [1, 2])
    for selection in cases.map(\.0) { #expect((try? ShardSelection(tokenText: selection.tokenText)) == selection) }
  }
}

@Suite struct RateBucketTests {
  private func at(_ adjusted: Int64, _ real: Int64 = 0) -> RateTime {
    RateTime(adjusted: Instant(milliseconds: adjusted), real: .milliseconds(real))
  }

  @Test func `a second's worth may go at once, and then as much as time brings`() {
    var bucket = RateBucket(rate: 10, at: at(0))
    func takes(_ amount: Double, _ now: RateTime) -> Bool {
      guard bucket.allows(amount, now) else { return false }
      bucket.take(amount)
      return true
    }
    #expect(takes(10, at(0)))
    #expect(!takes(1, at(99)))
    #expect(takes(1, at(200)))
    // What is larger than the bucket goes when it is full, and is paid off.
    #expect(takes(30, at(2000)))
    #expect(!takes(1, at(3900)))
    #expect(takes(1, at(4200)))
  }

  @Test func `a clock that stands still does not starve a client, and an advanced one gives at once`() {
    var bucket = RateBucket(rate: 5, at: at(0, 0))
    bucket.take(5)
    let (soon, later) = (bucket.allows(1, at(0, 100)), bucket.allows(1, at(0, 250)))
    bucket.take(1)
    let (isFull, isFullLater) = (bucket.isFull(at(0, 300)), bucket.isFull(at(60_000, 300)))
    #expect(!soon && later && !isFull && isFullLater)
  }
}

@Suite struct NameTests {
  @Test func `ARNs of streams and consumers are told apart`() throws {
    let stream = try #require(ARN("arn:aws:kinesis:eu-west-1:111111111111:stream/a.b-c"))
    let consumer = try #require(ARN("arn:aws:kinesis:eu-west-1:111111111111:stream/a.b-c/consumer/x:1700000000"))
    #expect(StreamName(stream)?.arn == stream && ConsumerName(stream) == nil)
    #expect(ConsumerName(consumer)?.arn == consumer && StreamName(consumer) == nil)
  }

  @Test(arguments: ["shardId-000000000007", "shardId-7", "7", "000000000007"])
  func `a shard may be named by its number`(_ text: String) { #expect(ShardID(text) == ShardID(7)) }

  @Test(arguments: ["", "shardId-", "shardId-x", "shard-7", "shardId-99999999999", "-7", "a-b-7"])
  func `other names are no shards`(_ text: String) { #expect(ShardID(text) == nil) }

  @Test func `an iterator survives its text, and hostile ones are refused`() throws {
    let stream = Stream(
      name: StreamName(.local, .usEast1, "a"), id: 99, created: .epoch, mode: .provisioned, openShards: 1)
    let iterator = ShardIterator(stream, ShardID(3), number: 17, made: Instant(seconds: 9))
    #expect(ShardIterator(iterator.text) == iterator && iterator.text.utf8.count <= 512)
    for text in ["", "AAAAAAAAAAE", "AAAAAAAAAAE====", "AAAAAAAAAAEaGVsbG8", String(iterator.text.dropLast(9)), "x" + iterator.text] {
      #expect(ShardIterator(text) == nil)
    }
  }
}
