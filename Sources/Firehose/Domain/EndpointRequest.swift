import Base

/// A batch as an HTTP endpoint gets it (AWS: "HTTP endpoint delivery request and response specifications").
struct EndpointRequest: Sendable {
  let headers: HeaderFields
  let body: [UInt8]
  private let id: String

  init(_ endpoint: EndpointDestination, _ stream: DeliveryStream, _ records: [BufferedRecord], id: String, time: Instant) {
    self.id = id
    var json = JSONWriter(capacity: records.reduce(200) { $0 + $1.data.count * 4 / 3 + 20 })
    json.beginObject()
    json.name("requestId"); json.string(id)
    json.name("timestamp"); json.int(time.milliseconds)
    json.name("records")
    json.beginArray()
    for record in records {
      json.beginObject()
      json.name("data"); json.string(record.data.base64)
      json.endObject()
    }
    json.endArray()
    json.endObject()
    body = endpoint.isGzip ? Gzip.deflate(json.bytes) : json.bytes
    var headers: HeaderFields = [
      "content-type": "application/json", "x-amz-firehose-protocol-version": "1.0", "x-amz-firehose-request-id": id,
      "x-amz-firehose-source-arn": stream.name.arn.text, "user-agent": "Amazon Kinesis Data Firehose Agent/1.0",
    ]
    if endpoint.isGzip { headers.add("content-encoding", "gzip") }
    if let key = endpoint.accessKey { headers.add("x-amz-firehose-access-key", key) }
    if !endpoint.attributes.isEmpty {
      let attributes = JSONObject(endpoint.attributes.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
      let common: JSON = ["commonAttributes": .object(attributes)]
      headers.add("x-amz-firehose-common-attributes", common.text)
    }
    self.headers = headers
  }

  /// The endpoint has taken the batch when it answers 200 and names the request. Throws what to say otherwise.
  func check(_ status: Int, _ answer: [UInt8]) throws(AWSError) {
    let json = try? JSON.parse(answer)
    guard status == 200 else {
      throw AWSError(
        "HttpEndpoint.DestinationException",
        "The endpoint answered \(status): \(json?["errorMessage"]?.string ?? answer.prefix(500).utf8Text)")
    }
    guard json?["requestId"]?.string == id, json?["timestamp"]?.int != nil else {
      throw AWSError(
        "HttpEndpoint.InvalidResponseFromDestination", "The response of the endpoint does not have the requestId and a timestamp.")
    }
  }
}
