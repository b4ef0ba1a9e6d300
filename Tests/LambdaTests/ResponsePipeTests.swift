import Base
import Testing

@testable import Lambda

@Suite struct ResponsePipeTests {
  private let pipe = ResponsePipe(bytesPerSecond: 0, clock: TestClock())

  private func result(_ outcome: InvocationOutcome = .success([])) -> InvocationResult {
    InvocationResult(outcome: outcome, executedVersion: "1", logTail: [])
  }
  private func isFinished(_ opening: ResponsePipe.Opening) -> Bool { if case .finished = opening { true } else { false } }

  @Test func `what is written is read in order, and the end comes after it`() async throws {
    pipe.begin(contentType: "text/plain")
    #expect(await pipe.write([1, 2]) == .taken)
    #expect(await pipe.write([3]) == .taken)
    pipe.finish(result())
    guard case .streaming("text/plain") = try await pipe.opening() else { Issue.record("no stream"); return }
    #expect(try await pipe.next() == [1, 2, 3])
    #expect(try await pipe.next() == nil)
    #expect(pipe.result != nil)
  }

  @Test func `a stream without bytes has begun when it ends well, and not when it fails`() async throws {
    pipe.begin(contentType: "text/plain")
    pipe.finish(result())
    #expect(!isFinished(try await pipe.opening()))
    let failed = ResponsePipe(bytesPerSecond: 0, clock: TestClock())
    failed.begin(contentType: "text/plain")
    failed.finish(result(.functionError(.truncated)))
    #expect(isFinished(try await failed.opening()))
  }

  @Test func `an answer in one piece finishes without a stream`() async throws {
    pipe.finish(result(.success([1])))
    #expect(isFinished(try await pipe.opening()))
  }

  @Test func `a full pipe makes the writer wait for its reader`() async throws {
    pipe.begin(contentType: "")
    let piece = [UInt8](repeating: 7, count: ResponsePipe.capacity)
    async let written = pipe.write(piece)
    #expect(try await pipe.next() == piece)
    #expect(await written == .taken)
  }

  @Test func `a writer that waits is let go when the invocation is over or the reader is gone`() async {
    let piece = [UInt8](repeating: 7, count: ResponsePipe.capacity)
    async let late = pipe.write(piece)
    pipe.finish(result(.functionError(.truncated)))
    #expect(await late == .over)
    let left = ResponsePipe(bytesPerSecond: 0, clock: TestClock())
    left.abandon()
    #expect(await left.write(piece) == .taken)
    #expect(await left.write(piece) == .taken)
  }

  @Test func `a reader whose task is cancelled leaves the pipe`() async {
    let reader = Task { try await pipe.opening() }
    reader.cancel()
    await #expect(throws: CancellationError.self) { _ = try await reader.value }
    #expect(await pipe.write([UInt8](repeating: 7, count: 1 << 20)) == .taken)
  }

  @Test func `the first six megabytes pass at once, what follows at two a second, and two hundred at most`() {
    var allowance = StreamAllowance(now: .zero)
    #expect(allowance.take(6 << 20, now: .zero) == .zero)
    #expect(allowance.take(2 << 20, now: .zero) == .seconds(1))
    #expect(allowance.take(1 << 20, now: .seconds(1)) == .milliseconds(500))
    #expect(allowance.take(0, now: .seconds(60)) == .zero)
    #expect(allowance.take(7 << 20, now: .seconds(60)) == .milliseconds(500))
    #expect(allowance.take(200 << 20, now: .seconds(60)) == nil)
    var free = StreamAllowance(bytesPerSecond: 0, now: .zero)
    #expect(free.take(200 << 20, now: .zero) == .zero)
    #expect(free.take(1, now: .zero) == nil)
  }
}

@Suite struct StreamErrorTests {
  @Test(arguments: [
    ("Runtime.ExitError", "Runtime.ExitError"), ("Function.MyError", "Function.MyError"), ("RangeError", "Runtime.Unknown"),
    ("", "Runtime.Unknown"), ("Custom.Kind", "Runtime.Unknown"), ("Function.", "Function.Unknown"), ("Function.x", "Function.Unknown"),
    ("Function.My-Error", "Function.Unknown"), ("Runtime.A", "Runtime.Unknown"), ("Runtime.My.Error", "Runtime.Unknown"),
    (" Function.MyError", "Runtime.Unknown"), ("Function.MyÉrror", "Function.Unknown"),
  ])
  func `only two families of error types are told apart`(_ type: String, _ known: String) {
    #expect(FunctionError.known(type) == known)
  }
}
