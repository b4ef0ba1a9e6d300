import Base
import Crypto
import Store
import FoundationEssentials

extension Connection {
  var row: [UInt8] {
    var row = RowWriter()
    row.home(name.account, name.region)
    row.string(name.name)
    row.string(id)
    row.string(secretID)
    row.optional(description)
    row.string(kind.rawValue)
    row.string(state.rawValue)
    row.optional(reason)
    row.instant(created)
    row.instant(modified)
    row.optional(authorized)
    row.blob(sealed)
    return row.bytes
  }

  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    let (account, region) = try row.home()
    self.init(
      name: ResourceName(.connection, try row.string(), account, region), id: try row.string(), secretID: try row.string(),
      description: try row.optionalString(), kind: Kind(rawValue: try row.string()) ?? .basic,
      state: State(rawValue: try row.string()) ?? .deauthorized, reason: try row.optionalString(), created: try row.instant(),
      modified: try row.instant(), authorized: try row.optionalInstant(), sealed: try row.blob())
  }
}

extension Destination {
  var row: [UInt8] {
    var row = RowWriter()
    row.home(name.account, name.region)
    row.string(name.name)
    row.string(id)
    row.optional(description)
    row.string(connection)
    row.string(endpoint)
    row.string(method)
    row.int(rate)
    row.instant(created)
    row.instant(modified)
    return row.bytes
  }

  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    let (account, region) = try row.home()
    self.init(
      name: ResourceName(.destination, try row.string(), account, region), id: try row.string(),
      description: try row.optionalString(), connection: try row.string(), endpoint: try row.string(), method: try row.string(),
      rate: try row.int(), created: try row.instant(), modified: try row.instant())
  }
}

extension Connection.Secrets {
  fileprivate var row: [UInt8] {
    var row = RowWriter()
    switch credentials {
    case .basic(let user, let password):
      row.int(0)
      row.strings([user, password])
    case .apiKey(let name, let value):
      row.int(1)
      row.strings([name, value])
    case .oauth(let oauth):
      row.int(2)
      row.strings([oauth.endpoint, oauth.method, oauth.clientID, oauth.clientSecret])
      row.optional(oauth.parameters) { $0.parameters($1) }
    }
    row.optional(parameters) { $0.parameters($1) }
    return row.bytes
  }

  fileprivate init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    let kind = try row.int()
    let texts = try row.strings()
    switch (kind, texts.count) {
    case (0, 2): credentials = .basic(user: texts[0], password: texts[1])
    case (1, 2): credentials = .apiKey(name: texts[0], value: texts[1])
    case (2, 4):
      credentials = .oauth(
        Connection.OAuth(
          endpoint: texts[0], method: texts[1], clientID: texts[2], clientSecret: texts[3],
          parameters: try row.optional { try $0.parameters() }))
    default: throw StoreError.corrupt("secrets of a connection")
    }
    parameters = try row.optional { try $0.parameters() }
  }
}

extension RowWriter {
  fileprivate mutating func parameters(_ parameters: Connection.Parameters) {
    for list in [parameters.headers, parameters.query, parameters.body] {
      array(list) { row, parameter in
        row.string(parameter.key)
        row.string(parameter.value)
        row.bool(parameter.isSecret)
      }
    }
  }
}
extension RowReader {
  fileprivate mutating func parameters() throws -> Connection.Parameters {
    func list(_ row: inout RowReader) throws -> [Connection.Parameter] {
      try row.array { Connection.Parameter(key: try $0.string(), value: try $0.string(), isSecret: try $0.bool()) }
    }
    return Connection.Parameters(headers: try list(&self), query: try list(&self), body: try list(&self))
  }
}

/// Seals the secrets of connections (AES-GCM), so that no row, no log and no snapshot shows them as text.
struct SecretBox: Sendable {
  private let key: SymmetricKey
  init(serverKey: [UInt8]) { key = SymmetricKey(data: serverKey) }

  /// - Parameter nonce: 12 random bytes.
  func seal(_ secrets: Connection.Secrets, nonce: [UInt8]) throws -> [UInt8] {
    let box = try AES.GCM.seal(secrets.row, using: key, nonce: try AES.GCM.Nonce(data: nonce))
    return nonce + Array(box.ciphertext) + Array(box.tag)
  }

  func open(_ sealed: [UInt8]) throws -> Connection.Secrets {
    guard sealed.count >= 28 else { throw StoreError.corrupt("sealed secrets") }
    let box = try AES.GCM.SealedBox(
      nonce: try AES.GCM.Nonce(data: sealed.prefix(12)), ciphertext: sealed.dropFirst(12).dropLast(16), tag: sealed.suffix(16))
    return try Connection.Secrets(row: Array(try AES.GCM.open(box, using: key)))
  }
}

extension Reader {
  func connection(_ name: ResourceName) throws -> Connection? { try Keys.connections.get(Keys.id(name), self) }
  func destination(_ name: ResourceName) throws -> Destination? { try Keys.destinations.get(Keys.id(name), self) }
  /// The connection that an ARN names, id included.
  func connection(_ arn: String) throws -> Connection? {
    guard let name = ARN(arn).flatMap({ ResourceName($0, .connection) }), let found = try connection(name), found.arn.text == arn
    else { return nil }
    return found
  }
  /// The API destination that an ARN names, id included.
  func destination(_ arn: String) throws -> Destination? {
    guard let name = ARN(arn).flatMap({ ResourceName($0, .destination) }), let found = try destination(name), found.arn.text == arn
    else { return nil }
    return found
  }
}
