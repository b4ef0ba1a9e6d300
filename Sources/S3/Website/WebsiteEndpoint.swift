import Base
import Fabric
import Wire

/// Buckets as websites: anybody may read what the bucket's policy lets everybody read, as pages and not as an API.
struct WebsiteEndpoint: Sendable {
  let s3: S3Service

  var endpoint: WebEndpoint {
    WebEndpoint(
      label: "s3-website", path: "website", service: "s3", operation: "Website", maximumBody: 1 << 20,
      tooLarge: Self.page(413, AWSError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"), "", "HEAD"),
      answer: { await answer($0) })
  }

  private func answer(_ request: WebRequest) async -> WebAnswer {
    let bucket = request.id
    do {
      guard request.method == "GET" || request.method == "HEAD" else {
        throw AWSError("MethodNotAllowed", "The specified method is not allowed against this resource.", status: 405)
      }
      let state = try await s3.buckets.existing(bucket)
      if let region = request.region, region != state.bucket.region { throw S3Error.noSuchBucket(bucket) }
      guard let configuration: WebsiteConfiguration = state.settings.get(.website) else { throw S3Error.noWebsite(bucket) }
      let path = percentDecoded(request.path.utf8.dropFirst()).utf8Text
      let wanted = WebsiteRouting.Request(
        isSecure: request.isSecure, host: request.headers["host"] ?? "\(bucket).s3-website.localhost", path: path, query: request.query)
      return try await answer(wanted, WebsiteRouting(configuration), bucket, request)
    } catch {
      return Self.page(Self.outward(error), request)
    }
  }

  private func answer(
    _ wanted: WebsiteRouting.Request, _ routing: WebsiteRouting, _ bucket: String, _ request: WebRequest
  ) async throws -> WebAnswer {
    if let redirect = routing.redirect(wanted) { return Self.redirected(redirect) }
    do {
      return try await object(routing.key(wanted.path), in: bucket, request, status: nil)
    } catch {
      let error = Self.outward(error)
      let status = error.status ?? 500
      if status == 404 || status == 403, let index = routing.directoryIndex(wanted.path), try await exists(index, in: bucket, request) {
        return Self.redirected(.init(status: 302, location: "/\(WebsiteRouting.encoded(wanted.path))/"))
      }
      if let redirect = routing.redirect(wanted, after: status) { return Self.redirected(redirect) }
      guard (400..<500).contains(status), let document = routing.errorDocument else { return Self.page(error, request) }
      do { return try await object(document, in: bucket, request, status: status) } catch { return Self.page(Self.outward(error), request) }
    }
  }

  private func call(_ request: WebRequest) -> Call {
    Call(
      service: "s3", operation: request.method == "HEAD" ? "HeadObject" : "GetObject", principal: .anonymous, account: .local,
      region: request.region ?? .usEast1, requestID: request.requestID, trace: TraceContext(s3.ambient), now: s3.ambient.now,
      sourceIP: request.address, userAgent: request.headers["user-agent"], conditionValues: request.conditionValues)
  }

  private func input(_ key: String, in bucket: String, _ request: WebRequest) -> GetObjectInput {
    var input = GetObjectInput()
    (input.bucket, input.key) = (bucket, key)
    (input.ifMatch, input.ifNoneMatch, input.range) = (
      request.headers["if-match"], request.headers["if-none-match"], request.headers["range"]
    )
    return input
  }

  /// - Parameter status: of an error whose document this is.
  private func object(_ key: String, in bucket: String, _ request: WebRequest, status: Int?) async throws -> WebAnswer {
    var input = input(key, in: bucket, request)
    if status != nil { (input.ifMatch, input.ifNoneMatch, input.range) = (nil, nil, nil) }
    let call = call(request)
    let access = try await access(key, in: bucket, call)
    try await s3.neighbours.authoriser.authorise(access, for: call)
    let output = try await s3.read(input, call)
    if let target = output.record["WebsiteRedirectLocation"]?.string, status == nil {
      return Self.redirected(.init(status: 301, location: target))
    }
    var headers = Self.headers(output.record)
    if let count = output.bytes?.count { headers["content-length"] = "\(count)" }
    let body: WebAnswer.Body
    if request.method == "GET", let bytes = output.bytes {
      body = .stream { write in try await bytes.write { try await write($0) } }
    } else {
      body = .bytes([])
    }
    return WebAnswer(status: status ?? output.status ?? 200, headers: headers, body: body)
  }

  private func access(_ key: String, in bucket: String, _ call: Call) async throws -> Access {
    let list = try await s3.accessList(of: key, nil, in: bucket, for: call)
    var access = try await s3.access("GetObject", bucket: bucket, key: key, list: list, call)
    access.conditionValues.merge(try await s3.existingTags(of: key, nil, in: bucket, for: call)) { _, new in new }
    return access
  }

  private func exists(_ key: String, in bucket: String, _ request: WebRequest) async throws -> Bool {
    let call = call(request)
    guard let access = try? await access(key, in: bucket, call),
      (try? await s3.neighbours.authoriser.authorise(access, for: call)) != nil
    else { return false }
    let state = try await s3.buckets.existing(bucket)
    return try await s3.store.read { try $0.newest(state.bucket, key)?.facts != nil }
  }

  /// What a page shows of an object's header fields.
  private static func headers(_ record: Record) -> HeaderFields {
    var headers: HeaderFields = [:]
    for (member, name) in [
      ("ContentType", "content-type"), ("CacheControl", "cache-control"), ("ContentDisposition", "content-disposition"),
      ("ContentEncoding", "content-encoding"), ("ContentLanguage", "content-language"), ("ETag", "etag"), ("Expires", "expires"),
      ("ContentRange", "content-range"),
    ] { headers[name] = record[member]?.string }
    if let modified = record["LastModified"]?.timestamp { headers["last-modified"] = modified.httpDate }
    return headers
  }

  private static func redirected(_ redirect: WebsiteRouting.Redirect) -> WebAnswer {
    WebAnswer(status: redirect.status, headers: ["location": redirect.location], body: .bytes([]))
  }

  private static func outward(_ error: any Error) -> AWSError {
    guard var error = error as? AWSError else {
      return AWSError("InternalError", "We encountered an internal error. Please try again.", status: 500, fault: .server, cause: error)
    }
    // A page tells nobody by whom and why it is denied.
    if error.code.hasPrefix("AccessDenied") { error = S3Error.accessDenied }
    return error
  }

  private static func page(_ error: AWSError, _ request: WebRequest) -> WebAnswer {
    page(error.status ?? 400, error, request.requestID, request.method)
  }

  /// The error as S3 writes it into a page.
  private static func page(_ status: Int, _ error: AWSError, _ requestID: String, _ method: String) -> WebAnswer {
    if status == 304 { return WebAnswer(status: 304, body: .bytes([])) }
    let reason = ["403": "Forbidden", "404": "Not Found", "405": "Method Not Allowed", "412": "Precondition Failed"]["\(status)"] ?? "Error"
    let text = """
      <html>
      <head><title>\(status) \(reason)</title></head>
      <body>
      <h1>\(status) \(reason)</h1>
      <ul>
      <li>Code: \(escaped(error.code))</li>
      <li>Message: \(escaped(error.message))</li>
      <li>RequestId: \(escaped(requestID))</li>
      </ul>
      <hr/>
      </body>
      </html>

      """
    return WebAnswer(
      status: status, headers: ["content-type": "text/html; charset=utf-8"], body: .bytes(method == "HEAD" ? [] : Array(text.utf8)))
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", by: "&amp;").replacing("<", by: "&lt;").replacing(">", by: "&gt;")
  }
}

extension S3Service {
  public var endpoints: [WebEndpoint] { [WebsiteEndpoint(s3: self).endpoint] }
}
