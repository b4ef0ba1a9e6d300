import Testing
import Wire

@testable import CloudWatch

@Test func `the generated schemas are sound`() {
  #expect(MetricsModel.service.structuralFaults == [])
  #expect(LogsModel.service.structuralFaults == [])
  #expect(LogsModel.service.operations.count == 113)
}
