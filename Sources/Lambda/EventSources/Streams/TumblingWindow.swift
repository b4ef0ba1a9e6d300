import Base

/// A time span whose records a function puts together, with what it has so far (AWS: "Tumbling windows").
struct TumblingWindow: Sendable, Equatable {
  var start: Instant
  var end: Instant
  /// A JSON value; an empty object at the beginning.
  var state: [UInt8]
  /// The function has seen records of it, so that it is to be told of its end.
  var hasRun = false
  /// The state has become too large.
  var isTooLarge = false

  /// The window that a record lies in by the time of its arrival.
  init(of time: Instant, length: Duration) {
    let length = max(1, length.inMilliseconds)
    let rest = time.milliseconds % length
    start = Instant(milliseconds: time.milliseconds - (rest < 0 ? rest + length : rest))
    end = start + .milliseconds(length)
    state = Array("{}".utf8)
  }
  init(start: Instant, end: Instant, state: [UInt8], hasRun: Bool, isTooLarge: Bool) {
    (self.start, self.end, self.state, self.hasRun, self.isTooLarge) = (start, end, state, hasRun, isTooLarge)
  }

  func contains(_ time: Instant) -> Bool { time >= start && time < end }

  /// Takes over what the function answered; an answer without a state leaves the old one.
  mutating func note(_ answer: [UInt8]) {
    hasRun = true
    guard let answered = (try? JSON.parse(answer))?["state"], answered.object != nil else { return }
    state = answered.bytes
    isTooLarge = state.count > LambdaLimits.windowStateBytes
  }
}
