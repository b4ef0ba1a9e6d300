import Base

/// How deliveries to HTTP/S endpoints are retried, paced and labelled (developer guide, "Creating an HTTP/S delivery policy").
struct HTTPDeliveryPolicy: Sendable, Equatable {
  enum Backoff: String, Sendable { case linear, arithmetic, geometric, exponential }

  struct Retries: Sendable, Equatable {
    /// Seconds.
    var minDelay = 20
    var maxDelay = 20
    var total = 3
    var withoutDelay = 0
    var withMinDelay = 0
    var withMaxDelay = 0
    var backoff = Backoff.linear

    /// Those in between, whose delay grows from the smallest to the largest.
    var withBackoff: Int { total - withoutDelay - withMinDelay - withMaxDelay }

    /// The delay before a retry, in milliseconds and without jitter.
    /// - Parameter retry: from 0 on, below `total`.
    func delay(_ retry: Int) -> Int {
      var retry = retry
      if retry < withoutDelay { return 0 }
      retry -= withoutDelay
      if retry < withMinDelay { return minDelay * 1000 }
      retry -= withMinDelay
      guard retry < withBackoff else { return maxDelay * 1000 }
      return backoff.delay(retry, of: withBackoff, from: minDelay * 1000, to: maxDelay * 1000)
    }
  }

  var retries = Retries()
  /// Nil: as fast as it goes.
  var maxReceivesPerSecond: Int?
  var contentType = standardContentType

  static let standardContentType = "text/plain; charset=UTF-8"

  /// The policy of a topic, which is the default of its subscriptions.
  struct OfTopic: Sendable, Equatable {
    var policy = HTTPDeliveryPolicy()
    var ignoresSubscriptions = false

    /// Throws for a text that is no delivery policy.
    init(_ text: String) throws(AWSError) {
      guard let http = (try? JSON.parse(text))?["http"], let object = http.object else { throw Self.bad("http is missing") }
      for name in object.names {
        switch name {
        case "defaultHealthyRetryPolicy": policy.retries = try Retries(http[name])
        case "defaultThrottlePolicy": policy.maxReceivesPerSecond = try HTTPDeliveryPolicy.rate(http[name])
        case "defaultRequestPolicy": policy.contentType = try HTTPDeliveryPolicy.contentType(http[name])
        case "disableSubscriptionOverrides": ignoresSubscriptions = http[name]?.bool ?? false
        case "defaultSicklyRetryPolicy" where http[name]?.isNull == true: break
        default: throw Self.bad("Unexpected JSON member: \(name)")
        }
      }
    }
    init() {}

    fileprivate static func bad(_ reason: String) -> AWSError { SNSError.invalid("DeliveryPolicy: \(reason)") }

    /// What counts, defaults included, as GetTopicAttributes shows it.
    static func effective(_ text: String?) -> JSON {
      let own = text.flatMap { try? OfTopic($0) } ?? OfTopic()
      var http = JSONObject([
        ("defaultHealthyRetryPolicy", own.policy.retries.json), ("disableSubscriptionOverrides", .bool(own.ignoresSubscriptions)),
      ])
      if let rate = own.policy.maxReceivesPerSecond { http["defaultThrottlePolicy"] = ["maxReceivesPerSecond": JSON(rate)] }
      http["defaultRequestPolicy"] = ["headerContentType": .string(own.policy.contentType)]
      return ["http": .object(http)]
    }
  }

  /// What counts for a subscription: its own policy, then that of its topic, then AWS's.
  /// - Parameters: texts that were checked before.
  static func effective(subscription: String?, topic: String?) -> HTTPDeliveryPolicy {
    let ofTopic = topic.flatMap { try? OfTopic($0) } ?? OfTopic()
    guard let subscription, !ofTopic.ignoresSubscriptions else { return ofTopic.policy }
    return (try? HTTPDeliveryPolicy(subscription, over: ofTopic.policy)) ?? ofTopic.policy
  }

  /// The policy of a subscription. Throws for a text that is none.
  init(_ text: String, over standard: HTTPDeliveryPolicy = .init()) throws(AWSError) {
    self = standard
    guard let json = try? JSON.parse(text), let object = json.object else { throw OfTopic.bad("failed to parse JSON.") }
    for name in object.names {
      switch name {
      case "healthyRetryPolicy": if json[name]?.isNull == false { retries = try Retries(json[name]) }
      case "throttlePolicy": if json[name]?.isNull == false { maxReceivesPerSecond = try Self.rate(json[name]) }
      case "requestPolicy": if json[name]?.isNull == false { contentType = try Self.contentType(json[name]) }
      case "sicklyRetryPolicy" where json[name]?.isNull == true: break
      case "guaranteed" where json[name]?.bool == false: break
      default: throw OfTopic.bad("Unexpected JSON member: \(name)")
      }
    }
  }
  init() {}

  /// As GetSubscriptionAttributes shows it.
  var json: JSON {
    [
      "healthyRetryPolicy": retries.json, "sicklyRetryPolicy": nil,
      "throttlePolicy": maxReceivesPerSecond.map { ["maxReceivesPerSecond": JSON($0)] } ?? nil,
      "requestPolicy": ["headerContentType": .string(contentType)], "guaranteed": false,
    ]
  }

  private static func rate(_ json: JSON?) throws(AWSError) -> Int? {
    guard let value = json?["maxReceivesPerSecond"], !value.isNull else { return nil }
    guard let rate = value.int, rate >= 1, rate <= 1_000_000 else {
      throw OfTopic.bad("maxReceivesPerSecond must be greater than or equal to 1")
    }
    return Int(rate)
  }

  /// What the endpoint may be told that the body is (developer guide, "headerContentType").
  private static let contentTypes: Set<String> = [
    "application/atom+xml", "application/json", "application/octet-stream", "application/soap+xml", "application/x-www-form-urlencoded",
    "application/xhtml+xml", "application/xml", "text/css", "text/csv", "text/html", "text/plain", "text/xml",
  ]
  private static func contentType(_ json: JSON?) throws(AWSError) -> String {
    guard let text = json?["headerContentType"]?.string else { throw OfTopic.bad("headerContentType must be a string") }
    let type = text.split(separator: ";").first.map { $0.trimmed.lowercased() } ?? ""
    let isPrintable = text.utf8.allSatisfy { $0 >= 32 && $0 < 127 }
    guard contentTypes.contains(type), isPrintable else { throw OfTopic.bad("headerContentType \(text) is not supported") }
    return text
  }
}

extension HTTPDeliveryPolicy.Retries {
  init(_ json: JSON?) throws(AWSError) {
    guard let json, let object = json.object else { throw bad("healthyRetryPolicy must be an object") }
    self.init()
    func number(_ name: String, _ standard: Int, _ range: ClosedRange<Int>) throws(AWSError) -> Int {
      guard let value = json[name], !value.isNull else { return standard }
      guard let number = value.int, range.contains(Int(clamping: number)) else {
        throw bad("\(name) must be between \(range.lowerBound) and \(range.upperBound)")
      }
      return Int(number)
    }
    let known: Set<String> = [
      "minDelayTarget", "maxDelayTarget", "numRetries", "numNoDelayRetries", "numMinDelayRetries", "numMaxDelayRetries", "backoffFunction",
    ]
    if let other = object.names.first(where: { !known.contains($0) }) { throw bad("Unexpected JSON member: \(other)") }
    maxDelay = try number("maxDelayTarget", maxDelay, 1...3600)
    minDelay = try number("minDelayTarget", min(minDelay, maxDelay), 1...3600)
    total = try number("numRetries", total, 0...100)
    withoutDelay = try number("numNoDelayRetries", 0, 0...100)
    withMinDelay = try number("numMinDelayRetries", 0, 0...100)
    withMaxDelay = try number("numMaxDelayRetries", 0, 0...100)
    if let name = json["backoffFunction"], !name.isNull {
      guard let known = name.string.flatMap(HTTPDeliveryPolicy.Backoff.init) else {
        throw bad("backoffFunction must be one of arithmetic, exponential, geometric, linear")
      }
      backoff = known
    }
    guard minDelay <= maxDelay else { throw bad("minDelayTarget must be less than or equal to maxDelayTarget") }
    guard withBackoff >= 0 else {
      throw bad("numRetries must be greater than or equal to the sum of numNoDelayRetries, numMinDelayRetries and numMaxDelayRetries")
    }
    let seconds = (0..<total).reduce(0) { $0 + delay($1) } / 1000
    guard seconds <= SNSLimits.httpTotalRetryTime else {
      throw bad("total retry time must not be more than \(SNSLimits.httpTotalRetryTime) seconds, and is \(seconds)")
    }
  }

  var json: JSON {
    [
      "minDelayTarget": JSON(minDelay), "maxDelayTarget": JSON(maxDelay), "numRetries": JSON(total),
      "numMaxDelayRetries": JSON(withMaxDelay), "numNoDelayRetries": JSON(withoutDelay), "numMinDelayRetries": JSON(withMinDelay),
      "backoffFunction": .string(backoff.rawValue),
    ]
  }
}

private func bad(_ reason: String) -> AWSError { HTTPDeliveryPolicy.OfTopic.bad(reason) }

extension HTTPDeliveryPolicy.Backoff {
  /// The delay of one of `count` steps that lead from the smallest to the largest delay, in milliseconds.
  func delay(_ step: Int, of count: Int, from low: Int, to high: Int) -> Int {
    guard count > 1, high > low else { return low }
    let part = Double(step) / Double(count - 1)
    let (low, high) = (Double(low), Double(high))
    let value =
      switch self {
      case .linear: low + (high - low) * part
      // The steps themselves grow: by the same amount, by the same factor, and by doubling.
      case .arithmetic: low + (high - low) * part * (Double(step) + 1) / Double(count)
      case .geometric: low * power(high / low, part)
      case .exponential: low + (high - low) * (power(2, Double(step)) - 1) / (power(2, Double(count - 1)) - 1)
      }
    return Int(value.rounded())
  }
}

/// Without the C library: `base` to a power that is not negative, by squaring and square roots.
private func power(_ base: Double, _ exponent: Double) -> Double {
  let whole = Int(exponent)
  var result = 1.0
  for _ in 0..<whole { result *= base }
  var (rest, root) = (exponent - Double(whole), base)
  for _ in 0..<30 {
    root = root.squareRoot()
    rest *= 2
    if rest >= 1 { (result, rest) = (result * root, rest - 1) }
  }
  return result
}
