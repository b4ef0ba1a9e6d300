import Testing
import Wire

@testable import CloudWatch

@Test func `the generated schema is sound`() {
  #expect(LogsModel.service.structuralFaults == [])
  #expect(LogsModel.service.operations.count == 113)
}
