import Base
import NIOCore

/// A connection as its lane sees it: not yet known, HTTP/1.1 or HTTP/2. A stream of HTTP/2 is none.
protocol LaneMember: AnyObject {
  var listener: Listener { get }
  /// Ends now if no request is in work, else after those that are.
  func stop()
  func abort()
}

/// One event loop and what its connections share. Touched on the loop only.
final class Lane: @unchecked Sendable {  // confined to `loop`; the other threads only read the constants
  let loop: any EventLoop
  let executor: EventLoopExecutor
  let configuration: HTTPServerConfiguration
  let counters: Counters
  private let clock: any AmbientClock
  private var members: [ObjectIdentifier: any LaneMember] = [:]
  private var runningTasks = 0
  private(set) var isStopping = false
  private var drained: EventLoopPromise<Void>?
  private var dateSecond = Int64.min
  private var date: [UInt8] = []
  private var yielded: [Connection] = []
  /// Bytes that the connections hold, and how many they may.
  private var held = 0
  private let mayHold: Int

  /// - Parameter share: the lane's part of what all connections may hold, in bytes.
  init(loop: any EventLoop, configuration: HTTPServerConfiguration, share: Int, counters: Counters, clock: any AmbientClock) {
    (self.loop, self.configuration, self.counters, self.clock) = (loop, configuration, counters, clock)
    mayHold = share
    executor = EventLoopExecutor(loop: loop)
  }

  /// The value of the `Date` header. It is real time even when the user has moved the clock: clients correct their signing
  /// clocks by it.
  var httpDate: [UInt8] {
    let now = clock.wallNow()
    if now.seconds != dateSecond {
      dateSecond = now.seconds
      date = Array(now.httpDate.utf8)
    }
    return date
  }

  // Turns.

  /// Gives the connection its next turn once the loop has looked at its sockets. The loop does that only when it has nothing
  /// left to run, so all who yield go on together, and a moment later.
  func yield(_ connection: Connection) {
    yielded.append(connection)
    guard yielded.count == 1 else { return }
    loop.assumeIsolated().scheduleTask(in: .microseconds(50)) { [self] in
      let turn = yielded
      yielded = []
      for connection in turn { connection.takeTurn() }
    }
  }

  // Memory.

  /// Whether something of this size may be held; what is small gets a little more room, so that those who send little are
  /// served while others fill the memory.
  func hasRoom(for bytes: Int, isSmall: Bool) -> Bool { held + bytes <= (isSmall ? mayHold + mayHold / 8 : mayHold) }
  func hold(_ bytes: Int) { held += bytes }
  func release(_ bytes: Int) { held -= bytes }

  // Life.

  func add(_ member: any LaneMember) { members[ObjectIdentifier(member)] = member }
  func remove(_ member: any LaneMember) {
    members[ObjectIdentifier(member)] = nil
    checkDrained()
  }
  func taskStarted() { runningTasks += 1 }
  func taskEnded() {
    runningTasks -= 1
    checkDrained()
  }

  /// Closes idle connections now and the others after their current responses. Completes when none is left.
  func drain() -> EventLoopFuture<Void> {
    loop.preconditionInEventLoop()
    isStopping = true
    let promise = drained ?? loop.makePromise()
    drained = promise
    for member in members.values { member.stop() }
    checkDrained()
    return promise.futureResult
  }
  /// Cuts off the connections of one listener, or all.
  func abort(_ listener: ListenerID?) {
    for member in members.values where listener == nil || member.listener.id == listener { member.abort() }
  }
  func stop(_ listener: ListenerID) {
    for member in members.values where member.listener.id == listener { member.stop() }
  }

  private func checkDrained() {
    if isStopping, members.isEmpty, runningTasks == 0 { drained?.succeed() }
  }
}
