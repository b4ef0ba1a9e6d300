import Testing
import Wire

@testable import EventBridge

@Test func `the generated schema is sound`() {
  #expect(EventsModel.service.structuralFaults == [])
  #expect(EventsModel.service.operations.count == 57)
}
