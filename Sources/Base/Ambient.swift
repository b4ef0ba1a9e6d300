import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

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
    return String(unsafeUninitializedCapacity: 36) { out in
      var n = 0
      for (i, byte) in b.enumerated() {
        if i == 4 || i == 6 || i == 8 || i == 10 {
          out[n] = UInt8(ascii: "-")
          n += 1
        }
        (out[n], out[n + 1]) = (hexDigit(byte >> 4), hexDigit(byte & 15))
        n += 2
      }
      return n
    }
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

/// The system's generator. A request needs a few dozen bytes and the system call costs about the same for many, so they are
/// fetched ahead; each byte is handed out once and wiped.
public final class SystemRandom: RandomSource {
  private static let ahead = 512
  private let state = Mutex((bytes: [UInt8](repeating: 0, count: ahead), used: ahead))

  public init() {}

  public func bytes(_ count: Int) -> [UInt8] {
    guard count <= Self.ahead / 4 else { return Self.fetched(count) }
    return state.withLock { state in
      if state.used + count > Self.ahead { (state.bytes, state.used) = (Self.fetched(Self.ahead), 0) }
      let range = state.used..<(state.used + count)
      let out = Array(state.bytes[range])
      for i in range { state.bytes[i] = 0 }
      state.used += count
      return out
    }
  }

  private static func fetched(_ count: Int) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: count)
    // getentropy gives at most 256 bytes at a time, and fails only for more or a bad address.
    for start in stride(from: 0, to: count, by: 256) {
      let failure = out.withUnsafeMutableBytes { getentropy($0.baseAddress?.advanced(by: start), min(256, count - start)) }
      precondition(failure == 0, "getentropy: errno \(errno)")
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
