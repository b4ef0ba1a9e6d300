import Base
import NIOCore

/// Time-outs. Deadlines are only noted; one timer looks at them when it fires, so that a request that ends in time costs no
/// scheduling.
extension Connection {
  func setDeadline(_ deadline: NIODeadline) {
    phaseDeadline = deadline
    arm()
  }

  /// The first bytes of a head came, but not its end.
  func partOfHeadArrived() {
    if headIsTimed { return }
    headIsTimed = true
    setDeadline(.now() + .init(configuration.headTimeout))
  }

  func bodyProgressed(_ exchange: Exchange, _ collecting: Collecting) {
    var collecting = collecting
    let base = collecting.deadlineBase ?? .now()
    if collecting.deadlineBase == nil {
      collecting.deadlineBase = base
      phase = .collecting(exchange, collecting)
    }
    setDeadline(base + bodyTime(for: collected.count))
  }
  /// Of a streamed body, whose reader may pause it: each part gives new time.
  func extendBodyDeadline(_ exchange: Exchange) {
    if uploadIsFull || exchange.isPatient { phaseDeadline = nil } else { setDeadline(.now() + .init(configuration.bodyTimeout)) }
  }
  private func bodyTime(for bytes: Int) -> TimeAmount {
    .init(configuration.bodyTimeout) + .seconds(Int64(bytes / max(configuration.minimumBodyRate, 1)))
  }

  func watchWrites() {
    writeDeadline = .now() + .init(configuration.writeTimeout)
    unwrittenAtDeadline = unwrittenBytes
    arm()
  }
  private var unwrittenBytes: Int {
    if version == .http2 { return unsentBytes }
    return (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }

  private func arm() {
    guard let due = [phaseDeadline, writeDeadline].compactMap(\.self).min() else { return }
    if timer != nil, timerDue <= due { return }
    timer?.cancel()
    timerDue = due
    timer = loop.assumeIsolated().scheduleTask(deadline: due) { [weak self] in self?.timerFired() }
  }

  private func timerFired() {
    timer = nil
    let now = NIODeadline.now()
    if let deadline = writeDeadline, deadline <= now {
      let unwritten = unwrittenBytes
      if unwritten >= unwrittenAtDeadline {
        lane.counters.timedOutWrites.increment()
        return close()
      }
      watchWrites()
    }
    if let deadline = phaseDeadline, deadline <= now {
      phaseDeadline = nil
      phaseTimedOut()
    }
    if context != nil { arm() }
  }

  private func phaseTimedOut() {
    switch phase {
    case .idle where headIsTimed:
      lane.counters.timedOutHeads.increment()
      answerUnreadable(408)
    case .idle:
      lane.counters.timedOutIdle.increment()
      close()
    case .collecting(let exchange, _):
      lane.counters.timedOutBodies.increment()
      release(exchange)
      answerUnreadable(408)
    case .handling(let exchange), .responding(let exchange, _):
      guard case .streaming(let stream, _, _) = exchange.upload else { return }
      lane.counters.timedOutBodies.increment()
      exchange.upload = .abandoned
      stream.fail(HTTPServerError.bodyTooSlow)
    case .lingering: close()
    case .closed: break
    }
  }
}
