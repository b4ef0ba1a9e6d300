import Base
import Store
import Synchronization

/// Finds what a name stands for, and remembers it: an invocation of a known function reads nothing from the store.
///
/// Coherent with the writes of this process: `forget` is called after each commit and before its answer. A lookup that began
/// before a `forget` is not remembered.
final class Resolver: Sendable {
  /// Functions remembered at a time; one more empties the cache.
  private static let capacity = 10_000

  private struct Cache {
    var functions: [FunctionID: [String: Target]] = [:]
    var generation: UInt64 = 0
  }
  /// What a name stands for: for an alias with two versions each call draws one of them.
  ///
  /// A class, because a table has room for more values than it holds, and these are large.
  private final class Target: Sendable {
    let main: ResolvedFunction
    let other: (version: FunctionVersion, weight: Double)?
    init(main: ResolvedFunction, other: (version: FunctionVersion, weight: Double)?) { (self.main, self.other) = (main, other) }
  }
  private let store: any Store
  private let random: any RandomSource
  private let cache = Mutex(Cache())

  init(store: any Store, random: any RandomSource) { (self.store, self.random) = (store, random) }

  func resolve(_ name: FunctionName) async throws -> ResolvedFunction {
    let target = try await target(name)
    guard let (version, weight) = target.other, random.unit() < weight else { return target.main }
    var resolved = target.main
    resolved.version = version
    return resolved
  }

  private func target(_ name: FunctionName) async throws -> Target {
    let qualifier = name.qualifier ?? ""
    let (known, generation) = cache.withLock { ($0.functions[name.id]?[qualifier], $0.generation) }
    if let known { return known }
    let target = try await store.read { try Self.read(name, $0) }
    cache.withLock { cache in
      guard cache.generation == generation else { return }
      if cache.functions.count >= Self.capacity { cache.functions = [:] }
      cache.functions[name.id, default: [:]][qualifier] = target
    }
    return target
  }

  func forget(_ id: FunctionID) {
    cache.withLock { cache in
      cache.functions[id] = nil
      cache.generation += 1
    }
  }

  private static func read(_ name: FunctionName, _ reader: any Reader) throws -> Target {
    let rows = FunctionRows(reader)
    guard let function = try rows.function(name.id) else {
      throw LambdaError.functionNotFound("\(name.id.arn):\(name.qualifier ?? FunctionVersion.latest)")
    }
    var (version, alias) = try rows.version(name)
    if version.version == FunctionVersion.latest { version = function.serving ?? version }
    let other = try alias?.routing.map { routing in
      (version: try rows.version(FunctionName(id: name.id, qualifier: routing.version)).version, weight: routing.weight)
    }
    let main = ResolvedFunction(
      version: version, alias: alias?.name, reservedConcurrency: function.reservedConcurrency,
      policy: try PolicyRows(reader).policy(name.id, name.qualifier)?.text, tags: function.tags,
      asynchronous: try rows.settings(name.id, name.qualifier), allowsRecursion: function.allowsRecursion)
    return Target(main: main, other: other)
  }
}
