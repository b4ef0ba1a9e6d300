import Base
import Fabric
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Gives the memory back that many environments at once have needed, some time after they have ended. glibc keeps what was freed
/// between things that live on until it is told to.
final class MemoryReturn: Worker {
  /// So many ends are worth the milliseconds.
  private static let threshold = 50
  /// The last of many ends are waited for, and no more turns than this are made.
  private static let pause = Duration.seconds(2)

  let name = "lambda.memory"
  let nudge = Nudge()
  private let clock: any AmbientClock
  private let ends = Atomic(0)

  init(_ clock: any AmbientClock) { self.clock = clock }

  /// An environment has ended and left nothing behind.
  func environmentEnded() {
    if ends.add(1, ordering: .relaxed).newValue == Self.threshold { nudge.nudge() }
  }

  func turn(_ now: Instant) async throws -> NextTurn {
    guard ends.load(ordering: .relaxed) >= Self.threshold else { return .onNudge }
    try await clock.sleepReal(for: Self.pause)
    ends.store(0, ordering: .relaxed)
    _ = Self.trim?(0)
    return .onNudge
  }

  /// glibc's `malloc_trim`, which Swift's module of glibc does not show; nil with another library.
  private static let trim: (@convention(c) (Int) -> CInt)? = dlsym(nil, "malloc_trim").map {
    // The signature is that of malloc_trim(3).
    unsafeBitCast($0, to: (@convention(c) (Int) -> CInt).self)
  }
}
