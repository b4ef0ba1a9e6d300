import Base
import Fabric

/// One event on its way into a function.
struct Invocation: Sendable {
  /// The same for all attempts of one asynchronous event.
  var requestID: String
  /// Unique to this attempt.
  var attemptID: String
  /// JSON, passed through as it came.
  var payload: [UInt8]
  /// Base64 of the caller's client context; synchronous invocations only.
  var clientContext: String?
  /// With the qualifier that the caller used.
  var invokedARN: String
  var trace: TraceContext
  var wantsLogTail: Bool = false
  /// Where a streamed answer goes, when the caller takes it in pieces; others get it whole.
  var pipe: ResponsePipe?
}

/// Called once, when the invocation is over.
typealias InvocationCompletion = @Sendable (InvocationResult) -> Void

/// Where the pieces of a streamed answer go.
enum StreamTarget: Sendable {
  case pipe(ResponsePipe)
  /// The caller wants the answer in one piece.
  case collected
}

/// How an invocation ended, once it had an environment.
enum InvocationOutcome: Sendable, Equatable {
  case success([UInt8])
  /// The function failed; the body is the error object that the caller gets with HTTP 200.
  case functionError(FunctionError)
  /// Dewpoint could not run the function. The caller gets 500 and may try again.
  case systemError(String)
}

/// A failure of the function or of its runtime, with the body that callers, destinations and dead-letter queues see.
struct FunctionError: Sendable, Equatable {
  /// For the `Error Type` of the REPORT line; nil when the function reported the error in the normal way.
  var type: String?
  var body: [UInt8]

  /// The `errorMessage` of the body, for the attributes of a dead-letter message.
  var message: String { (try? JSON.parse(body))?["errorMessage"]?.string ?? "" }

  static func make(_ type: String, _ message: String, reported: Bool = true) -> FunctionError {
    FunctionError(type: reported ? type : nil, body: JSON.object(JSONObject([("errorType", .string(type)), ("errorMessage", .string(message))])).bytes)
  }

  static func timeout(_ requestID: String, after timeout: Duration) -> FunctionError {
    let ms = timeout.inMilliseconds
    return make(
      "Sandbox.Timedout", "RequestId: \(requestID) Error: Task timed out after \(ms / 1000).\(padded(Int(ms % 1000 / 10), 2)) seconds")
  }

  /// The runtime ended before it answered.
  static func exit(_ requestID: String, _ exit: ProcessEnd) -> FunctionError {
    switch exit {
    case .notStarted(let reason): make("Runtime.InvalidEntrypoint", "RequestId: \(requestID) Error: \(reason)")
    case .outOfMemory:
      make("Runtime.OutOfMemory", "RequestId: \(requestID) Error: Runtime exited with error: signal: killed")
    case .exited(0):
      make("Runtime.ExitError", "RequestId: \(requestID) Error: Runtime exited without providing a reason")
    case .exited(let status):
      make("Runtime.ExitError", "RequestId: \(requestID) Error: Runtime exited with error: exit status \(status)")
    case .signalled(let signal):
      make("Runtime.ExitError", "RequestId: \(requestID) Error: Runtime exited with error: signal: \(signalName(signal))")
    }
  }

  static let responseTooLarge = tooLarge(RuntimeAPILimits.maximumResponse)
  static let streamTooLarge = tooLarge(StreamAllowance.maximumBytes)
  private static func tooLarge(_ maximum: Int) -> FunctionError {
    FunctionError(
      type: "Function.ResponseSizeTooLarge",
      body: Array(
        #"{"errorMessage":"Response payload size exceeded maximum allowed payload size (\#(maximum) bytes).","errorType":"Function.ResponseSizeTooLarge"}"#
          .utf8))
  }
  /// A streamed answer that ended in its middle.
  static let truncated = make("Runtime.TruncatedResponse", "The response ended before it was complete.")

  private static func signalName(_ signal: Int32) -> String {
    switch signal {
    case 4: "illegal instruction"
    case 6: "aborted"
    case 8: "floating point exception"
    case 9: "killed"
    case 11: "segmentation fault"
    case 15: "terminated"
    case 31: "bad system call"
    default: "signal \(signal)"
    }
  }
}

/// How a runtime process ended.
enum ProcessEnd: Sendable, Equatable {
  case exited(Int32)
  case signalled(Int32)
  case outOfMemory
  /// There was no program to run, or it could not be.
  case notStarted(String)
}

enum RuntimeAPILimits {
  /// 6 MB and the room that AWS states in its own error text.
  static let maximumResponse = 6_291_556
}

/// What the caller of an invocation gets to know.
struct InvocationResult: Sendable {
  var outcome: InvocationOutcome
  var executedVersion: String
  /// The last 4 KB of the log of this invocation.
  var logTail: [UInt8]
  /// How long the function ran; nil when it did not.
  var duration: Duration?
}
