import Base
import Crypto
import HTTPClient
import Store
import Synchronization

/// Opens connections: their secrets, and for OAuth the tokens that are fetched with them and fetched again when they end.
final class ConnectionAccess: Sendable {
  /// What a call to an endpoint gets.
  struct Access: Sendable {
    var secrets: Connection.Secrets
    var token: String?

    func apply(to call: inout HTTPCall) {
      call.add(secrets.parameters)
      switch secrets.credentials {
      case .basic(let user, let password):
        call.headers["authorization"] = "Basic " + Array("\(user):\(password)".utf8).base64
      case .apiKey(let name, let value): call.headers[name.lowercased()] = value
      case .oauth: if let token { call.headers["authorization"] = "Bearer " + token }
      }
    }
  }
  private struct Token: Sendable {
    var text: String
    var ends: Instant
    /// The connection as it was.
    var modified: Instant
  }

  private let store: any Store
  private let ambient: Ambient
  private let http: any HTTPSender
  private let tokens = Mutex<[String: Token]>([:])
  private let box = Mutex<SecretBox?>(nil)

  init(store: any Store, ambient: Ambient, http: any HTTPSender) { (self.store, self.ambient, self.http) = (store, ambient, http) }

  func forgetAll() { tokens.withLock { $0.removeAll() } }
  func forget(_ connection: String) { tokens.withLock { $0[connection] = nil } }

  /// The key that seals secrets; made at the first use.
  func secretBox() async throws -> SecretBox {
    if let known = box.withLock({ $0 }) { return known }
    let fresh = ambient.random.bytes(32)
    let key = try await store.transact { tx -> [UInt8] in
      if let present = try tx.get(Keys.serverKey) { return present }
      try tx.set(Keys.serverKey, fresh)
      return fresh
    }
    let made = SecretBox(serverKey: key)
    box.withLock { $0 = made }
    return made
  }

  func seal(_ secrets: Connection.Secrets) async throws -> [UInt8] {
    try await secretBox().seal(secrets, nonce: ambient.random.bytes(12))
  }

  /// What is needed to call with a connection.
  /// Throws `AWSError` when there is no such connection, it was deauthorised, or no token can be had.
  func access(_ arn: String) async throws -> Access {
    guard let connection = try await store.read({ try $0.connection(arn) }) else {
      throw EventBridgeError.noConnection(arn, to: "use")
    }
    guard connection.state != .deauthorized, !connection.sealed.isEmpty else {
      throw AWSError(ErrorCode.noPermissions.rawValue, "The connection \(connection.name.name) is not authorized.", status: 400)
    }
    let secrets = try await secretBox().open(connection.sealed)
    guard case .oauth(let oauth) = secrets.credentials else { return Access(secrets: secrets, token: nil) }
    if let token = tokens.withLock({ $0[arn] }), token.modified == connection.modified, token.ends > ambient.now {
      return Access(secrets: secrets, token: token.text)
    }
    let token = try await fetch(oauth, connection)
    return Access(secrets: secrets, token: token)
  }

  /// A token by client credentials (RFC 6749, 4.4), as EventBridge asks for it.
  private func fetch(_ oauth: Connection.OAuth, _ connection: Connection) async throws -> String {
    let answer: IncomingAnswer
    do { answer = try await http.send(Self.request(oauth)) } catch let failure as OutgoingFailure {
      throw AWSError(ErrorCode.connectionFailure.rawValue, "The authorization endpoint: \(failure)", fault: .server)
    }
    guard (200..<300).contains(answer.status), let json = try? JSON.parse(answer.body), let token = json["access_token"]?.string else {
      let reason = "The authorization endpoint answered HTTP \(answer.status)."
      try await note(connection, connection.state, reason)
      throw AWSError(ErrorCode.errorFromTarget.rawValue, reason, status: 502, fault: .server)
    }
    let life = json["expires_in"].flatMap { $0.int ?? $0.string.flatMap { Int64($0) } } ?? 3600
    // It ends a little early, so that none ends on its way.
    let ends = ambient.now + .seconds(max(life - 30, life / 2))
    tokens.withLock { tokens in
      if tokens.count >= EventBridgeLimits.cachedTokens { tokens.removeAll() }
      tokens[connection.arn.text] = Token(text: token, ends: ends, modified: connection.modified)
    }
    if connection.state != .authorized { try await note(connection, .authorized, nil) }
    return token
  }

  static func request(_ oauth: Connection.OAuth) -> OutgoingRequest {
    var headers: HeaderFields = ["content-type": "application/x-www-form-urlencoded; charset=utf-8"]
    var fields = [
      ("grant_type", "client_credentials"), ("client_id", oauth.clientID), ("client_secret", oauth.clientSecret),
    ]
    var query: [(String, String)] = []
    if let parameters = oauth.parameters {
      for header in parameters.headers { headers[header.key.lowercased()] = header.value }
      query = parameters.query.map { ($0.key, $0.value) }
      for item in parameters.body {
        fields.removeAll { $0.0 == item.key }
        fields.append((item.key, item.value))
      }
    }
    func form(_ pairs: [(String, String)]) -> String {
      pairs.map { percentEncoded($0) + "=" + percentEncoded($1) }.joined(separator: "&")
    }
    var body: [UInt8] = []
    if oauth.method == "GET" { query += fields } else { body = Array(form(fields).utf8) }
    let url = oauth.endpoint + (query.isEmpty ? "" : (oauth.endpoint.contains("?") ? "&" : "?") + form(query))
    return OutgoingRequest(oauth.method, url, headers: headers, body: body, limit: EventBridgeLimits.httpTimeout)
  }

  /// Tells at the connection what came of its authorisation, if it is still the same.
  private func note(_ connection: Connection, _ state: Connection.State, _ reason: String?) async throws {
    let now = ambient.now
    try await store.transact { tx in
      guard var present = try tx.connection(connection.name), present.id == connection.id, present.modified == connection.modified,
        present.state != .deauthorized
      else { return }
      (present.state, present.reason) = (state, reason)
      if state == .authorized { present.authorized = now }
      try Keys.connections.put(Keys.id(present.name), present, tx)
    }
  }

  /// Fetches the first token of an OAuth connection, so that its state tells whether it works.
  func authorise(_ arn: String) async { _ = try? await access(arn) }
}
