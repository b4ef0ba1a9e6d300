import Base

/// The CORS settings of a function URL. With any, Lambda answers preflights itself, and its fields take the place of those that
/// the function sets (AWS: "Creating and managing Lambda function URLs", Cross-origin resource sharing).
struct URLCors: Sendable, Equatable {
  var allowCredentials: Bool?
  var allowHeaders: [String]?
  var allowMethods: [String]?
  var allowOrigins: [String]?
  var exposeHeaders: [String]?
  /// Seconds, 0 to 86,400.
  var maxAge: Int?

  /// The fields that are ours to set, whatever the function says.
  private static let own = ["access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers"]

  /// The answer to a preflight: without fields for an origin that is not allowed, so that the browser stops there.
  func preflight(origin: String, method: String, headers asked: String?) -> HeaderFields {
    var headers = fields(for: origin)
    headers["access-control-expose-headers"] = nil
    guard !headers.fields.isEmpty else { return [:] }
    // A star means itself only without credentials (Fetch standard), so what was asked is named in its place.
    headers["access-control-allow-methods"] = list(allowMethods, asked: method)
    headers["access-control-allow-headers"] = list(allowHeaders, asked: asked)
    headers["access-control-max-age"] = maxAge.map(String.init)
    return headers
  }

  private func list(_ values: [String]?, asked: String?) -> String? {
    guard let values, !values.isEmpty else { return nil }
    if values.contains("*") { return allowCredentials == true ? asked : "*" }
    return values.joined(separator: ",")
  }

  /// Puts the fields of the settings in the place of the function's own.
  func mark(_ headers: inout HeaderFields, origin: String?) {
    for name in Self.own { headers[name] = nil }
    guard let origin else { return }
    for field in fields(for: origin) {
      if field.name == "vary", let old = headers["vary"], !old.isEmpty {
        headers["vary"] = old.lowercased().contains("origin") || old == "*" ? old : "\(old), \(field.value)"
      } else {
        headers[field.name] = field.value
      }
    }
  }

  /// None for an origin that is not allowed.
  private func fields(for origin: String) -> HeaderFields {
    let origins = allowOrigins ?? []
    let isAny = origins.contains("*")
    guard isAny || origins.contains(origin) else { return [:] }
    let isNamed = !isAny || allowCredentials == true
    var headers: HeaderFields = ["access-control-allow-origin": isNamed ? origin : "*"]
    if isNamed { headers["vary"] = "Origin" }
    if allowCredentials == true { headers["access-control-allow-credentials"] = "true" }
    if let exposeHeaders, !exposeHeaders.isEmpty { headers["access-control-expose-headers"] = exposeHeaders.joined(separator: ",") }
    return headers
  }
}
