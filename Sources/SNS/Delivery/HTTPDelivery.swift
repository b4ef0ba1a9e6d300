import Base
import Fabric
import HTTPClient
import Synchronization

/// To endpoints of HTTP/S (developer guide, "Using Amazon SNS for HTTP/S endpoints").
extension Carrier {
  /// - Parameter envelope: nil for raw delivery.
  func post(
    _ notification: Notification, _ envelope: Envelope?, _ delivery: Delivery, _ place: DeliveryPlace, _ policy: HTTPDeliveryPolicy
  ) async throws -> ProviderAnswer {
    var headers: HeaderFields = [
      "x-amz-sns-message-type": notification.kind.word, "x-amz-sns-message-id": notification.id,
      "x-amz-sns-topic-arn": notification.topic.arn.text, "content-type": policy.contentType,
      "user-agent": "Amazon Simple Notification Service Agent",
    ]
    if notification.kind == .message { headers.add("x-amz-sns-subscription-arn", delivery.source) }
    if envelope == nil { headers.add("x-amz-sns-rawdelivery", "true") }
    var url = place.endpoint
    if let credentials = Credentials.of(url) {
      url = credentials.url
      headers.add("authorization", "Basic " + Array("\(credentials.user):\(credentials.password)".utf8).base64)
    }
    let body = envelope?.document ?? Array(notification.body.utf8)
    let answer: IncomingAnswer
    do {
      answer = try await http.send(
        OutgoingRequest("POST", url, headers: headers, body: body, limit: SNSLimits.httpAnswer, maximumAnswer: 4096))
    } catch let failure as OutgoingFailure {
      if case .badURL = failure { throw AWSError("InvalidEndpoint", failure.description, status: 400) }
      throw AWSError("EndpointUnreachable", failure.description, status: 503, fault: .server)
    }
    guard !(200..<300).contains(answer.status) else {
      return ProviderAnswer(.string(answer.body.utf8Text), status: answer.status)
    }
    // Only these are worth another attempt (developer guide, "Creating an HTTP/S delivery policy").
    let isWorthIt = answer.status >= 500 || answer.status == 429
    throw AWSError(
      "EndpointAnswered\(answer.status)", "The endpoint answered with the status \(answer.status).", status: answer.status,
      fault: isWorthIt ? .server : .client)
  }
}

/// `http://user:password@host/`: goes in a header, and is shown to nobody.
struct Credentials: Sendable, Equatable {
  var user: String
  var password: String
  /// Without them.
  var url: String

  static func of(_ url: String) -> Credentials? {
    guard let slash = url.firstIndex(of: "/"), let start = url.index(slash, offsetBy: 2, limitedBy: url.endIndex) else { return nil }
    let authority = url[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard let at = authority.lastIndex(of: "@") else { return nil }
    let pair = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    return Credentials(
      user: percentDecoded(pair[0]), password: pair.count > 1 ? percentDecoded(pair[1]) : "",
      url: url[..<start] + String(url[url.index(after: at)...]))
  }
}

/// Paces deliveries to subscriptions that want no more than so many a second.
final class RateGates: Sendable {
  /// Subscriptions that are remembered; those that are quiet go first.
  private static let limit = 10_000
  private let next = Mutex<[String: Instant]>([:])

  /// Returns when it is the caller's turn. The queue of deliveries lets only a few wait here at a time.
  func pass(_ subscription: String, perSecond rate: Int, _ clock: any AmbientClock) async throws {
    let now = clock.now()
    let turn = next.withLock { next -> Instant in
      if next.count >= Self.limit { next = next.filter { $0.value > now } }
      let turn = max(now, next[subscription] ?? now)
      next[subscription] = turn + .milliseconds(max(1, 1000 / rate))
      return turn
    }
    if turn > now { try await clock.sleep(until: turn) }
  }
}
