import Base

/// The beginning of an object's key, with what Firehose puts in: `!{timestamp:yyyy/MM/dd}`, `!{firehose:random-string}`,
/// `!{firehose:error-output-type}` (AWS: "Understand custom prefixes for Amazon S3 objects").
struct KeyPattern: Sendable, Equatable {
  enum Part: Sendable, Equatable {
    case text(String)
    case time(String)
    case random
    case errorType
  }
  let parts: [Part]

  /// Throws InvalidArgumentException for an expression that there is not.
  init(_ text: String) throws(AWSError) {
    var parts: [Part] = [], rest = Substring(text)
    while let open = rest.firstRange(of: "!{") {
      if open.lowerBound > rest.startIndex { parts.append(.text(String(rest[..<open.lowerBound]))) }
      guard let close = rest[open.upperBound...].firstIndex(of: "}") else {
        throw FirehoseError.invalid("Prefix has an expression without its end: \(text)")
      }
      parts.append(try Self.part(rest[open.upperBound..<close]))
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    self.parts = parts
  }

  private static func part(_ expression: Substring) throws(AWSError) -> Part {
    let pair = expression.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    switch (pair[0], pair.count == 2 ? pair[1] : "") {
    case ("firehose", "random-string"): return .random
    case ("firehose", "error-output-type"): return .errorType
    case ("timestamp", let format) where TimeFormat.isValid(format): return .time(format)
    case ("timestamp", let format): throw FirehoseError.invalid("Timestamp format \(format) is not valid.")
    case ("partitionKeyFromQuery", _), ("partitionKeyFromLambda", _):
      throw FirehoseError.notServed("Dynamic partitioning (the expression \(expression))")
    default: throw FirehoseError.invalid("Expression \(expression) is not valid in a prefix.")
    }
  }

  var hasExpressions: Bool { parts.contains { if case .text = $0 { false } else { true } } }
  var hasErrorType: Bool { parts.contains(.errorType) }

  /// - Parameter random: makes eleven letters.
  func text(at time: Instant, errorType: String?, random: () -> String) -> String {
    parts.map { part in
      switch part {
      case .text(let text): text
      case .time(let format): TimeFormat.text(format, time)
      case .random: random()
      case .errorType: errorType ?? ""
      }
    }.joined()
  }

  /// What AWS asks of the two prefixes together. Throws InvalidArgumentException.
  static func check(prefix: String?, errorPrefix: String?) throws(AWSError) {
    let prefix = try KeyPattern(prefix ?? ""), errors = try KeyPattern(errorPrefix ?? "")
    guard !prefix.hasErrorType else {
      throw FirehoseError.invalid("The expression firehose:error-output-type can only be used in ErrorOutputPrefix.")
    }
    guard !prefix.hasExpressions || errorPrefix?.isEmpty == false else {
      throw FirehoseError.invalid("ErrorOutputPrefix cannot be null or empty when Prefix contains expressions.")
    }
    guard !errors.hasExpressions || errors.hasErrorType else {
      throw FirehoseError.invalid("ErrorOutputPrefix must contain !{firehose:error-output-type} when it contains expressions.")
    }
  }
}

/// Times as Java's DateTimeFormatter writes them, in UTC: the letters that keys are made with.
enum TimeFormat {
  private static let letters: Set<Character> = ["y", "u", "M", "d", "H", "h", "m", "s", "S", "a", "D"]

  static func isValid(_ format: String) -> Bool {
    guard !format.isEmpty else { return false }
    var isQuoted = false
    for character in format {
      if character == "'" { isQuoted.toggle(); continue }
      if !isQuoted, character.isLetter, !(character.isASCII && letters.contains(character)) { return false }
    }
    return !isQuoted
  }

  static func text(_ format: String, _ time: Instant) -> String {
    let civil = CivilTime(time)
    var out = "", rest = Substring(format)
    while let first = rest.first {
      if first == "'" {
        let quoted = rest.dropFirst().prefix { $0 != "'" }
        out += quoted.isEmpty ? "'" : String(quoted)
        rest = rest.dropFirst(quoted.count + 2)
      } else if letters.contains(first) {
        let run = rest.prefix { $0 == first }.count
        out += field(first, run, civil, time)
        rest = rest.dropFirst(run)
      } else {
        out.append(first)
        rest = rest.dropFirst()
      }
    }
    return out
  }

  private static func field(_ letter: Character, _ width: Int, _ time: CivilTime, _ instant: Instant) -> String {
    switch letter {
    case "y", "u": width == 2 ? padded(time.year % 100, 2) : padded(time.year, width)
    case "M": padded(time.month, width)
    case "d": padded(time.day, width)
    case "H": padded(time.hour, width)
    case "h": padded((time.hour + 11) % 12 + 1, width)
    case "m": padded(time.minute, width)
    case "s": padded(time.second, width)
    case "S": String(padded(time.millisecond, 3).prefix(width))
    case "a": time.hour < 12 ? "AM" : "PM"
    default:
      padded(Int((instant - CivilTime(year: time.year, month: 1, day: 1).instant).inMilliseconds / 86_400_000) + 1, width)
    }
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}

/// Keys of the objects of one delivery.
struct ObjectNames: Sendable {
  /// When the oldest of its records came.
  var time: Instant
  var stream: String
  var version: Int
  /// A new UUID for each.
  var unique: @Sendable () -> String
  var random: @Sendable () -> String

  private var fileName: String { "\(stream)-\(version)-\(TimeFormat.text("yyyy-MM-dd-HH-mm-ss", time))-\(unique())" }

  func key(_ bucket: BucketDestination) throws(AWSError) -> String {
    let pattern = try KeyPattern(bucket.prefix ?? "")
    let start = pattern.text(at: time, errorType: nil, random: random)
    // Without expressions the hour is put behind the prefix.
    let day = pattern.hasExpressions ? "" : TimeFormat.text("yyyy/MM/dd/HH/", time)
    return start + day + fileName + (bucket.fileExtension ?? (bucket.isGzip ? ".gz" : ""))
  }

  /// - Parameter type: `processing-failed`, `http-endpoint-failed`.
  func errorKey(_ bucket: BucketDestination, _ type: String) throws(AWSError) -> String {
    let pattern = try KeyPattern(bucket.errorPrefix ?? bucket.prefix ?? "")
    let start = pattern.text(at: time, errorType: type, random: random)
    let rest = pattern.hasExpressions ? "" : type + "/" + TimeFormat.text("yyyy/MM/dd/HH/", time)
    return start + rest + fileName
  }
}
