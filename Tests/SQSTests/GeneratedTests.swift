import Testing
import Wire

@testable import SQS

@Test func `the generated schema is sound`() {
  #expect(SQSModel.service.structuralFaults == [])
  #expect(SQSModel.service.operations.count == 23)
}
