import Base
import Testing

@testable import SNS

@Suite struct RetryTests {
  @Test func `queues and functions are tried 100,015 more times over 23 days`() {
    let delays = (1...16).map { RetrySchedule.delay(.sqs, after: $0, .init()) }
    #expect(delays[0...4].elementsEqual([0, 0, 0, 1000, 1000]))
    #expect(delays[5] == 1000 && delays[14] == 20_000 && delays[15] == 20_000)
    #expect(zip(delays[5...14], delays[6...14]).allSatisfy { ($0 ?? 0) <= ($1 ?? 0) })
    #expect(RetrySchedule.delay(.lambda, after: 100_015, .init()) == 20_000)
    #expect(RetrySchedule.delay(.lambda, after: 100_016, .init()) == nil)
    let days = (1...100_015).reduce(0) { $0 + (RetrySchedule.delay(.sqs, after: $1, .init()) ?? 0) } / 86_400_000
    #expect(days == 23)
  }

  @Test func `mail is tried fifty more times over six hours`() {
    let delays = (1...51).map { RetrySchedule.delay(.email, after: $0, .init()) }
    #expect(delays[0] == 10_000 && delays[1] == 10_000 && delays[2] == 10_000 && delays[11] == 600_000)
    #expect(delays[49] == 600_000 && delays[50] == nil)
    #expect((6...8).contains(delays.reduce(0) { $0 + ($1 ?? 0) } / 3_600_000))
  }

  @Test func `an HTTP endpoint is tried three more times, twenty seconds apart`() {
    #expect((1...4).map { RetrySchedule.delay(.http, after: $0, .init()) } == [20_000, 20_000, 20_000, nil])
  }

  @Test func `the phases of an HTTP policy follow each other`() throws {
    let policy = try HTTPDeliveryPolicy(
      #"""
      {"healthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 60, "numRetries": 50, "numNoDelayRetries": 3,
       "numMinDelayRetries": 2, "numMaxDelayRetries": 35, "backoffFunction": "exponential"}}
      """#)
    let delays = (1...51).map { RetrySchedule.delay(.https, after: $0, policy) }
    #expect(delays[0...4].elementsEqual([0, 0, 0, 1000, 1000]))
    #expect(delays[5] == 1000 && delays[14] == 60_000)
    #expect(delays[15...49].allSatisfy { $0 == 60_000 } && delays[50] == nil)
  }

  @Test(arguments: ["linear", "arithmetic", "geometric", "exponential"])
  func `every backoff leads from the smallest to the largest delay`(name: String) throws {
    let backoff = try #require(HTTPDeliveryPolicy.Backoff(rawValue: name))
    let delays = (0..<10).map { backoff.delay($0, of: 10, from: 1000, to: 20_000) }
    #expect(delays.first == 1000 && delays.last == 20_000)
    #expect(zip(delays, delays.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test(arguments: [
    #"{"healthyRetryPolicy": {"minDelayTarget": 30, "maxDelayTarget": 20}}"#,
    #"{"healthyRetryPolicy": {"numRetries": 3, "numNoDelayRetries": 4}}"#,
    #"{"healthyRetryPolicy": {"numRetries": 101}}"#,
    #"{"healthyRetryPolicy": {"minDelayTarget": 3600, "maxDelayTarget": 3600, "numRetries": 2}}"#,
    #"{"healthyRetryPolicy": {"backoffFunction": "sudden"}}"#,
    #"{"healthyRetryPolicy": {"retries": 1}}"#,
    #"{"throttlePolicy": {"maxReceivesPerSecond": 0}}"#,
    #"{"requestPolicy": {"headerContentType": "image/png"}}"#,
    #"{"else": {}}"#, "[]", "no",
  ])
  func `what is no delivery policy is refused`(policy: String) {
    let error = #expect(throws: AWSError.self) { try HTTPDeliveryPolicy(policy) }
    #expect(error?.code == "InvalidParameterException")
    #expect(error?.message.hasPrefix("Invalid parameter: DeliveryPolicy: ") == true)
  }

  @Test func `the policy of a subscription counts over that of its topic unless the topic forbids it`() throws {
    let own = #"{"healthyRetryPolicy": {"numRetries": 7}}"#
    func topic(_ isLast: Bool) -> String { #"{"http": {"defaultHealthyRetryPolicy": {"numRetries": 5}, "disableSubscriptionOverrides": \#(isLast)}}"# }
    #expect(HTTPDeliveryPolicy.effective(subscription: nil, topic: nil).retries.total == 3)
    #expect(HTTPDeliveryPolicy.effective(subscription: nil, topic: topic(false)).retries.total == 5)
    #expect(HTTPDeliveryPolicy.effective(subscription: own, topic: topic(false)).retries.total == 7)
    #expect(HTTPDeliveryPolicy.effective(subscription: own, topic: topic(true)).retries.total == 5)
  }

  @Test(arguments: [
    (AWSError("QueueDoesNotExist", "", status: 400), true), (AWSError("AccessDeniedException", "", status: 403), true),
    (AWSError("TooManyRequestsException", "", status: 429), false), (AWSError("ThrottlingException", "", status: 400), false),
    (AWSError("ServiceUnavailable", "", status: 503, fault: .server), false),
  ])
  func `a mistake of the client is not tried again`(error: AWSError, isPermanent: Bool) {
    #expect(RetrySchedule.isPermanent(error) == isPermanent)
  }

  @Test func `credentials in a URL leave it`() {
    #expect(Credentials.of("http://a:b%40c@host:80/path@x") == Credentials(user: "a", password: "b@c", url: "http://host:80/path@x"))
    #expect(Credentials.of("http://host/a@b") == nil)
  }
}
