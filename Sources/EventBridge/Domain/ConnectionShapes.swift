import Base

/// Connections as they are given: what a new one needs, and what a change leaves as it was.
extension Connection.Secrets {
  /// Throws `ValidationException` when the parameters are not those of the type.
  init(_ given: CreateConnectionAuthRequestParameters, _ kind: Connection.Kind) throws(AWSError) {
    try Self.refuse(given.connectivityParameters)
    switch (kind, given.basicAuthParameters, given.apiKeyAuthParameters, given.oAuthParameters) {
    case (.basic, let basic?, nil, nil): credentials = .basic(user: basic.username, password: basic.password)
    case (.apiKey, nil, let key?, nil): credentials = .apiKey(name: key.apiKeyName, value: key.apiKeyValue)
    case (.oauth, nil, nil, let oauth?):
      credentials = .oauth(Connection.OAuth(
        endpoint: try checkedEndpoint(oauth.authorizationEndpoint, "AuthorizationEndpoint"), method: oauth.httpMethod,
        clientID: oauth.clientParameters.clientID, clientSecret: oauth.clientParameters.clientSecret,
        parameters: oauth.oAuthHttpParameters.map(Connection.Parameters.init)))
    default: throw Self.mismatch(kind)
    }
    parameters = given.invocationHttpParameters.map(Connection.Parameters.init)
  }

  static func refuse(_ connectivity: ConnectivityResourceParameters?) throws(AWSError) {
    guard connectivity == nil else {
      throw EventBridgeError.unsupported("ConnectivityParameters", "Dewpoint has no private connections.")
    }
  }

  private static func mismatch(_ kind: Connection.Kind) -> AWSError {
    let name =
      switch kind {
      case .basic: "BasicAuthParameters"
      case .apiKey: "ApiKeyAuthParameters"
      case .oauth: "OAuthParameters"
      }
    return EventBridgeError.invalid("Authorization type \(kind.rawValue) requires \(name), and no others.")
  }

  /// The secrets with what a change gives.
  /// - Parameter kind: the type that it has afterwards; with another one all of its parameters are needed.
  func changed(_ given: UpdateConnectionAuthRequestParameters?, to kind: Connection.Kind) throws(AWSError) -> Self {
    guard let given else {
      guard kind == credentials.kind else { throw Self.mismatch(kind) }
      return self
    }
    try Self.refuse(given.connectivityParameters)
    var copy = self
    switch kind {
    case .basic:
      var (user, password): (String?, String?) = (nil, nil)
      if case .basic(let a, let b) = credentials { (user, password) = (a, b) }
      guard let user = given.basicAuthParameters?.username ?? user,
        let password = given.basicAuthParameters?.password ?? password
      else { throw Self.mismatch(kind) }
      copy.credentials = .basic(user: user, password: password)
    case .apiKey:
      var (name, value): (String?, String?) = (nil, nil)
      if case .apiKey(let a, let b) = credentials { (name, value) = (a, b) }
      guard let name = given.apiKeyAuthParameters?.apiKeyName ?? name,
        let value = given.apiKeyAuthParameters?.apiKeyValue ?? value
      else { throw Self.mismatch(kind) }
      copy.credentials = .apiKey(name: name, value: value)
    case .oauth: copy.credentials = .oauth(try changed(given.oAuthParameters))
    }
    if let parameters = given.invocationHttpParameters { copy.parameters = Connection.Parameters(parameters) }
    return copy
  }

  private func changed(_ given: UpdateConnectionOAuthRequestParameters?) throws(AWSError) -> Connection.OAuth {
    var old: Connection.OAuth?
    if case .oauth(let present) = credentials { old = present }
    guard let endpoint = given?.authorizationEndpoint ?? old?.endpoint, let method = given?.httpMethod ?? old?.method,
      let id = given?.clientParameters?.clientID ?? old?.clientID,
      let secret = given?.clientParameters?.clientSecret ?? old?.clientSecret
    else { throw Self.mismatch(.oauth) }
    return Connection.OAuth(
      endpoint: try checkedEndpoint(endpoint, "AuthorizationEndpoint"), method: method, clientID: id, clientSecret: secret,
      parameters: given?.oAuthHttpParameters.map(Connection.Parameters.init) ?? old?.parameters)
  }

  /// As DescribeConnection shows it: nothing that opens a door.
  var shown: ConnectionAuthResponseParameters {
    var out = ConnectionAuthResponseParameters()
    switch credentials {
    case .basic(let user, _):
      var basic = ConnectionBasicAuthResponseParameters()
      basic.username = user
      out.basicAuthParameters = basic
    case .apiKey(let name, _):
      var key = ConnectionApiKeyAuthResponseParameters()
      key.apiKeyName = name
      out.apiKeyAuthParameters = key
    case .oauth(let oauth):
      var shown = ConnectionOAuthResponseParameters()
      var client = ConnectionOAuthClientResponseParameters()
      client.clientID = oauth.clientID
      (shown.clientParameters, shown.authorizationEndpoint, shown.httpMethod) = (client, oauth.endpoint, oauth.method)
      shown.oAuthHttpParameters = oauth.parameters?.shown
      out.oAuthParameters = shown
    }
    out.invocationHttpParameters = parameters?.shown
    return out
  }
}

extension Connection.Parameters {
  init(_ given: ConnectionHttpParameters) {
    func list<T>(_ items: [T]?, _ parts: (T) -> (String?, String?, Bool?)) -> [Connection.Parameter] {
      (items ?? []).map { item in
        let (key, value, isSecret) = parts(item)
        return Connection.Parameter(key: key ?? "", value: value ?? "", isSecret: isSecret ?? false)
      }
    }
    headers = list(given.headerParameters) { ($0.key, $0.value, $0.isValueSecret) }
    query = list(given.queryStringParameters) { ($0.key, $0.value, $0.isValueSecret) }
    body = list(given.bodyParameters) { ($0.key, $0.value, $0.isValueSecret) }
  }

  /// Values that are secret are left out.
  var shown: ConnectionHttpParameters {
    var out = ConnectionHttpParameters()
    if !headers.isEmpty {
      out.headerParameters = headers.map { item in
        var shown = ConnectionHeaderParameter()
        (shown.key, shown.value, shown.isValueSecret) = (item.key, item.isSecret ? nil : item.value, item.isSecret)
        return shown
      }
    }
    if !query.isEmpty {
      out.queryStringParameters = query.map { item in
        var shown = ConnectionQueryStringParameter()
        (shown.key, shown.value, shown.isValueSecret) = (item.key, item.isSecret ? nil : item.value, item.isSecret)
        return shown
      }
    }
    if !body.isEmpty {
      out.bodyParameters = body.map { item in
        var shown = ConnectionBodyParameter()
        (shown.key, shown.value, shown.isValueSecret) = (item.key, item.isSecret ? nil : item.value, item.isSecret)
        return shown
      }
    }
    return out
  }
}

/// EventBridge calls HTTPS endpoints only. Here plain HTTP is good for this machine and for hosts without a domain, which are
/// neighbours in a test network.
func checkedEndpoint(_ url: String, _ member: String) throws(AWSError) -> String {
  if url.lowercased().hasPrefix("https://"), url.utf8.count > 8 { return url }
  if url.lowercased().hasPrefix("http://") {
    let host = url.dropFirst(7).prefix { $0 != "/" && $0 != "?" && $0 != ":" }
    if !host.isEmpty, !host.contains(".") || host.hasPrefix("127.") || host.hasSuffix(".localhost") { return url }
  }
  throw EventBridgeError.invalid(member, "The endpoint must be an HTTPS URL.")
}
