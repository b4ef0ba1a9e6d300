import Base
import Fabric
import HTTPClient
import Logging
import Store
import Wire

/// Brings a batch where it belongs: through the function when there is one, to the bucket or the endpoint, and what failed to the errors.
/// A crash between the delivery and the removal of its records repeats it, as on AWS.
struct Delivery: Sendable {
  let store: any Store
  let ambient: Ambient
  let neighbours: FirehoseService.Neighbours
  let metrics: DeliveryMetrics
  let logger: Logger
  private let outcomes = HeldOutcomes()

  init(
    store: any Store, ambient: Ambient, neighbours: FirehoseService.Neighbours, metrics: DeliveryMetrics, logger: Logger
  ) {
    (self.store, self.ambient, self.neighbours) = (store, ambient, neighbours)
    (self.metrics, self.logger) = (metrics, logger)
  }

  /// When the batch that waits is complete. Nil when nothing waits.
  func due(_ stream: DeliveryStream) async throws -> Instant? {
    let now = ambient.now
    return try await store.read { rows in
      let log = Log(Keys.log(stream.id)), extent = try log.extent(rows)
      guard !extent.isEmpty, let oldest = try log.time(of: extent.first, rows) else { return nil }
      // Put before the clock was set back: it has waited, nobody knows how long.
      guard oldest <= now else { return now }
      let waiting = try Counter(Keys.waiting(stream.id)).value(rows)
      return waiting >= Int64(stream.buffer.bytes) ? oldest : oldest + stream.buffer.interval
    }
  }

  func deliver(_ stream: DeliveryStream, _ trial: DeliveryTrial?) async throws {
    let batch = try await batch(of: stream)
    guard let oldest = batch.first?.arrival, let last = batch.last?.number else { return }
    var pin = try await pinned(last, stream)
    let names = ObjectNames(
      time: oldest, stream: stream.name.name, version: stream.version, unique: { ambient.uuid() },
      random: { ambient.text(11, of: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") })
    do {
      try await neighbours.chaos.carry(ChaosPoint(stream, TraceContext(ambient))) { _ in
        switch stream.destination {
        case .bucket(let bucket): try await deliver(batch, &pin, to: bucket, stream, names)
        case .endpoint(let endpoint): try await deliver(batch, &pin, to: endpoint, stream, names, trial)
        }
      }
    } catch is CancellationError {
      // The server ends: that is nobody's failure.
      throw CancellationError()
    } catch {
      guard isGivenUp(oldest, trial) else { throw error }
      logger.error("records of a delivery stream were given up", metadata: [
        "delivery": "\(stream.name.arn)", "records": "\(batch.count)", "error": "\(error)",
      ])
    }
    outcomes.drop(stream)
    let bytes = Int64(batch.reduce(0) { $0 + $1.data.count })
    try await store.transact { rows in
      // It may be gone meanwhile, with everything that waited.
      guard try rows.deliveryStream(stream.name)?.id == stream.id else { return }
      try Log(Keys.log(stream.id)).remove(before: last + 1, rows)
      try rows.delete(Keys.batch(stream.id))
      try Counter(Keys.waiting(stream.id)).add(-bytes, rows)
    }
  }

  /// The records that are next: those of the last attempt, if there was one that must be repeated as it was.
  private func batch(of stream: DeliveryStream) async throws -> [BufferedRecord] {
    try await store.read { rows in
      let log = Log(Keys.log(stream.id))
      var (limit, bytes) = (FirehoseLimits.deliveryRecords, stream.buffer.bytes)
      if let row = try rows.get(Keys.batch(stream.id)) {
        let left = try PinnedBatch(row).last - log.extent(rows).first + 1
        // The buffer may have become smaller meanwhile.
        if left > 0 { (limit, bytes) = (min(limit, Int(clamping: left)), FirehoseLimits.deliveryBytes) }
      }
      return try log.read(from: 0, limit: limit, bytes: bytes, rows).entries.map { try BufferedRecord($0) }
    }
  }

  /// Notes a batch before anything is done with it. One that goes to a bucket as it is needs no note: its object is all there is.
  private func pinned(_ last: Int64, _ stream: DeliveryStream) async throws -> PinnedBatch {
    let key = Keys.batch(stream.id), fresh = PinnedBatch(last: last, request: ambient.uuid())
    if case .bucket(let bucket) = stream.destination, bucket.backup.isEmpty, stream.processing?.isOn != true { return fresh }
    return try await store.transact { rows in
      if let row = try rows.get(key) {
        let known = try PinnedBatch(row)
        if known.last == last { return known }
      }
      guard try rows.deliveryStream(stream.name)?.id == stream.id else { return fresh }
      try rows.set(key, fresh.row)
      return fresh
    }
  }

  private func backUp(
    _ batch: [BufferedRecord], _ pin: inout PinnedBatch, to buckets: [BucketDestination], _ stream: DeliveryStream, _ names: ObjectNames
  ) async throws {
    guard !pin.isBackedUp, !buckets.isEmpty else { return }
    for bucket in buckets { try await put(batch.flatMap(\.data), names.key(bucket), in: bucket, stream) }
    pin.isBackedUp = true
    let row = pin.row
    try await store.transact { rows in
      if try rows.deliveryStream(stream.name)?.id == stream.id { try rows.set(Keys.batch(stream.id), row) }
    }
  }

  /// AWS tries a bucket for a day.
  private func isGivenUp(_ oldest: Instant, _ trial: DeliveryTrial?) -> Bool {
    trial != nil && ambient.now - oldest > FirehoseLimits.bucketPatience
  }

  // MARK: S3

  private func deliver(
    _ batch: [BufferedRecord], _ pin: inout PinnedBatch, to bucket: BucketDestination, _ stream: DeliveryStream, _ names: ObjectNames
  ) async throws {
    try await backUp(batch, &pin, to: bucket.backup, stream, names)
    let outcome = try await transformed(batch, bucket.role, stream)
    let bytes = outcome.records.flatMap(\.data)
    do {
      if !bytes.isEmpty { try await put(bytes, names.key(bucket), in: bucket, stream) }
      try await putFailed(outcome.failed, "processing-failed", in: bucket, stream, names)
    } catch {
      metrics.delivered(
        stream, "DeliveryToS3", records: 0, bytes: 0, oldest: names.time, isSuccess: false, ambient.now)
      throw error
    }
    metrics.delivered(
      stream, "DeliveryToS3", records: outcome.records.count, bytes: bytes.count, oldest: names.time, isSuccess: true, ambient.now)
  }

  private func putFailed(
    _ failed: [FailedRecord], _ type: String, in bucket: BucketDestination, _ stream: DeliveryStream, _ names: ObjectNames
  ) async throws {
    guard !failed.isEmpty else { return }
    let now = ambient.now
    var plain = bucket
    plain.isGzip = false
    try await put(failed.flatMap { $0.line(at: now) }, names.errorKey(bucket, type), in: plain, stream)
  }

  private func put(_ bytes: [UInt8], _ key: String, in bucket: BucketDestination, _ stream: DeliveryStream) async throws {
    guard let shape = neighbours.door.model("s3")?.operations["PutObject"]?.input else {
      throw AWSError("ServiceUnavailable", "There is no S3.", status: 503, fault: .server)
    }
    var input = Record(shape)
    input["Bucket"] = .string(bucket.bucket)
    input["Key"] = .string(key)
    input["Body"] = .blob(bucket.isGzip ? Gzip.deflate(bytes) : bytes)
    input["ContentType"] = .string("application/octet-stream")
    if bucket.isGzip { input["ContentEncoding"] = .string("gzip") }
    if let key = bucket.kmsKey {
      input["ServerSideEncryption"] = .string("aws:kms")
      input["SSEKMSKeyId"] = .string(key)
    }
    let caller = try await Callers(neighbours.roles, ambient).caller(bucket.role, of: stream.name)
    _ = try await neighbours.door.call("s3", "PutObject", input, as: caller)
  }

  // MARK: The function

  private func transformed(_ batch: [BufferedRecord], _ role: ARN, _ stream: DeliveryStream) async throws -> Transformation.Outcome {
    guard let processing = stream.processing, processing.isOn, let function = processing.function else {
      return Transformation.Outcome(records: batch)
    }
    let last = batch.last?.number ?? 0
    if let known = outcomes.find(stream, last: last) { return known }
    var source: ARN?
    if case .kinesis(let arn, _) = stream.source { source = arn }
    let transformation = Transformation(stream: stream.name, source: source)
    let caller = try await Callers(neighbours.roles, ambient).caller(role, of: stream.name)
    var all = Transformation.Outcome()
    for part in Transformation.parts(batch, bytes: processing.bytes) {
      let one = try await invoke(function, part, transformation.event(part, invocation: ambient.uuid()), processing.retries, caller)
      all.records += one.records
      all.failed += one.failed
      all.dropped += one.dropped
    }
    metrics.add(stream, [("ExecuteProcessing.Success", all.failed.isEmpty ? 1 : 0)], ambient.now)
    outcomes.keep(all, stream, last: last)
    return all
  }

  /// Calls the function until it answers something of the records, or so many times that they count as failed.
  private func invoke(
    _ function: ARN, _ part: [BufferedRecord], _ event: [UInt8], _ retries: Int, _ caller: Caller
  ) async throws -> Transformation.Outcome {
    guard let shape = neighbours.door.model("lambda")?.operations["Invoke"]?.input else {
      throw AWSError("ServiceUnavailable", "There is no Lambda.", status: 503, fault: .server)
    }
    var input = Record(shape)
    input["FunctionName"] = .string(function.text)
    input["Payload"] = .blob(event)
    var failure = ("Lambda.FunctionError", "The Lambda function was not invoked.")
    for attempt in 0...retries {
      try Task.checkCancellation()
      do {
        let output = try await neighbours.door.call("lambda", "Invoke", input, as: caller)
        let answer = output?["Payload"]?.blob ?? []
        if output?["FunctionError"]?.string == nil {
          if let outcome = Transformation.outcome(of: part, answer, function) { return outcome }
          failure = ("Lambda.MalformedResponse", "The Lambda function returned a response that has no records.")
        } else {
          failure = ("Lambda.FunctionError", "The Lambda function was successfully invoked but it returned an error result.")
        }
      } catch let error as AWSError {
        failure = ("Lambda.InvokeAccessDenied", error.message)
        if error.code != "AccessDeniedException" { failure.0 = "Lambda.FunctionRequestFailed" }
      }
      if attempt < retries { try await ambient.clock.sleepReal(for: .milliseconds(100 << min(attempt, 5))) }
    }
    var outcome = Transformation.Outcome()
    outcome.failed = part.map {
      FailedRecord(record: $0, attempts: retries + 1, code: failure.0, message: failure.1, function: function)
    }
    return outcome
  }

  // MARK: HTTP endpoints

  private func deliver(
    _ batch: [BufferedRecord], _ pin: inout PinnedBatch, to endpoint: EndpointDestination, _ stream: DeliveryStream,
    _ names: ObjectNames, _ trial: DeliveryTrial?
  ) async throws {
    try await backUp(batch, &pin, to: endpoint.keepsAll ? [endpoint.backup] : [], stream, names)
    let outcome = try await transformed(batch, endpoint.role ?? endpoint.backup.role, stream)
    var failed = outcome.failed
    if !outcome.records.isEmpty {
      let request = EndpointRequest(endpoint, stream, outcome.records, id: pin.request, time: ambient.now)
      do {
        let answer = try await neighbours.http.send(
          OutgoingRequest("POST", endpoint.url, headers: request.headers, body: request.body, limit: FirehoseLimits.endpointTimeout))
        try request.check(answer.status, answer.body)
        metrics.delivered(
          stream, "DeliveryToHttpEndpoint", records: outcome.records.count, bytes: request.body.count, oldest: names.time, isSuccess: true,
          ambient.now)
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        metrics.delivered(stream, "DeliveryToHttpEndpoint", records: 0, bytes: 0, oldest: names.time, isSuccess: false, ambient.now)
        let isOver = ambient.now - (trial?.began ?? ambient.now) >= .seconds(endpoint.patience)
        guard isOver else { throw error }
        await tell(stream, error, nil)
        failed += outcome.records.map {
          FailedRecord(
            record: $0, attempts: (trial?.attempts ?? 0) + 1, code: "HttpEndpoint.DeliveryFailed",
            message: (error as? AWSError)?.message ?? "\(error)")
        }
      }
    }
    let (lost, unprocessed) = (failed.filter { $0.function == nil }, failed.filter { $0.function != nil })
    try await putFailed(lost, "http-endpoint-failed", in: endpoint.backup, stream, names)
    try await putFailed(unprocessed, "processing-failed", in: endpoint.backup, stream, names)
  }

  // MARK: What went wrong

  /// The log of the server, and that of the user when the destination has one.
  func tell(_ stream: DeliveryStream, _ error: any Error, _ trial: DeliveryTrial?) async {
    let text = (error as? AWSError)?.message ?? "\(error)"
    if (trial?.attempts ?? 1) == 1 {
      logger.warning("a delivery failed", metadata: ["delivery": "\(stream.name.arn)", "error": "\(error)"])
    }
    let (logging, role): (Logging?, ARN) =
      switch stream.destination {
      case .bucket(let bucket): (bucket.logging, bucket.role)
      case .endpoint(let endpoint): (endpoint.logging, endpoint.backup.role)
      }
    guard let logging, let logs = neighbours.logs else { return }
    var json = JSONWriter()
    json.beginObject()
    json.name("deliveryStreamARN"); json.string(stream.name.arn.text)
    json.name("deliveryStreamVersionId"); json.int(Int64(stream.version))
    json.name("message"); json.string(text)
    json.name("errorCode"); json.string((error as? AWSError)?.code ?? "DeliveryFailed")
    json.endObject()
    guard let caller = try? await Callers(neighbours.roles, ambient).caller(role, of: stream.name) else { return }
    try? await logs.write(
      [LogLine(time: ambient.now, message: json.bytes.utf8Text)], group: logging.group, stream: logging.stream, as: caller)
  }
}

extension ChaosPoint {
  fileprivate init(_ stream: DeliveryStream, _ trace: TraceContext) {
    let target: String
    switch stream.destination {
    case .bucket(let bucket): target = "arn:aws:s3:::\(bucket.bucket)"
    case .endpoint(let endpoint): target = endpoint.url
    }
    self.init(
      service: "firehose", account: stream.name.account, region: stream.name.region, source: stream.name.arn.text, target: target,
      trace: trace)
  }
}
