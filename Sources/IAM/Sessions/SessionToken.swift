import Base
import Crypto
import Fabric
import Store

import FoundationEssentials

/// What a session token says. The token is its own record: sealed with a key that only the store has, so that no
/// session is ever written down and any process that shares the store can check it.
struct SessionGrant: Sendable {
  var principal: Principal
  var accessKeyID: String
  var issued: Instant
  var expires: Instant
  /// Facts that policies may test, by lower-case key.
  var conditionValues: [String: [String]] = [:]
  /// Of the account when the session was issued; emptying the account ends it.
  var epoch = 0
}

/// Seals and opens session tokens and derives the secrets that go with them.
struct SessionSealer: Sendable {
  private let tokenKey: SymmetricKey
  private let secretKey: SymmetricKey
  private let messageKey: SymmetricKey
  /// AWS's tokens begin like this; it also tells our versions apart.
  private static let prefix = "FwoDPW1"

  init(serverKey: [UInt8]) {
    let root = SymmetricKey(data: serverKey)
    tokenKey = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array("session token".utf8), using: root))
    secretKey = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array("session secret".utf8), using: root))
    messageKey = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array("authorization message".utf8), using: root))
  }

  /// What DecodeAuthorizationMessage opens, for the account alone.
  func seal(message: [UInt8], _ account: AccountID, _ random: any RandomSource) throws -> String {
    let nonce = try ChaChaPoly.Nonce(data: random.bytes(12))
    let box = try ChaChaPoly.seal(message, using: messageKey, nonce: nonce, authenticating: Array(account.text.utf8))
    return Array(box.combined).base64
  }
  /// Nil when it is not a message of ours for the account.
  func open(message: String, _ account: AccountID) -> [UInt8]? {
    guard let bytes = decodeBase64(message), let box = try? ChaChaPoly.SealedBox(combined: bytes),
      let plain = try? ChaChaPoly.open(box, using: messageKey, authenticating: Array(account.text.utf8))
    else { return nil }
    return Array(plain)
  }

  func seal(_ grant: SessionGrant, _ random: any RandomSource) throws -> (token: String, secret: String) {
    let nonce = try ChaChaPoly.Nonce(data: random.bytes(12))
    let box = try ChaChaPoly.seal(grant.bytes, using: tokenKey, nonce: nonce, authenticating: Array(grant.accessKeyID.utf8))
    let token = Self.prefix + Array(box.combined).base64
    return (token, secret(accessKeyID: grant.accessKeyID, token))
  }

  /// Nil when we did not make the token for this key.
  func open(_ token: String, accessKeyID: String) -> (grant: SessionGrant, secret: String)? {
    guard token.hasPrefix(Self.prefix), let bytes = decodeBase64(token.utf8.dropFirst(Self.prefix.utf8.count)),
      let box = try? ChaChaPoly.SealedBox(combined: bytes),
      let plain = try? ChaChaPoly.open(box, using: tokenKey, authenticating: Array(accessKeyID.utf8)),
      let grant = try? SessionGrant(bytes: Array(plain), accessKeyID: accessKeyID)
    else { return nil }
    return (grant, secret(accessKeyID: accessKeyID, token))
  }

  /// 30 bytes are 40 characters.
  private func secret(accessKeyID: String, _ token: String) -> String {
    let code = HMAC<SHA256>.authenticationCode(for: Array("\(accessKeyID)\n\(token)".utf8), using: secretKey)
    return Array(code).prefix(30).base64
  }
}

extension SessionGrant {
  private enum Kind: Int { case root, user, role, federated }

  fileprivate var bytes: [UInt8] {
    var w = RowWriter()
    w.instant(issued)
    w.instant(expires)
    w.array(conditionValues.sorted { $0.key < $1.key }) {
      $0.string($1.key)
      $0.strings($1.value)
    }
    switch principal {
    case .root(let account):
      w.int(Kind.root.rawValue)
      w.string(account.text)
    case .user(let account, let name, let path, let id):
      w.int(Kind.user.rawValue)
      for text in [account.text, name, path, id] { w.string(text) }
    case .role(let session):
      w.int(Kind.role.rawValue)
      for text in [session.account.text, session.roleName, session.rolePath, session.roleID, session.sessionName] {
        w.string(text)
      }
      w.strings(session.sessionPolicies)
      w.map(session.sessionTags)
    case .federated(let session):
      w.int(Kind.federated.rawValue)
      w.string(session.account.text)
      w.string(session.name)
      w.optional(session.makerID)
      w.strings(session.sessionPolicies)
      w.map(session.sessionTags)
    case .service, .anonymous: preconditionFailure("sessions are only for roots, users and roles")
    }
    w.int(epoch)
    return w.bytes
  }

  fileprivate init(bytes: [UInt8], accessKeyID: String) throws {
    self.accessKeyID = accessKeyID
    var r = try RowReader(bytes)
    (issued, expires) = (try r.instant(), try r.instant())
    conditionValues = Dictionary(try r.array { (try $0.string(), try $0.strings()) }, uniquingKeysWith: { first, _ in first })
    guard let kind = Kind(rawValue: try r.int()) else { throw StoreError.corrupt("session token") }
    let account = try r.account()
    switch kind {
    case .root: principal = .root(account)
    case .user: principal = .user(account: account, name: try r.string(), path: try r.string(), id: try r.string())
    case .role:
      principal = .role(
        RoleSession(
          account: account, roleName: try r.string(), rolePath: try r.string(), roleID: try r.string(),
          sessionName: try r.string(), sessionPolicies: try r.strings(), sessionTags: try r.map()))
    case .federated:
      principal = .federated(
        FederatedSession(
          account: account, name: try r.string(), makerID: try r.optionalString(), sessionPolicies: try r.strings(),
          sessionTags: try r.map()))
    }
    epoch = try r.ifPresent { try $0.int() } ?? 0
  }
}
