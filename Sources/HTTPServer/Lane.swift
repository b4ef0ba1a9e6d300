import Base
import NIOCore

/// One event loop and what its connections share. Touched on the loop only.
final class Lane: @unchecked Sendable {  // confined to `loop`; the other threads only read the constants
  let loop: any EventLoop
  let executor: EventLoopExecutor
  let configuration: HTTPServerConfiguration
  private let clock: any AmbientClock
  private var connections: [ObjectIdentifier: Connection] = [:]
  private var runningTasks = 0
  private(set) var isStopping = false
  private var drained: EventLoopPromise<Void>?
  private var dateSecond = Int64.min
  private var date: [UInt8] = []

  init(loop: any EventLoop, configuration: HTTPServerConfiguration, clock: any AmbientClock) {
    (self.loop, self.configuration, self.clock) = (loop, configuration, clock)
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

  func add(_ connection: Connection) { connections[ObjectIdentifier(connection)] = connection }
  func remove(_ connection: Connection) {
    connections[ObjectIdentifier(connection)] = nil
    checkDrained()
  }
  func taskStarted() { runningTasks += 1 }
  func taskEnded() {
    runningTasks -= 1
    checkDrained()
  }

  /// Closes idle connections now and the others after their current response. Completes when none is left.
  func drain() -> EventLoopFuture<Void> {
    loop.preconditionInEventLoop()
    isStopping = true
    let promise = drained ?? loop.makePromise()
    drained = promise
    for connection in connections.values { connection.stop() }
    checkDrained()
    return promise.futureResult
  }
  /// Cuts off the connections of one listener, or all.
  func abort(_ listener: ListenerID?) {
    for connection in connections.values where listener == nil || connection.listener.id == listener { connection.abort() }
  }
  func stop(_ listener: ListenerID) {
    for connection in connections.values where connection.listener.id == listener { connection.stop() }
  }

  private func checkDrained() {
    if isStopping, connections.isEmpty, runningTasks == 0 { drained?.succeed() }
  }
}
