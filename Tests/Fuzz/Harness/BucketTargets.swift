import Base
@testable import S3
@testable import Wire

private let router = RESTRouter(S3Model.service)

/// Requests of S3: method, path, query, a header field, the document. A document that was accepted is written and read again; what
/// a bucket is set to by it does what its text says.
func fuzzS3(_ bytes: [UInt8]) {
  let parts = bytes.parts(5)
  let methods = ["PUT", "GET", "POST", "DELETE", "HEAD"]
  let method = methods[Int(parts[0].first ?? 0) % methods.count]
  var headers: HeaderFields = ["host": "localhost"]
  if let colon = parts[3].firstIndex(of: UInt8(ascii: ":")) {
    headers.add(parts[3][..<colon].utf8Text, parts[3][(colon + 1)...].utf8Text)
  }
  let (path, query) = (parts[1].utf8Text, parts[2].utf8Text)
  if let (operation, labels) = router.match(method: method, path: path, query: query) {
    let request = WireRequest(method: method, path: path, query: query, headers: headers, body: parts[4])
    let record = try? WireCodec.decode(operation, of: S3Model.service, .restXml, request, labels: labels)
    _ = record?.redactedDescription
  }
  if let source = try? CopySource(parts[1].utf8Text) { promise(!source.bucket.isEmpty && !source.key.isEmpty, "a source has both parts") }
  if let version = VersionID(parts[2].utf8Text) { promise(version.text.utf8.count == 32, "an id is as long as it is") }
  documents(parts[4], key: parts[1].utf8Text, origin: parts[3].utf8Text)
}

private func documents(_ body: [UInt8], key: String, origin: String) {
  if let policy = try? BucketPolicy(body.utf8Text, bucket: "bucket") {
    promise(BucketPolicy(kept: body.utf8Text).isPublic == policy.isPublic, "a policy that was kept is the same")
  }
  for shape in [S3Delete.shape, CompletedMultipartUpload.shape, S3Tagging.shape, WebsiteConfiguration.shape, AccessControlPolicy.shape] {
    _ = read(shape, body)
  }
  if let cors = read(S3CORSConfiguration.shape, body).map(S3CORSConfiguration.init), (try? CORSRules.check(cors)) != nil {
    checkCORS(cors, origin: origin, header: key)
  }
  if let lifecycle = read(BucketLifecycleConfiguration.shape, body).map(BucketLifecycleConfiguration.init),
    let rules = try? LifecycleCheck.completed(lifecycle.rules, newID: { "id" })
  {
    var kept = GetBucketLifecycleConfigurationOutput()
    kept.rules = rules
    checkLifecycle(Lifecycle(kept), key: key, size: origin.utf8.count * 40_000)
  }
  if let notification = read(NotificationConfiguration.shape, body).map(NotificationConfiguration.init),
    let completed = try? NotificationCheck.completed(notification, newID: { "id\(body.count)" })
  {
    let rules = NotificationRules(completed)
    let bucket = Bucket(name: "bucket", id: 1, owner: .local, region: .usEast1, created: .epoch)
    if (try? NotificationCheck.check(rules.rules, of: bucket)) != nil { checkNotifications(rules, key: key) }
  }
}

/// A document that is accepted is written and read again.
private func read(_ shape: StructureShape, _ body: [UInt8]) -> Record? {
  guard let record = try? XMLDecoding.body(shape, body) else { return nil }
  let written = XMLEncoding.document(record, root: "Root", namespace: nil)
  guard let again = try? XMLDecoding.body(shape, written) else {
    fatalError("broken: what was written can be read: \(shape.name) \(written.utf8Text)")
  }
  promise(XMLEncoding.document(again, root: "Root", namespace: nil) == written, "writing is stable: \(shape.name)")
  return record
}

/// One star, which stands for any bytes.
private func fits(_ text: String, _ pattern: String) -> Bool {
  let (text, pattern) = (Array(text.utf8), Array(pattern.utf8))
  guard let star = pattern.firstIndex(of: UInt8(ascii: "*")) else { return text == pattern }
  let (before, after) = (pattern[..<star], pattern[(star + 1)...])
  return text.count >= before.count + after.count && text.starts(with: before) && text.suffix(after.count).elementsEqual(after)
}

private func checkCORS(_ configuration: S3CORSConfiguration, origin: String, header: String) {
  let header = header.lowercased()
  for method in ["GET", "PUT", "PATCH"] {
    let request = CORSRules.Request(origin: origin, method: method, headers: [header])
    let rule = configuration.corsRules.first { rule in
      rule.allowedMethods.contains(method) && rule.allowedOrigins.contains { fits(origin, $0) }
        && (rule.allowedHeaders ?? []).contains { fits(header, $0.lowercased()) }
    }
    let answer = CORSRules(configuration).answer(request, isPreflight: true)
    promise((answer == nil) == (rule == nil), "the first rule that fits answers, and none else")
    if let rule { promise(answer?["access-control-allow-methods"] == rule.allowedMethods.joined(separator: ", "), "it is the first one") }
  }
}

private func checkLifecycle(_ lifecycle: Lifecycle, key: String, size: Int) {
  let now = Instant(seconds: 1_790_000_000)
  for days in [0, 29, 400, 40_000] {
    var version = Lifecycle.Version(key: key, modified: now - .days(days), size: size)
    if case .expire(let id)? = lifecycle.action(for: version, at: now) {
      let rule = lifecycle.rules.first { $0.id == id }
      promise(rule.map { key.utf8.starts(with: $0.prefix.utf8) } ?? false, "a rule expires what its prefix names")
      promise(days > 0 || size > 0, "something is older than nothing")
    }
    if let end = lifecycle.expiration(of: version) { promise(end.date > version.modified || end.date <= now, "an end comes later") }
    version.replacedAt = now - .days(days / 2)
    version.newerNoncurrent = days % 7
    if case .remove(let id)? = lifecycle.action(for: version, at: now) {
      promise(lifecycle.rules.contains { $0.id == id && $0.noncurrentKept <= version.newerNoncurrent }, "so many stay")
    }
    version.isMarker = true
    _ = lifecycle.action(for: version, at: now)
  }
  _ = lifecycle.aborts(key, initiated: now, at: now)
}

/// No event goes by two rules, and each by those whose filter lets it through.
private func checkNotifications(_ rules: NotificationRules, key: String) {
  for kind in ObjectEvent.Kind.allCases {
    let sorted = rules.sorted(ObjectEvent(kind, key: key))
    promise(sorted.admitted.count <= 1, "no event goes by two rules")
    for rule in sorted.admitted + sorted.filtered {
      let (key, prefix, suffix) = (Array(key.utf8), Array(rule.prefix.utf8), Array(rule.suffix.utf8))
      let isAdmitted = key.starts(with: prefix) && key.suffix(suffix.count).elementsEqual(suffix)
      promise(sorted.admitted.contains(rule) == isAdmitted, "a rule wants the keys that begin and end so: \(rule.prefix) \(rule.suffix)")
    }
  }
}

/// Uploads by forms: how pieces are cut and the limit of the fields, the content type, the body. The policy is a field of the form.
func fuzzForm(_ bytes: [UInt8]) {
  let parts = bytes.parts(3)
  guard let cut = parts[0].first else { return }
  let limit = Int(parts[0].last ?? 0) * 80
  policy(parts[1].utf8Text, value: parts[2].utf8Text)
  let type = "multipart/form-data; boundary=\(parts[1].utf8Text)"
  guard let whole = form(type, limit, [parts[2]]) else { return }
  let step = Int(cut) + 1
  let pieces = stride(from: 0, to: parts[2].count, by: step).map { Array(parts[2][$0..<min($0 + step, parts[2].count)]) }
  guard let split = form(type, limit, pieces) else { return }
  promise(whole.failure == split.failure, "cuts make no difference: \(String(describing: whole.failure)), \(String(describing: split.failure))")
  promise(whole.failure != nil || whole.file == split.file, "cuts make no difference to the file")
  promise(whole.failure != nil || whole.fields == split.fields, "cuts make no difference to the fields")
  // What is no UTF-8 becomes three bytes for one.
  promise(whole.fields.joined().utf8.count <= 3 * limit, "fields have a limit")
  for field in whole.fields where field.hasPrefix("policy=") { policy(String(field.dropFirst(7)), value: parts[1].utf8Text) }
}

private func form(_ type: String, _ limit: Int, _ pieces: [[UInt8]]) -> (fields: [String], file: [UInt8], failure: FormParser.Failure?)? {
  guard var parser = FormParser(contentType: type, limit: limit) else { return nil }
  var file: [UInt8] = []
  var failure: FormParser.Failure?
  do throws(FormParser.Failure) {
    for piece in pieces { file += try parser.feed(piece) }
    try parser.finish()
  } catch { failure = error }
  return (parser.fields.map { "\($0.name)=\($0.value)" }, file, failure)
}

private func policy(_ text: String, value: String) {
  for text in [text, Array(text.utf8).base64] {
    guard let policy = try? PostPolicy(text) else { continue }
    var fields: [String: String] = ["bucket": "bucket"]
    for condition in policy.conditions {
      switch condition {
      case .equals(let name, let text): fields[name] = text
      case .startsWith(let name, let text): fields[name] = text + value
      case .length(let range): promise(range.lowerBound >= 0, "a length is not negative")
      }
    }
    let isKept = (try? policy.check(fields, at: .epoch)) != nil
    if isKept { promise(policy.expiration > .epoch, "a policy ends") }
    fields["x-stranger"] = value
    let isNamed = policy.conditions.contains {
      switch $0 {
      case .equals(let name, _), .startsWith(let name, _): name == "x-stranger"
      case .length: false
      }
    }
    promise(isNamed || (try? policy.check(fields, at: .epoch)) == nil, "a field that nobody allowed is refused")
    promise((try? policy.check(fields, at: policy.expiration)) == nil, "a policy that has ended allows nothing")
  }
}
