import Synchronization

/// Time, randomness and identifiers. Everything that is not the same on each run comes from here, so that a test
/// can decide it and a user can move the clock.
public struct Ambient: Sendable {
  public let clock: any AmbientClock
  public let random: any RandomSource

  public init(clock: any AmbientClock, random: any RandomSource) {
    self.clock = clock
    self.random = random
  }

  public var now: Instant { clock.now() }

  /// A random (version 4) UUID in lower case.
  public func uuid() -> String {
    var b = random.bytes(16)
    b[6] = b[6] & 0x0f | 0x40
    b[8] = b[8] & 0x3f | 0x80
    let h = Array(b.hex.utf8)
    return "\(h[0..<8].utf8Text)-\(h[8..<12].utf8Text)-\(h[12..<16].utf8Text)-\(h[16..<20].utf8Text)-\(h[20..<32].utf8Text)"
  }

  /// Random text of `length` characters of the alphabet.
  public func text(_ length: Int, of alphabet: String = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") -> String {
    let letters = Array(alphabet.utf8)
    return random.bytes(length).map { letters[Int($0) % letters.count] }.utf8Text
  }
}

/// The time that services follow. The user may freeze and advance it; `wallNow` never moves but with the real clock.
public protocol AmbientClock: Sendable {
  func now() -> Instant
  /// The real time, for the `Date` header, signature checks and what function code sees.
  func wallNow() -> Instant
  /// Returns once `now()` has reached the deadline, however it got there. Throws CancellationError when cancelled.
  func sleep(until deadline: Instant) async throws
  /// Waits real time, for the limits of function code. Throws CancellationError when cancelled.
  func sleepReal(for duration: Duration) async throws
  /// Real, monotonic, for measuring durations.
  func monotonic() -> Duration
}

public protocol RandomSource: Sendable {
  /// Cryptographically strong in production.
  func bytes(_ count: Int) -> [UInt8]
}

extension RandomSource {
  /// Uniform in `0..<bound`.
  public func number(below bound: UInt64) -> UInt64 {
    let raw = bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return raw.multipliedFullWidth(by: bound).high
  }
  /// Uniform in `0..<1`.
  public func unit() -> Double { Double(number(below: 1 << 53)) / Double(UInt64(1) << 53) }
}

/// The system's generator.
public struct SystemRandom: RandomSource {
  public init() {}
  public func bytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    var out: [UInt8] = []
    out.reserveCapacity(count)
    while out.count < count {
      withUnsafeBytes(of: generator.next()) { out.append(contentsOf: $0.prefix(count - out.count)) }
    }
    return out
  }
}

/// The same sequence for the same seed (SplitMix64), for tests.
public final class SeededRandom: RandomSource {
  private let state: Mutex<UInt64>
  public init(seed: UInt64) { state = Mutex(seed) }
  public func bytes(_ count: Int) -> [UInt8] {
    state.withLock { state in
      (0..<count).map { _ in
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return UInt8(truncatingIfNeeded: z ^ (z >> 31))
      }
    }
  }
}
