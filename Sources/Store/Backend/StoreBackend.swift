import Base

/// A store as the operator of the whole sees it: services only ever need `Store`.
public protocol StoreBackend: Store {
  /// What every transaction before has written, to be copied while later ones go on.
  func image() async throws -> any StoreImage
  /// What the store has done since it was opened.
  var statistics: StoreStatistics { get }
}

/// One moment of a store. It holds on to what has been overwritten since, so let go of it soon.
public protocol StoreImage: Sendable {
  /// The entries after a key (nil: from the first one) in order: as many as make up about `bytes`, at least one. Empty at the end.
  func entries(after key: Key?, bytes: Int) async throws -> [(key: Key, value: [UInt8])]
}

public struct StoreStatistics: Sendable {
  /// Bodies whose writes were committed or that wrote nothing.
  public var transactions: UInt64 = 0
  public var reads: UInt64 = 0
  /// Keys and values of all commits.
  public var committedBytes: UInt64 = 0
  /// Commits that the disk did not confirm.
  public var failedCommits: UInt64 = 0
  /// One entry for each commit, which is one synchronised write: its duration in seconds.
  public var commitSeconds = Histogram([0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2])

  public init() {}
}
