import Base
import Store

/// How far an export or an import is.
enum JobStatus: Equatable, Sendable {
  /// Becomes completed or failed.
  case inProgress
  case completed(Instant)
  case failed(Instant, code: String, message: String)

  var name: String {
    switch self {
    case .inProgress: "IN_PROGRESS"
    case .completed: "COMPLETED"
    case .failed: "FAILED"
    }
  }
  var endedAt: Instant? {
    switch self {
    case .inProgress: nil
    case .completed(let time), .failed(let time, _, _): time
    }
  }
  var failure: (code: String, message: String)? { if case .failed(_, let code, let message) = self { (code, message) } else { nil } }

  init(from row: inout RowReader) throws {
    self =
      switch try row.int() {
      case 0: .inProgress
      case 1: .completed(try row.instant())
      default: .failed(try row.instant(), code: try row.string(), message: try row.string())
      }
  }
  func write(to row: inout RowWriter) {
    switch self {
    case .inProgress: row.int(0)
    case .completed(let time):
      row.int(1)
      row.instant(time)
    case .failed(let time, let code, let message):
      row.int(2)
      row.instant(time)
      row.string(code)
      row.string(message)
    }
  }
}
