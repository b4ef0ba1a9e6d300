import Base
import Fabric
import Store
import Testing
import Wire

@testable import Lambda

/// Rows as an older release wrote them: the same bytes without what was added at the end.
private func old(_ row: [UInt8], without tail: Int, version: UInt8 = 1) -> [UInt8] { [version] + row.dropFirst().dropLast(tail) }

@Test func `functions that an older release stored are read with nothing of what is new`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  let id = FunctionID(account: .one, region: .usEast1, name: "orders")
  let function = try #require(try await test.store.read { try FunctionRows($0).function(id) })
  var expected = function
  expected.latest.unzippedSize = 0
  var bare = expected
  bare.latest.unzippedSize = 0
  // No layers, no size, no SnapStart, not durable, no directory, no VPC, no image within the version; no recursion behind the rest.
  var row = RowWriter()
  bare.latest.write(to: &row)
  let version = Array(row.bytes.dropFirst())
  var rest = bare.row
  rest.removeFirst(1 + version.count)
  #expect(try StoredFunction(row: [1] + version.dropLast(7) + rest.dropLast(1)) == expected)
  #expect(try StoredFunction(row: [2] + version.dropLast(4) + rest) == expected)
  #expect(try StoredFunction(row: [3] + version.dropLast(2) + rest) == expected)
  #expect(try StoredFunction(row: [4] + version.dropLast(1) + rest) == expected)
}

@Test func `aliases, settings, mappings and events that an older release stored are still read`() throws {
  let id = FunctionID(account: .one, region: .usEast1, name: "orders")
  let alias = Alias(function: id, name: "live", version: "1", description: "d", revisionID: "r")
  #expect(try Alias(row: old(alias.row, without: 1), function: id, name: "live") == alias)
  let settings = EventInvokeSettings(maximumRetryAttempts: 1, maximumEventAge: nil, lastModified: Instant(seconds: 5))
  #expect(try EventInvokeSettings(row: old(settings.row, without: 2)) == settings)
  let mapping = EventSourceMapping(
    uuid: "u", account: .one, region: .usEast1, source: ARN("sqs", .usEast1, .one, "q"), function: id, batchSize: 1,
    batchingWindow: .zero, reportsBatchItemFailures: false, state: .enabled, lastModified: Instant(seconds: 5))
  let stored = StoredMapping(mapping: mapping, tags: ["a": "b"])
  #expect(try StoredMapping(row: old(stored.row, without: 1), .one, .usEast1, "u") == stored)
  let event = AsyncEvent(
    requestID: "r", function: id, payload: [1], trace: TraceContext(root: "1-00000000-000000000000000000000000"),
    acceptedAt: Instant(seconds: 5), failures: 1, refusals: 2)
  #expect(try AsyncEvent(row: old(event.row, without: 1)) == event)
}
