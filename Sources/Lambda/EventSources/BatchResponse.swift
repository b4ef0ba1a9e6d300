import Base

/// What a function's answer says of the batch that it was given.
enum BatchResponse: Equatable, Sendable {
  case allSucceeded
  case allFailed
  /// The message ids or sequence numbers that are to be tried again.
  case failed(Set<String>)

  /// - Parameters:
  ///   - reportsFailures: the mapping has `ReportBatchItemFailures`; without it every answer means success.
  ///   - itemIDs: message ids or sequence numbers of the batch; an id that is not among them makes the whole batch a failure.
  static func parse(_ answer: [UInt8], reportsFailures: Bool, itemIDs: Set<String>) -> BatchResponse {
    guard reportsFailures else { return .allSucceeded }
    guard !answer.isEmpty else { return .allSucceeded }
    guard let json = try? JSON.parse(answer) else { return .allFailed }
    if json.isNull { return .allSucceeded }
    // An answer that is not an object at all says nothing of failures (a string, a number, a list).
    guard let object = json.object else { return .allSucceeded }
    guard let failures = object["batchItemFailures"], !failures.isNull else { return .allSucceeded }
    guard let items = failures.array else { return .allFailed }
    var failed: Set<String> = []
    for item in items {
      guard let id = item["itemIdentifier"]?.string, itemIDs.contains(id) else { return .allFailed }
      failed.insert(id)
    }
    return failed.isEmpty ? .allSucceeded : .failed(failed)
  }
}
