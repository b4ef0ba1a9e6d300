import Base
import Fabric
import TestCloud
import Testing

@testable import Lambda

@Suite(.timeLimit(.minutes(1))) struct ChaosTests {
  private func cloud(_ fault: ChaosFault, _ service: String = "kinesis", count: Int? = nil) async throws -> StreamCloud {
    let cloud = try await StreamCloud()
    _ = try cloud.chaos.add(.init(fault, service: service, count: count, seed: 1))
    return cloud
  }

  /// A pause begins after the answer that tells of it.
  private func afterPauses(of cloud: StreamCloud, _ condition: () -> Bool) async {
    await eventually {
      cloud.test.clock.advance(.seconds(1))
      return condition()
    }
  }

  @Test(arguments: ["kinesis", "lambda"])
  func `a duplicated batch of a shard is handed over twice, and the order stays`(_ service: String) async throws {
    let cloud = try await cloud(.duplicate, service)
    cloud.stream.put(record(1, "a"), record(2, "b"), record(3, "c"))
    let mapping = try await cloud.map { $0.batchSize = 2 }
    try await cloud.reading(mapping) { await eventually { cloud.function.data.count == 4 } }
    #expect(cloud.function.data == [["a", "b"], ["a", "b"], ["c"], ["c"]])
    #expect(try await cloud.position(mapping) == .after("3"))
  }

  @Test func `a function that crashes by a rule has not run, and its batch is tried again`() async throws {
    let cloud = try await cloud(.fail, count: 1)
    cloud.stream.put(record(1, "a"))
    let mapping = try await cloud.map()
    try await cloud.reading(mapping) {
      await eventually { cloud.chaos.rules[0].hits == 1 }
      #expect(cloud.function.data.isEmpty)
      await eventually { (try? await cloud.answer(mapping).lastProcessingResult) == "PROBLEM: Function call failed" }
      await afterPauses(of: cloud) { cloud.function.data == [["a"]] }
    }
  }

  @Test func `a throttled batch waits and loses none of its attempts`() async throws {
    let cloud = try await cloud(.throttle, "lambda", count: 1)
    cloud.stream.put(record(1, "a"))
    let mapping = try await cloud.map { $0.maximumRetryAttempts = 0 }
    try await cloud.reading(mapping) {
      await eventually { (try? await cloud.answer(mapping).lastProcessingResult) == "PROBLEM: Function throttled" }
      await afterPauses(of: cloud) { cloud.function.data == [["a"]] }
    }
  }
}
