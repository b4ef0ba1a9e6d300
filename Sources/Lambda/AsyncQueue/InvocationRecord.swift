import Base

/// What a destination is told of an asynchronous invocation (AWS: "Capturing records of Lambda asynchronous invocations").
struct InvocationRecord: Sendable, Equatable {
  enum Condition: String, Sendable {
    case success = "Success"
    case retriesExhausted = "RetriesExhausted"
    case eventAgeExceeded = "EventAgeExceeded"
    case zeroReservedConcurrency = "ZeroReservedConcurrency"
  }

  var event: AsyncEvent
  var condition: Condition
  /// How often the function really ran.
  var invocations: Int
  /// Of the last time that it ran.
  var response: AsyncResponse?
  var time: Instant

  var json: [UInt8] {
    var json = JSONWriter(capacity: event.payload.count + (response?.body.count ?? 0) + 600)
    json.beginObject()
    json.name("version"); json.string("1.0")
    json.name("timestamp"); json.string(time.iso8601Milliseconds)
    json.name("requestContext")
    json.beginObject()
    json.name("requestId"); json.string(event.requestID)
    json.name("functionArn"); json.string("\(event.function.arn):\(event.qualifier ?? FunctionVersion.latest)")
    json.name("condition"); json.string(condition.rawValue)
    json.name("approximateInvokeCount"); json.int(Int64(invocations))
    json.endObject()
    json.name("requestPayload"); json.verbatim(event.payload.isEmpty ? Array("{}".utf8) : event.payload)
    if let response { write(response, &json) }
    json.endObject()
    return json.bytes
  }

  private func write(_ response: AsyncResponse, _ json: inout JSONWriter) {
    json.name("responseContext")
    json.beginObject()
    json.name("statusCode"); json.int(200)
    json.name("executedVersion"); json.string(response.executedVersion)
    if response.isError { json.name("functionError"); json.string("Unhandled") }
    json.endObject()
    json.name("responsePayload")
    // A runtime may answer anything; the record must stay JSON.
    if (try? JSON.check(response.body)) != nil { json.verbatim(response.body) } else { json.string(response.body.utf8Text) }
  }
}

/// What a function answered to an asynchronous event.
struct AsyncResponse: Sendable, Equatable {
  var executedVersion: String
  var isError: Bool
  var body: [UInt8]
}
