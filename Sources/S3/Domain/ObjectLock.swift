import Base
import Wire

/// What keeps a version from being deleted.
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html)
struct ObjectLock: Sendable, Equatable {
  enum Mode: String, Sendable {
    /// Whoever may bypass it, may.
    case governance = "GOVERNANCE"
    /// Nobody may, before its time.
    case compliance = "COMPLIANCE"
  }
  struct Retention: Sendable, Equatable {
    var mode: Mode
    var until: Instant
  }
  var retention: Retention?
  /// Nil: it never was set.
  var legalHold: Bool?

  init() {}

  /// What a write asks for, or what the bucket does by default. Throws InvalidRequest and InvalidArgument.
  init(_ input: Record, isEnabled: Bool, default configuration: ObjectLockConfiguration?, now: Instant) throws(AWSError) {
    let mode = input["ObjectLockMode"]?.string, until = input["ObjectLockRetainUntilDate"]?.timestamp
    let hold = input["ObjectLockLegalHoldStatus"]?.string
    guard isEnabled else {
      if mode != nil || until != nil || hold != nil { throw S3Error.noObjectLock }
      return
    }
    legalHold = try hold.map(Self.hold)
    if mode != nil || until != nil {
      guard let mode, let until else {
        throw S3Error.invalidArgument("x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
      }
      retention = try Self.retention(mode, until, now)
    } else if let rule = configuration?.rule?.defaultRetention, let mode = rule.mode.flatMap(Mode.init) {
      let days = (rule.days ?? 0) + (rule.years ?? 0) * 365
      retention = Retention(mode: mode, until: now + .days(days))
    }
  }

  static func retention(_ mode: String, _ until: Instant, _ now: Instant) throws(AWSError) -> Retention {
    guard let mode = Mode(rawValue: mode) else {
      throw S3Error.invalidArgument("Unknown wormMode directive.", "x-amz-object-lock-mode", mode)
    }
    guard until > now else {
      throw S3Error.invalidArgument("The retain until date must be in the future!", "x-amz-object-lock-retain-until-date", until.iso8601)
    }
    return Retention(mode: mode, until: until)
  }

  static func hold(_ status: String) throws(AWSError) -> Bool {
    switch status {
    case "ON": return true
    case "OFF": return false
    default: throw S3Error.invalidArgument("Legal Hold must be either of 'ON' or 'OFF'", "x-amz-object-lock-legal-hold", status)
    }
  }

  enum Verdict: Sendable, Equatable {
    case free
    /// Free for those who may bypass governance, and say so.
    case governed
    case locked
  }

  func deletion(at now: Instant) -> Verdict {
    if legalHold == true { return .locked }
    guard let retention, retention.until > now else { return .free }
    return retention.mode == .compliance ? .locked : .governed
  }

  /// Whether the retention may be changed to another one, or taken away (nil).
  func change(to new: Retention?, at now: Instant) -> Verdict {
    guard let retention, retention.until > now else { return .free }
    if let new, new.until >= retention.until, new.mode == retention.mode || new.mode == .compliance { return .free }
    return retention.mode == .compliance ? .locked : .governed
  }

  /// Writes what the answer to a read says of it.
  func show(in output: inout Record) {
    if let retention {
      output["ObjectLockMode"] = .string(retention.mode.rawValue)
      output["ObjectLockRetainUntilDate"] = .timestamp(retention.until)
    }
    if let legalHold { output["ObjectLockLegalHoldStatus"] = .string(legalHold ? "ON" : "OFF") }
  }
}
