import Base

/// The runtime process of an environment: one in a sandbox of ours, or one that a developer attached.
protocol EnvironmentProcess: Sendable {
  /// When the keys of the role end that it was given.
  var credentialsExpireAt: Instant { get }
  /// The init phase is over.
  func limitCPU() throws
  func kill()
  /// Asks the runtime to end by itself.
  func terminateRuntime()
  func killRuntime()
  func setFrozen(_ frozen: Bool)
  func peakMemoryBytes() -> Int?
  /// What the process has written by now.
  func takeOutput() -> [(LogSource, [UInt8])]
  /// Calls `take` whenever there is output to take, until the process has ended. For one task.
  func whileRunning(take: @Sendable () -> Void) async
  func end() async -> (end: ProcessEnd, peakMemoryBytes: Int?)
  func release() async
  /// With what only a sandbox can do: several programs, connections to ports inside. Nil for a process that was attached.
  var sandboxed: RunningProcess? { get }
}

extension RunningProcess: EnvironmentProcess {
  var sandboxed: RunningProcess? { self }
}
