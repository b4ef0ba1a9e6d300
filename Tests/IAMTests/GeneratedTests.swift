import Testing
import Wire

@testable import IAM

@Test func `the generated schemas are sound`() {
  #expect(IAMModel.service.structuralFaults == [])
  #expect(IAMModel.service.operations.count == 176)
  #expect(STSModel.service.structuralFaults == [])
  #expect(STSModel.service.operations.count == 11)
}
