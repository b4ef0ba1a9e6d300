import Base
@testable import CloudWatch
@testable import DynamoDB
@testable import IAM
@testable import Kinesis
@testable import Lambda
@testable import SQS
@testable import Wire

/// The first two bytes choose the operation, the rest is the body.
private func operation(_ services: [ServiceModel], _ bytes: [UInt8]) -> (ServiceModel, OperationModel, [UInt8])? {
  guard bytes.count >= 2 else { return nil }
  let service = services[Int(bytes[0]) % services.count]
  let operations = service.operations.values.sorted { $0.name < $1.name }
  return (service, operations[Int(bytes[1]) % operations.count], Array(bytes.dropFirst(2)))
}

/// Form bodies of awsQuery against real models.
func fuzzQuery(_ bytes: [UInt8]) {
  guard let (service, operation, body) = operation([SQSModel.service, IAMModel.service, STSModel.service], bytes) else { return }
  let isGet = body.first == UInt8(ascii: "?")
  let request = WireRequest(
    method: isGet ? "GET" : "POST", path: "/000000000000/queue", query: isGet ? body.dropFirst().utf8Text : "",
    headers: ["host": "localhost"], body: isGet ? [] : body)
  guard let record = try? WireCodec.decode(operation, of: service, .awsQuery, request, labels: [:]) else { return }
  _ = record.redactedDescription
}

private let services = [SQSModel.service, LogsModel.service, LambdaModel.service, KinesisModel.service, DynamoDBModel.service]

/// Bodies of awsJson against real models: a record that was written reads the same.
func fuzzAWSJSON(_ bytes: [UInt8]) {
  guard let (service, operation, body) = operation(services, bytes),
    let shape = operation.input
  else { return }
  let request = WireRequest(headers: ["host": "localhost"], body: body)
  _ = try? WireCodec.decode(operation, of: service, .awsJson11, request, labels: [:])
  // Also what validation refuses.
  guard let record = try? JSONDecoding.record(shape, body, isRESTBody: false) else { return }
  _ = record.redactedDescription
  let written = JSONEncoding.body(record, isRESTBody: false)
  guard let again = try? JSONDecoding.record(shape, written, isRESTBody: false) else {
    fatalError("broken: what was written can be read: \(written.utf8Text)")
  }
  promise(JSONEncoding.body(again, isRESTBody: false) == written, "writing is stable")
}

/// Bodies of CBOR, in both forms of time, against real models.
func fuzzAWSCBOR(_ bytes: [UInt8]) {
  guard let (_, operation, body) = operation(services, bytes),
    let shape = operation.input
  else { return }
  for time in [CBORTime.seconds, .milliseconds] {
    guard let record = try? CBORDecoding.record(shape, body, time) else { continue }
    _ = record.redactedDescription
    let written = CBOREncoding.body(record, time)
    guard let again = try? CBORDecoding.record(shape, written, time) else { fatalError("broken: what was written can be read") }
    promise(CBOREncoding.body(again, time) == written, "writing is stable")
  }
}

private let router = RESTRouter(LambdaModel.service)

/// Requests of restJson1: method, path, query, one header field, body.
func fuzzREST(_ bytes: [UInt8]) {
  let parts = bytes.parts(5)
  let methods = ["GET", "POST", "PUT", "DELETE", "PATCH"]
  let method = methods[Int(parts[0].first ?? 0) % methods.count]
  let (path, query) = (parts[1].utf8Text, parts[2].utf8Text)
  var headers: HeaderFields = ["host": "localhost"]
  if let colon = parts[3].firstIndex(of: UInt8(ascii: ":")) {
    headers.add(parts[3][..<colon].utf8Text, parts[3][(colon + 1)...].utf8Text)
  }
  _ = HeaderList.items(parts[3].utf8Text)
  guard let (operation, labels) = router.match(method: method, path: path, query: query) else { return }
  for label in labels.values { promise(!label.isEmpty, "a label is never empty") }
  let request = WireRequest(method: method, path: path, query: query, headers: headers, body: parts[4])
  guard let record = try? WireCodec.decode(operation, of: LambdaModel.service, .restJson, request, labels: labels) else { return }
  _ = record.redactedDescription
}

private let keys = SigningKeyCache(capacity: 64)
private let now = Instant(seconds: 1_790_000_000)

/// Signed requests: method, target, header fields by line, body. Whatever the target and the fields, what `Signer` signs,
/// `verify` accepts.
func fuzzSignature(_ bytes: [UInt8]) {
  let parts = bytes.parts(4)
  let (method, target, body) = (parts[0].utf8Text, parts[1].utf8Text, parts[3])
  var headers = HeaderFields()
  for line in parts[2].split(separator: UInt8(ascii: "\n")) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
    headers.add(line[..<colon].utf8Text, line[(colon + 1)...].utf8Text)
  }
  if let claim = try? SignatureClaim.parse(method: method, target: target, headers: headers) {
    _ = try? verify(
      claim, method: method, target: target, headers: headers, body: .bytes(body), secret: "secret", keyCache: keys,
      wallNow: claim.signedAt)
    let readings = CanonicalRequest.readings(target, isS3: claim.isS3, isPresigned: claim.form != .header)
    promise(
      readings.first == CanonicalRequest.first(target, isS3: claim.isS3, isPresigned: claim.form != .header),
      "the first reading is the first of the readings")
  }
  if let old = try? SignatureV2URL.parse(target: target) {
    try? old.verify(
      method: method, target: target, hostBucket: parts[3].first.map { "b\($0)" }, headers: headers, secret: "secret", wallNow: .epoch)
  }
  signAndVerify(method, target, headers, body)
}

private func signAndVerify(_ method: String, _ target: String, _ fields: HeaderFields, _ body: [UInt8]) {
  for service in ["sqs", "s3"] {
    var headers = HeaderFields()
    for field in fields where isToken(field.name) && field.name != "x-amz-content-sha256" { headers.add(field.name, field.value) }
    headers["host"] = "localhost"
    let signer = Signer(accessKeyID: "AKIAIOSFODNN7EXAMPLE", secret: "secret", region: "us-east-1", service: service)
    signer.sign(method: method, target: target, headers: &headers, body: body, at: now)
    do {
      guard let claim = try SignatureClaim.parse(method: method, target: target, headers: headers) else {
        fatalError("broken: a signed request has a claim")
      }
      try verify(
        claim, method: method, target: target, headers: headers, body: .bytes(body), secret: "secret", keyCache: keys, wallNow: now)
    } catch { fatalError("broken: what Signer signs, verify accepts: \(error)") }
  }
}

/// Names that a client can sign: separators of the list are none.
private func isToken(_ name: String) -> Bool {
  !name.isEmpty && name.utf8.allSatisfy { ($0 >= 97 && $0 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == UInt8(ascii: "-") }
}
