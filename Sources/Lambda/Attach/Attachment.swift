import Base
import Fabric
import Synchronization

/// The server's side of one `dewpoint exec`: what it tells the command, and what it hears from it.
final class Attachment: Sendable {
  /// Lines of JSON for the command.
  enum Message: Sendable {
    /// The process may start, with these variables.
    case attached(id: String, arn: String, variables: [String: String])
    /// A line of the platform, such as START.
    case log(String)
    /// Hand on what the process has written until now, then say so with this number.
    case flush(UInt64)
    /// An invocation begins or ends.
    case busy(Bool)
    /// The process is to be ended.
    case end(reason: String)
    /// Nothing, to learn whether the command is still there.
    case beat

    var line: [UInt8] {
      let json: JSON =
        switch self {
        case .attached(let id, let arn, let variables):
          ["attached": .string(id), "arn": .string(arn),
            "variables": .object(JSONObject(variables.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
          ]
        case .log(let text): ["log": .string(text)]
        case .flush(let number): ["flush": .int(Int64(number))]
        case .busy(let isBusy): ["busy": .bool(isBusy)]
        case .end(let reason): ["end": .string(reason)]
        case .beat: .null
        }
      return json.isNull ? [10] : json.bytes + [10]
    }
  }

  /// How long an answer may wait for the words that were written before it. Real time.
  private static let flushLimit = Duration.seconds(2)

  let id: String
  private let messages: AsyncStream<Message>
  private let sink: AsyncStream<Message>.Continuation
  private struct State {
    var flushes: [UInt64: Nudge] = [:]
    var last: UInt64 = 0
    var isOver = false
  }
  private let state = Mutex(State())
  private let clock: any AmbientClock

  init(id: String, clock: any AmbientClock) {
    (self.id, self.clock) = (id, clock)
    // One line of each kind for an invocation, and there is one invocation at a time; a command that reads nothing is cut off.
    (messages, sink) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(10_000))
  }

  func tell(_ message: Message) { sink.yield(message) }

  /// Hands the messages to the command until one side has gone away. A command that was killed is only noticed by writing to it.
  func deliver(_ write: @Sendable ([UInt8]) async throws -> Void) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [clock] in
        while (try? await clock.sleepReal(for: Self.beat)) != nil { self.tell(.beat) }
      }
      do { for await message in messages { try await write(message.line) } } catch {
        // It is gone, which is an end like any other.
      }
      group.cancelAll()
    }
  }
  private static let beat = Duration.milliseconds(500)

  /// Nothing more is told.
  func finish() {
    sink.finish()
    let flushes = state.withLock { state in
      state.isOver = true
      return state.flushes.values.map { $0 }
    }
    for flush in flushes { flush.nudge() }
  }

  /// Returns when the command has told of all that the process wrote before, or takes too long for it.
  func flush() async {
    let nudge = Nudge()
    let number = state.withLock { state -> UInt64? in
      guard !state.isOver else { return nil }
      state.last += 1
      state.flushes[state.last] = nudge
      return state.last
    }
    guard let number else { return }
    tell(.flush(number))
    await withDiscardingTaskGroup { group in
      let either = Nudge()
      group.addTask { await nudge.wait(); either.nudge() }
      group.addTask { [clock] in try? await clock.sleepReal(for: Self.flushLimit); either.nudge() }
      await either.wait()
      group.cancelAll()
    }
    state.withLock { $0.flushes[number] = nil }
  }

  func flushed(_ number: UInt64) { state.withLock { $0.flushes[number] }?.nudge() }
}
