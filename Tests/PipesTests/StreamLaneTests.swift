import Base
import Fabric
import Testing

@testable import Pipes

private func record(_ number: Int, at seconds: Int64 = 0) -> StreamRecord {
  StreamRecord(sequenceNumber: "\(number)", partitionKey: "k", arrival: Instant(seconds: seconds), content: .data([]))
}

private func lane(_ parameters: JSON, _ count: Int = 4) -> StreamLane {
  var lane = StreamLane(StreamSettings(parameters))
  lane.load((0..<count).map { record($0, at: Int64($0) * 100) })
  return lane
}

@Suite struct StreamLaneTests {
  @Test func `a batch that fails is tried again from its first failure on until retries are used up`() {
    var lane = lane(["MaximumRetryAttempts": 2])
    #expect(lane.failed(from: 1).isEmpty)
    #expect(lane.next?.map(\.sequenceNumber) == ["1", "2", "3"])
    #expect(lane.failed(from: 0).isEmpty)
    #expect(lane.failed(from: 0).map(\.sequenceNumber) == ["1", "2", "3"])
    #expect(lane.next == nil)
  }

  @Test func `without a limit a batch is tried for as long as its records live`() {
    var lane = lane(["MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": 150])
    for _ in 0..<1000 { #expect(lane.failed(from: 0).isEmpty) }
    #expect(lane.expired(at: Instant(seconds: 150)).isEmpty)
    #expect(lane.expired(at: Instant(seconds: 251)).map(\.sequenceNumber) == ["0", "1"])
    #expect(lane.next?.map(\.sequenceNumber) == ["2", "3"])
  }

  @Test func `a bisected batch isolates the record that fails and goes on in order`() {
    var lane = lane(["OnPartialBatchItemFailure": "AUTOMATIC_BISECT", "MaximumRetryAttempts": 0], 5)
    var done: [String] = [], given: [String] = []
    while let part = lane.next {
      if part.contains(where: { $0.sequenceNumber == "3" }) {
        given += lane.failed(from: 0).map(\.sequenceNumber)
      } else {
        done += part.map(\.sequenceNumber)
        lane.succeeded()
      }
    }
    #expect(done == ["0", "1", "2", "4"] && given == ["3"])
  }
}

@Suite struct ParallelLaneTests {
  @Test func `records of a key stay in one lane and in order, and none is lost`() {
    let settings = StreamSettings(["ParallelizationFactor": 4])
    let records = (0..<100).map {
      StreamRecord(sequenceNumber: "\($0)", partitionKey: "k\($0 % 7)", arrival: Instant(seconds: 0), content: .data([]))
    }
    let lanes = settings.lanes(records)
    #expect((2...4).contains(lanes.count) && lanes.reduce(0) { $0 + $1.count } == 100)
    for key in 0..<7 {
      let holders = lanes.filter { $0.contains { $0.partitionKey == "k\(key)" } }
      #expect(holders.count == 1)
      let numbers = holders[0].filter { $0.partitionKey == "k\(key)" }.compactMap { Int($0.sequenceNumber) }
      #expect(numbers == numbers.sorted())
    }
    #expect(StreamSettings(nil).lanes(records) == [records])
  }

  @Test func `one poller waits for more while others work`() {
    let crew = PollerCrew(most: 3)
    #expect(crew.hire() == 1 && crew.hire() == 0)
    crew.begin()
    #expect(crew.hire() == 1 && crew.hire() == 0)
    crew.begin()
    #expect(crew.hire() == 1)
    crew.begin()
    #expect(crew.hire() == 0)
    crew.end()
    #expect(!crew.mayGo())
    crew.end()
    #expect(crew.mayGo() && !crew.mayGo())
  }
}
