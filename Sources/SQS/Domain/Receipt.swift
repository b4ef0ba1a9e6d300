import Base

/// What a receipt handle says: which message, which of its receives, and where its row was put by that receive.
struct Receipt: Sendable, Equatable {
  var space: Space
  var sequence: MessageSequence
  /// Standard queues: the tenant among whose rows the message's is.
  var lane = Lane.none
  var receiveCount: Int
  /// When the message would be visible again; part of the key of its row.
  var visibleAt: Instant
  /// The 12 hours that a message may be kept invisible count from here.
  var receivedAt: Instant

  /// Until when a client may keep the message invisible. A handle from the future gives no more than one of now.
  func latestDeadline(at now: Instant) -> Instant { min(receivedAt, now) + SQSLimits.totalVisibility }

  /// Handles are opaque to clients; base64 of numbers and a checksum. The second byte is the version.
  var handle: String {
    var bytes: [UInt8] = [1, lane == .none ? 1 : 2]
    bytes.reserveCapacity(80)
    for number in [
      space.queue, Int64(space.generation), sequence.high, sequence.node, Int64(receiveCount), visibleAt.milliseconds,
      receivedAt.milliseconds,
    ] { Self.append(UInt64(bitPattern: number), to: &bytes) }
    if lane != .none { Self.append(UInt64(bitPattern: lane.number), to: &bytes) }
    Self.append(Self.checksum(bytes[...]), to: &bytes)
    return bytes.base64
  }

  /// Nil for anything that is no handle of ours. A forged handle gives its bearer nothing that the permission to delete
  /// from the queue would not, so the checksum only has to find garbage.
  init?(handle: String) {
    guard let bytes = decodeBase64(handle), bytes.count >= 2, bytes[0] == 1, bytes[1] == 1 || bytes[1] == 2,
      bytes.count == 2 + 8 * (7 + Int(bytes[1]))
    else { return nil }
    var numbers: [Int64] = []
    for start in stride(from: 2, to: bytes.count, by: 8) {
      numbers.append(Int64(bitPattern: bytes[start..<(start + 8)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }))
    }
    guard numbers.last.map(UInt64.init(bitPattern:)) == Self.checksum(bytes[..<(bytes.count - 8)]) else { return nil }
    space = Space(queue: numbers[0], generation: Int(numbers[1]))
    sequence = MessageSequence(high: numbers[2], node: numbers[3])
    receiveCount = Int(numbers[4])
    (visibleAt, receivedAt) = (Instant(milliseconds: numbers[5]), Instant(milliseconds: numbers[6]))
    if numbers.count > 8 { lane = Lane(number: numbers[7]) }
  }

  init(
    space: Space, sequence: MessageSequence, lane: Lane = .none, receiveCount: Int, visibleAt: Instant, receivedAt: Instant
  ) {
    (self.space, self.sequence, self.lane, self.receiveCount) = (space, sequence, lane, receiveCount)
    (self.visibleAt, self.receivedAt) = (visibleAt, receivedAt)
  }

  private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
    for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift))) }
  }
  /// FNV-1a.
  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }
}
