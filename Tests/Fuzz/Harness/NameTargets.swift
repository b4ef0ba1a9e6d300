@testable import Base
@testable import Fabric
@testable import IAM
@testable import Lambda
@testable import SQS
@testable import Wire

/// Small texts that stand in fields of requests: names, times, encodings. What is written reads the same.
func fuzzNames(_ bytes: [UInt8]) {
  let text = bytes.utf8Text
  encodings(bytes, text)
  times(text)
  if let arn = ARN(text) { promise(ARN(arn.text) == arn && arn.text == text, "an ARN is its text") }
  if let trace = TraceContext(header: text) { promise(TraceContext(header: trace.header) == trace, "a trace field reads back") }
  if let name = try? QueueName(url: text, region: .usEast1) {
    promise((try? QueueName(url: name.url(at: "http://localhost"), region: .usEast1)) == name, "a queue's URL names it")
  }
  if let name = try? FunctionName(text, account: .local, region: .usEast1) {
    promise((try? FunctionName(name.arn, account: .local, region: .usEast1)) == name, "a function's ARN names it")
  }
  if let receipt = Receipt(handle: text) { promise(Receipt(handle: receipt.handle) == receipt, "a handle reads back") }
  if let network = IPNetwork(text) { promise(network.contains(network.address), "a network contains its address") }
  _ = MessageAttribute.isNumber(text)
  _ = HeaderList.items(text)
  let items = HeaderList.items(text)
  promise(HeaderList.items(HeaderList.text(items)) == items, "a list in a header reads back: \(items)")
}

private func encodings(_ bytes: [UInt8], _ text: String) {
  promise(decodeBase64(bytes.base64) == bytes, "base64 reads back")
  promise(decodeHex(bytes.hex) == bytes, "hexadecimal reads back")
  promise(percentDecoded(percentEncoded(bytes).utf8) == bytes, "percent-encoding reads back")
  if let decoded = decodeBase64(text) { promise(decodeBase64(decoded.base64) == decoded, "base64 is stable") }
  if let decoded = decodeHex(text) { promise(decoded.hex == text.lowercased(), "hexadecimal is its text") }
  _ = text.trimmed
}

private func times(_ text: String) {
  for format in [TimestampFormat.iso8601, .httpDate, .epochSeconds] {
    guard let instant = ScalarText.timestamp(text, format), instant.milliseconds >= 0, instant <= .distantFuture else { continue }
    promise(Instant(iso8601: instant.iso8601Milliseconds) == instant, "a time reads back")
    let whole = Instant(seconds: instant.seconds)
    promise(Instant(httpDate: whole.httpDate) == whole, "a time of HTTP reads back")
    promise(Instant(basicISO8601: whole.basicISO8601) == whole, "a time of a signature reads back")
  }
  _ = Instant(policyText: text)
}

/// Attributes of queues: pairs of a name and a value.
func fuzzAttributes(_ bytes: [UInt8]) {
  let parts = bytes.parts(6).map(\.utf8Text)
  var given: [String: String] = [:]
  for at in stride(from: 0, to: 6, by: 2) where !parts[at].isEmpty { given[parts[at]] = parts[at + 1] }
  for isFIFO in [false, true] {
    guard let checked = try? QueueAttributes.checked(given, isFIFO: isFIFO, isNew: true) else { continue }
    guard let again = try? QueueAttributes.checked(checked, isFIFO: isFIFO, isNew: true) else {
      fatalError("broken: attributes that were accepted are accepted again")
    }
    promise(again == checked, "checking is stable")
  }
  if let policy = try? RedrivePolicy(parts[1]) { promise((1...1000).contains(policy.maximumReceives), "1 to 1000 receives") }
  _ = try? RedriveAllowPolicy(parts[1])
  try? QueuePolicy.check(parts[1])
  let queue = QueueName(account: .local, region: .usEast1, name: "q")
  if let added = try? QueuePolicy.adding(label: parts[0], accounts: [parts[2]], actions: [parts[3]], to: parts[1], of: queue) {
    guard (try? QueuePolicy.removing(label: parts[0], from: added)) != nil else {
      fatalError("broken: a statement that was added can be removed")
    }
  }
  let attribute = MessageAttribute(name: parts[0], dataType: parts[1], content: .string(parts[2]))
  if (try? attribute.check()) != nil { promise(attribute.size > 0, "an attribute has a size") }
  _ = MessageDigest.md5([attribute])
}
