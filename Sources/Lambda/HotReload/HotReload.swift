import Base
import Dispatch
import Fabric
import Logging
import Synchronization

/// Knows when the directories change that are the code of functions.
///
/// An invocation asks first (`prepare`), so it runs what was written before it came. What changes while nobody asks is announced a
/// moment after the last change, so that idle environments end and whoever follows the reloads sees them.
final class HotReload: Sendable {
  /// Files of a directory have changed.
  struct Reload: Sendable {
    var directory: String
    /// Below the directory, some of them.
    var files: [String]
  }

  private struct Entry {
    var watch: DirectoryWatch?
    /// Another one after each change. A watch that is made anew gets another one, too: nobody knows what happened in between.
    var generation: UInt64
    var lastUse: UInt64 = 0
    var unannounced: [String]?
  }
  private struct State {
    var entries: [String: Entry] = [:]
    /// Counts uses and changes; no number comes twice.
    var last: UInt64 = 0
    var listeners: [UInt64: AsyncStream<Reload>.Continuation] = [:]
    var isOver = false

    mutating func next() -> UInt64 {
      last += 1
      return last
    }
  }

  /// Directories that are watched at a time. One more, and that which was used longest ago is watched again only at its next use.
  private static let maximumDirectories = 64
  /// How long it must have been quiet, and after how much unrest a change counts all the same. Real time.
  private static let quiet = Duration.milliseconds(50)
  private static let longestUnrest = Duration.seconds(1)

  /// Why no function may be a directory here; nil when it may.
  let refusal: String?
  private let clock: any AmbientClock
  private let logger: Logger
  private let state = Mutex(State())
  private let nudge = Nudge()
  private let queue = DispatchQueue(label: "dewpoint.hot-reload.look")

  init(refusal: String? = nil, clock: any AmbientClock, logger: Logger) {
    (self.refusal, self.clock, self.logger) = (refusal, clock, logger)
  }

  /// Sees to it that `revision(of:)` knows of everything that was written before.
  /// - Throws: `AWSError` 502 when the directory is not there.
  func prepare(_ function: FunctionVersion) async throws {
    guard let directory = function.hotReloadDirectory else { return }
    if look(at: directory) { return }
    let failure = await withCheckedContinuation { (continuation: CheckedContinuation<HotReloadFailure?, Never>) in
      queue.async { continuation.resume(returning: self.begin(directory)) }
    }
    if let failure { throw LambdaError.noHotReloadCode(failure) }
  }

  /// Names what an environment runs: one of another name takes no invocation of this one.
  func revision(of function: FunctionVersion) -> String {
    guard let directory = function.hotReloadDirectory else { return function.revisionID }
    return "\(function.revisionID)+\(state.withLock { $0.entries[directory]?.generation ?? 0 })"
  }

  /// False when the directory is not watched, or another one has its name now.
  private func look(at directory: String) -> Bool {
    state.withLock { state in
      let number = state.next()
      state.entries[directory]?.lastUse = number
      guard let watch = state.entries[directory]?.watch, DirectoryWatch.identity(of: directory) == watch.identity else { return false }
      count(directory, &state)
      return true
    }
  }

  /// Counts what has changed since the last look. True when something has.
  @discardableResult
  private func count(_ directory: String, _ state: inout State) -> Bool {
    guard var entry = state.entries[directory], let watch = entry.watch else { return false }
    guard let files = watch.take() ?? (watch.isComplete ? nil : []) else { return false }
    entry.generation = state.next()
    entry.unannounced = Array(((entry.unannounced ?? []) + files).prefix(DirectoryWatch.maximumNames))
    state.entries[directory] = entry
    nudge.nudge()
    return true
  }

  /// Blocking. Watches the directory; what it was before counts no more.
  private func begin(_ directory: String) -> HotReloadFailure? {
    let watch: DirectoryWatch
    do {
      _ = try HotReloadCode.place(of: directory)
      watch = try DirectoryWatch(directory) { [nudge] in nudge.nudge() }
    } catch let failure as HotReloadFailure {
      // Its environments would go on with files that have no name any more.
      state.withLock { $0.entries[directory]?.watch = nil }
      return failure
    } catch {
      return HotReloadFailure("The hot-reload directory \(directory) cannot be watched: \(error)")
    }
    if !watch.isComplete {
      logger.warning(
        "a hot-reload directory has more directories than can be watched: each invocation gets a new environment",
        metadata: ["directory": "\(directory)", "limit": "\(DirectoryWatch.maximumDirectories), and fs.inotify.max_user_watches"])
    }
    state.withLock { state in
      let old = state.entries[directory]
      let number = state.next()
      state.entries[directory] = Entry(
        watch: watch, generation: number, lastUse: number, unannounced: old.map { $0.unannounced ?? [] })
      endOldest(&state)
    }
    nudge.nudge()
    return nil
  }

  private func endOldest(_ state: inout State) {
    guard state.entries.count > Self.maximumDirectories,
      let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
    else { return }
    state.entries[oldest.key] = nil
  }

  /// Announces changes until the task is cancelled.
  /// - Parameter onReload: ends what runs old code and has nothing to do.
  func run(onReload: @Sendable (Reload) -> Void) async {
    while !Task.isCancelled {
      await nudge.wait()
      // A build or a checkout changes many files; environments that start in the midst of it would be of no use.
      let began = clock.monotonic()
      repeat {
        guard (try? await clock.sleepReal(for: Self.quiet)) != nil else { return }
      } while isRestless() && clock.monotonic() - began < Self.longestUnrest
      for reload in announcements() {
        onReload(reload)
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield(reload) }
      }
    }
  }

  /// Something has changed since the last look.
  private func isRestless() -> Bool {
    state.withLock { state in
      var isChanged = false
      // A tree that cannot be watched as a whole counts as changed whenever it is looked at.
      for (directory, entry) in state.entries where entry.watch?.isComplete == true {
        if count(directory, &state) { isChanged = true }
      }
      return isChanged
    }
  }

  private func announcements() -> [Reload] {
    state.withLock { state in
      let entries = state.entries
      return entries.compactMap { directory, entry in
        guard let files = entry.unannounced else { return nil }
        state.entries[directory]?.unannounced = nil
        return Reload(directory: directory, files: files)
      }
    }
  }

  /// Nobody hears of reloads any more.
  func finish() {
    let listeners = state.withLock { state in
      state.isOver = true
      return Array(state.listeners.values)
    }
    for listener in listeners { listener.finish() }
  }

  /// The reloads from now on. A listener that falls 256 behind loses the oldest.
  func reloads() -> AsyncStream<Reload> {
    let (stream, continuation) = AsyncStream.makeStream(of: Reload.self, bufferingPolicy: .bufferingNewest(256))
    let number = state.withLock { state -> UInt64 in
      let number = state.next()
      state.listeners[number] = continuation
      if state.isOver { continuation.finish() }
      return number
    }
    continuation.onTermination = { [weak self] _ in self?.state.withLock { _ = $0.listeners.removeValue(forKey: number) } }
    return stream
  }
}
