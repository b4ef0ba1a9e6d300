import Base
import Fabric
import Store
import Wire

extension ListDeadLetterSourceQueuesInput: QueueInput {}

/// Lists with pages.
extension SQSService {
  var listOperations: [Operation] {
    [
      Operation("ListQueues", access: listQueuesAccess, run: listQueues),
      Operation(
        "ListDeadLetterSourceQueues", access: access("ListDeadLetterSourceQueues"), run: listDeadLetterSourceQueues),
    ]
  }

  private func listQueuesAccess(_ input: ListQueuesInput, _ call: Call) async throws -> [Access] {
    [Access("sqs:ListQueues", on: ARN("sqs", call.region, call.account, "*").text, owner: call.account)]
  }

  private func listQueues(_ input: ListQueuesInput, _ call: Call) async throws -> ListQueuesOutput {
    let prefix = input.queueNamePrefix ?? ""
    let (account, region) = (call.account, call.region)
    let page = try Page(maximum: input.maxResults, token: input.nextToken, of: "queues \(account) \(region) \(prefix)")
    let names = try await store.read { rows in
      try rows.entries(Keys.queues(account, region, prefix: prefix, after: page.last), limit: page.limit + 1)
        .map { try Keys.queueName($0.key) }
    }
    var output = ListQueuesOutput()
    let shown = names.prefix(page.limit).map { $0.url(at: call.endpoint) }
    output.queueUrls = shown.isEmpty ? nil : shown
    // Without MaxResults AWS answers at most a thousand and no token (API reference, ListQueues).
    if input.maxResults != nil { output.nextToken = page.token(names.map(\.name)) }
    return output
  }

  private func listDeadLetterSourceQueues(_ input: ListDeadLetterSourceQueuesInput, _ call: Call) async throws
    -> ListDeadLetterSourceQueuesOutput
  {
    let target = try queueName(input.queueUrl, call)
    guard try await cache.find(target) != nil else { throw SQSError.queueDoesNotExist(call) }
    let page = try Page(maximum: input.maxResults, token: input.nextToken, of: "sources \(target.arn)")
    let arns = try await store.read { rows in
      try rows.entries(Keys.sources(of: target, after: page.last), limit: page.limit + 1)
        .map { try Keys.sourceARN($0.key, of: target) }
    }
    var output = ListDeadLetterSourceQueuesOutput()
    output.queueUrls = arns.prefix(page.limit).compactMap { ARN($0).flatMap(QueueName.init)?.url(at: call.endpoint) }
    if input.maxResults != nil { output.nextToken = page.token(arns) }
    return output
  }
}

/// One page of a list in the order of names. The token is a digest of the query, so that no other can go on with it, and the
/// last name shown.
private struct Page {
  var limit: Int
  var last: String?
  private let query: ArraySlice<UInt8>

  init(maximum: Int?, token: String?, of query: String) throws(AWSError) {
    limit = maximum ?? SQSLimits.listPage
    self.query = Array(MessageDigest.sha256(query).utf8).prefix(16)
    guard (1...SQSLimits.listPage).contains(limit) else {
      throw SQSError.invalid("MaxResults", limit, "MaxResults must be an integer between 1 and 1000.")
    }
    guard let token else { return }
    guard maximum != nil else {
      throw SQSError.invalid("MaxResults is a mandatory parameter when you provide a value for NextToken.")
    }
    guard let bytes = decodeBase64(token), bytes.prefix(16) == self.query,
      let name = String(validating: bytes.dropFirst(16), as: UTF8.self), !name.isEmpty
    else { throw SQSError.invalid("NextToken", token, "Invalid NextToken value.") }
    last = name
  }

  /// Nil when nothing is left.
  func token(_ names: [String]) -> String? {
    guard names.count > limit else { return nil }
    let bytes = Array(query) + Array(names[limit - 1].utf8)
    return bytes.base64.replacing("+", by: "-").replacing("/", by: "_").replacing("=", by: "")
  }
}
