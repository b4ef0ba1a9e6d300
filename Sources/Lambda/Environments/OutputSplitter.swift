import Base

/// Cuts the output of a runtime into log messages: framed ones as the runtime client made them, and plain text by line.
///
/// `_LAMBDA_TELEMETRY_LOG_FD` names standard output itself, so frames and printed text come through one pipe and keep
/// their order. A frame is `A5 5A 00 T`, four bytes of length, eight of time in microseconds when T is odd in its lowest
/// bit pattern (0x03), and the message.
struct OutputSplitter: Sendable {
  /// A message of the log is at most this long; a longer line is cut into several.
  static let maximumMessage = 256 << 10

  private var buffer: [UInt8] = []

  /// Takes more output; returns the messages that are complete, each with its line end.
  mutating func feed(_ bytes: [UInt8]) -> [String] {
    buffer += bytes
    return split(isEnd: false)
  }

  /// The process ended, or an invocation did: what is left counts as a message.
  mutating func finish() -> [String] { split(isEnd: true) }

  private mutating func split(isEnd: Bool) -> [String] {
    var messages: [String] = []
    var at = 0
    while at < buffer.count {
      if let frame = frame(at: at) {
        switch frame {
        case .complete(let message, let next):
          messages.append(message)
          at = next
          continue
        case .partial where !isEnd:
          buffer.removeFirst(at)
          return messages
        case .partial: break
        }
      }
      guard let end = lineEnd(from: at) else {
        guard isEnd || buffer.count - at >= Self.maximumMessage else { break }
        messages.append(buffer[at...].utf8Text)
        at = buffer.count
        break
      }
      messages.append(buffer[at..<end].utf8Text)
      at = end
    }
    buffer.removeFirst(at)
    return messages
  }

  private enum Frame { case complete(String, next: Int), partial }

  private func frame(at start: Int) -> Frame? {
    let magic: [UInt8] = [0xa5, 0x5a, 0x00]
    let head = buffer[start..<min(start + 3, buffer.count)]
    guard head.elementsEqual(magic.prefix(head.count)) else { return nil }
    guard buffer.count - start >= 16 else { return .partial }
    let hasTime = buffer[start + 3] & 0x02 != 0
    let headerLength = hasTime ? 16 : 8
    let length = buffer[(start + 4)..<(start + 8)].reduce(0) { $0 << 8 | Int($1) }
    guard length <= 8 << 20 else { return nil }
    guard buffer.count - start >= headerLength + length else { return .partial }
    let message = buffer[(start + headerLength)..<(start + headerLength + length)].utf8Text
    return .complete(message, next: start + headerLength + length)
  }

  /// One past the next line end, or where a frame begins in the middle of a line.
  private func lineEnd(from start: Int) -> Int? {
    var i = start
    while i < buffer.count {
      if buffer[i] == 10 { return i + 1 }
      if i > start, buffer[i] == 0xa5, i + 2 < buffer.count, buffer[i + 1] == 0x5a, buffer[i + 2] == 0 { return i }
      if i - start >= Self.maximumMessage { return i }
      i += 1
    }
    return nil
  }
}
