import Base
import Fabric
import HTTPServer
import Logging
import Synchronization
import TestCloud
import Testing
import Wire

@testable import Gateway

/// An operation whose output has an event stream.
@Suite struct EventStreamAnswerTests {
  private func dispatcher(_ stream: @escaping @Sendable (Call) async throws -> EventStreamOutput) -> Dispatcher {
    let dispatcher = Dispatcher(authoriser: ScriptedAuthoriser.allowAll(), ambient: .test(clock: TestClock()))
    let shape = Models.function.operations["GetFunction"]?.output
    dispatcher.install([
      ServiceAPI(
        Models.function,
        operations: [
          Fabric.Operation(
            "GetFunction", access: { (_: AnyView, _) in [] },
            stream: { (_: AnyView, call) in
              var output = try await stream(call)
              if let shape { output.record = Record(shape) }
              return output
            })
        ])
    ])
    return dispatcher
  }

  private func answer(_ stream: @escaping @Sendable (Call) async throws -> EventStreamOutput) async -> HTTPResponse {
    let gateway = Gateway(
      dispatcher: dispatcher(stream), keys: ScriptedKeys(["test": KeyIdentity(secret: nil, principal: .root(.local))]),
      ambient: .test(clock: TestClock()), originGuard: OriginGuard(), pages: InternalPages([]), metrics: RequestMetrics())
    return await gateway.handle(.to("lambda", "GET", "/2015-03-31/functions/f"))
  }

  @Test func `messages follow one another in the body, as they are sent`() async throws {
    let response = await answer { _ in
      EventStreamOutput(Record(AnyView.shape)) { send in
        try await send(.event("One", contentType: "text/plain", [1]))
        try await send(.event("Two", contentType: "text/plain", [2]))
      }
    }
    #expect(response.status == 200)
    #expect(response.headers["content-type"] == "application/vnd.amazon.eventstream")
    guard case .stream = response.body else { Issue.record("no stream"); return }
  }

  @Test func `an error before the stream is an ordinary error`() async {
    let response = Answer(await answer { _ in throw AWSError("TooManyRequestsException", "slow down", status: 429) })
    #expect(response.status == 429)
    #expect(response.code == "TooManyRequestsException")
  }

  @Test func `an answer without messages has no stream`() async {
    let response = await answer { _ in EventStreamOutput(Record(AnyView.shape)) }
    guard case .bytes = response.body else { Issue.record("a stream"); return }
    #expect(response.headers["content-type"] != "application/vnd.amazon.eventstream")
  }

  @Test func `a service cannot call it`() async {
    let door = dispatcher { _ in EventStreamOutput(Record(AnyView.shape)) }
    let caller = Caller(
      principal: .root(.local), account: .local, region: .usEast1, trace: TraceContext(root: "1-00000000-000000000000000000000000"))
    var record = Record(Models.function.structure("GetFunctionRequest"))
    record["FunctionName"] = .string("f")
    await #expect(throws: AWSError.self) { _ = try await door.call("lambda", "GetFunction", record, as: caller) }
  }
}
