import Testing
import Wire

@testable import DynamoDB

@Test func `the generated schemas are sound`() {
  #expect(DynamoDBModel.service.structuralFaults == [])
  #expect(DynamoDBModel.service.operations.count == 57)
  #expect(StreamsModel.service.structuralFaults == [])
  #expect(StreamsModel.service.operations.count == 4)
}
