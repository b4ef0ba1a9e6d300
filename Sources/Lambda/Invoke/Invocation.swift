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
  static func exit(_ requestID: String, _ end: ProcessEnd) -> FunctionError {
    make(type(of: end), "RequestId: \(requestID) Error: \(words(for: end))")
  }

  static func type(of end: ProcessEnd) -> String {
    switch end {
    case .notStarted: "Runtime.InvalidEntrypoint"
    case .noWorkingDirectory: "Runtime.InvalidWorkingDir"
    case .outOfMemory: "Runtime.OutOfMemory"
    case .exited, .signalled: "Runtime.ExitError"
    }
  }

  static func words(for end: ProcessEnd) -> String {
    switch end {
    case .notStarted(let reason), .noWorkingDirectory(let reason): reason
    case .outOfMemory: "Runtime exited with error: signal: killed"
    case .exited(0): "Runtime exited without providing a reason"
    case .exited(let status): "Runtime exited with error: exit status \(status)"
    case .signalled(let signal): "Runtime exited with error: signal: \(ProcessEnd.name(ofSignal: signal))"
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
  /// What a type in the trailers of a streamed answer counts as: only `Runtime.Kind` and `Function.Kind` are told apart.
  static func known(_ type: String) -> String {
    let parts = type.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let isFamily = parts.count == 2 && (parts[0] == "Runtime" || parts[0] == "Function")
    let kind = isFamily ? parts[1].utf8 : "".utf8[...]
    let isKind = kind.count > 1 && kind.allSatisfy { $0 | 32 >= 97 && $0 | 32 <= 122 } && kind.first.map { $0 < 97 } == true
    return isKind ? type : type.hasPrefix("Function.") ? "Function.Unknown" : "Runtime.Unknown"
  }
  /// A streamed answer that ended in its middle.
  static let truncated = make("Runtime.TruncatedResponse", "The response ended before it was complete.")
}

/// How a runtime process ended.
enum ProcessEnd: Sendable, Equatable {
  case exited(Int32)
  case signalled(Int32)
  case outOfMemory
  /// There was no program to run, or it could not be.
  case notStarted(String)
  case noWorkingDirectory(String)

  /// As the end of an extension is worded.
  var asExtension: String {
    switch self {
    case .exited(0): "exit code 0"
    case .exited(let status): "exit status \(status)"
    case .signalled(let signal): "signal: \(Self.name(ofSignal: signal))"
    case .outOfMemory: "signal: killed"
    case .notStarted(let reason), .noWorkingDirectory(let reason): reason
    }
  }

  static func name(ofSignal signal: Int32) -> String {
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
