import Base

/// Reads `multipart/form-data` piece by piece: the fields before the file, then the bytes of the file as they come.
///
/// Fields behind the file are not read, as S3 does not.
struct FormParser {
  struct File: Sendable, Equatable {
    var name: String
  }
  enum Failure: Error, Equatable {
    /// The body is no form, or ends within it.
    case malformed
    /// The fields before the file are larger than allowed.
    case fieldsTooLarge
    case noFile
  }
  private enum State {
    /// Before the first boundary. → delimiter
    case preamble
    /// After a boundary. → head, over
    case delimiter
    /// → value, file
    case head
    /// Of the field that is named. → delimiter
    case value(String)
    /// → over
    case file
    case over
  }

  private let opening: [UInt8]
  private let boundary: [UInt8]
  private let limit: Int
  private var state = State.preamble
  private var buffer: [UInt8] = []
  /// So many bytes of the buffer do not hold what the state waits for, however the body is cut.
  private var searched = 0
  private var fieldBytes = 0
  /// By name in lower case, in the order in which they came; a name that comes twice has its first value.
  private(set) var fields: [(name: String, value: String)] = []
  private(set) var file: File?

  /// Nil when the content type is no form's.
  /// - Parameter limit: of the fields before the file, in bytes.
  init?(contentType: String?, limit: Int) {
    guard let contentType, contentType.lowercased().hasPrefix("multipart/form-data") else { return nil }
    guard let text = Self.parameter("boundary", of: contentType), (1...200).contains(text.utf8.count) else { return nil }
    opening = Array("--\(text)".utf8)
    boundary = Array("\r\n--\(text)".utf8)
    self.limit = limit
  }

  /// Takes the next piece of the body; gives the bytes of the file that are certain.
  mutating func feed(_ piece: [UInt8]) throws(Failure) -> [UInt8] {
    buffer += piece
    while true {
      switch state {
      case .preamble:
        guard buffer.count >= opening.count else { return [] }
        guard buffer.starts(with: opening) else { throw .malformed }
        buffer.removeFirst(opening.count)
        state = .delimiter
      case .delimiter:
        guard buffer.count >= 2 else { return [] }
        if buffer.starts(with: Array("--".utf8)) {
          state = .over
        } else {
          guard buffer.starts(with: Array("\r\n".utf8)) else { throw .malformed }
          buffer.removeFirst(2)
          state = .head
        }
      case .head:
        guard let end = find(Self.headEnd) else {
          try count(searched)
          return []
        }
        try count(end + 4)
        try begin(Array(buffer[..<end]))
        fieldBytes += end + 4
        drop(end + 4)
      case .value(let name):
        guard let end = find(boundary) else {
          try count(searched)
          return []
        }
        try count(end)
        fieldBytes += end
        if !fields.contains(where: { $0.name == name }) { fields.append((name, Array(buffer[..<end]).utf8Text)) }
        drop(end + boundary.count)
        state = .delimiter
      case .file:
        if let end = find(boundary) {
          let bytes = Array(buffer[..<end])
          (state, buffer) = (.over, [])
          return bytes
        }
        // A boundary may begin in what is here.
        let bytes = Array(buffer[..<searched])
        drop(searched)
        return bytes
      case .over:
        buffer = []
        return []
      }
    }
  }

  /// The body is over.
  func finish() throws(Failure) {
    if case .over = state {
      if file == nil { throw .noFile }
    } else {
      throw .malformed
    }
  }

  private func count(_ more: Int) throws(Failure) {
    guard fieldBytes + more <= limit else { throw .fieldsTooLarge }
  }

  private mutating func begin(_ head: [UInt8]) throws(Failure) {
    for line in head.utf8Text.split(separator: "\r\n") {
      let sides = line.split(separator: ":", maxSplits: 1)
      guard sides.count == 2, sides[0].trimmed.lowercased() == "content-disposition" else { continue }
      guard let name = Self.parameter("name", of: String(sides[1])), !name.isEmpty else { throw .malformed }
      if name.lowercased() == "file" {
        file = File(name: Self.parameter("filename", of: String(sides[1])) ?? "")
        state = .file
      } else {
        state = .value(name.lowercased())
      }
      return
    }
    throw .malformed
  }

  private static let headEnd = Array("\r\n\r\n".utf8)

  /// Where it is in the buffer. When it is not there, `searched` is how far it does not begin.
  private mutating func find(_ needle: [UInt8]) -> Int? {
    guard buffer.count >= needle.count, let first = needle.first else { return nil }
    while let next = buffer[searched...].firstIndex(of: first), next + needle.count <= buffer.count {
      if buffer[next..<(next + needle.count)].elementsEqual(needle) { return next }
      searched = next + 1
    }
    searched = max(searched, buffer.count - needle.count + 1)
    return nil
  }

  private mutating func drop(_ count: Int) {
    buffer.removeFirst(count)
    searched = 0
  }

  /// `…; name="value"; …`
  private static func parameter(_ name: String, of text: String) -> String? {
    for part in text.split(separator: ";").dropFirst() {
      let sides = part.split(separator: "=", maxSplits: 1)
      guard sides.count == 2, sides[0].trimmed.lowercased() == name else { continue }
      let value = sides[1].trimmed
      return value.hasPrefix("\"") && value.hasSuffix("\"") && value.utf8.count > 1 ? String(value.dropFirst().dropLast()) : value
    }
    return nil
  }
}
