import Base
import Fabric
import Store

/// Connections: credentials for API destinations.
extension EventBridgeService {
  var connectionOperations: [Operation] {
    [
      Operation("CreateConnection", access: { [self] (input: CreateConnectionInput, call) in
        [access("CreateConnection", ResourceName(.connection, input.name, call))]
      }, run: createConnection),
      Operation("DescribeConnection", access: { [self] (input: DescribeConnectionInput, call) in
        [access("DescribeConnection", ResourceName(.connection, input.name, call))]
      }, run: describeConnection),
      Operation("UpdateConnection", access: { [self] (input: UpdateConnectionInput, call) in
        [access("UpdateConnection", ResourceName(.connection, input.name, call))]
      }, run: updateConnection),
      Operation("DeleteConnection", access: { [self] (input: DeleteConnectionInput, call) in
        [access("DeleteConnection", ResourceName(.connection, input.name, call))]
      }, run: deleteConnection),
      Operation("DeauthorizeConnection", access: { [self] (input: DeauthorizeConnectionInput, call) in
        [access("DeauthorizeConnection", ResourceName(.connection, input.name, call))]
      }, run: deauthorizeConnection),
      Operation("ListConnections", access: { [self] (_: ListConnectionsInput, call) in
        accessToAll("ListConnections", call)
      }, run: listConnections),
    ]
  }

  private static func refuse(_ connectivity: ConnectivityResourceParameters?, key: String?) throws(AWSError) {
    guard connectivity == nil else {
      throw EventBridgeError.unsupported("InvocationConnectivityParameters", "Dewpoint has no private connections.")
    }
    if let key, !key.isEmpty {
      throw EventBridgeError.unsupported("KmsKeyIdentifier", "Dewpoint seals the secrets of connections with a key of its own.")
    }
  }

  private func createConnection(_ input: CreateConnectionInput, _ call: Call) async throws -> CreateConnectionOutput {
    try Self.refuse(input.invocationConnectivityParameters, key: input.kmsKeyIdentifier)
    guard let kind = Connection.Kind(rawValue: input.authorizationType) else { throw EventBridgeError.invalid(parameter: "AuthorizationType") }
    let secrets = try Connection.Secrets(input.authParameters, kind)
    let now = ambient.now
    let connection = Connection(
      name: ResourceName(.connection, input.name, call), id: ambient.uuid(), secretID: "\(ambient.uuid())-\(ambient.text(6))",
      description: input.description, kind: kind, state: kind == .oauth ? .authorizing : .authorized, created: now, modified: now,
      authorized: kind == .oauth ? nil : now, sealed: try await connections.seal(secrets))
    try await store.transact { tx in
      guard try tx.connection(connection.name) == nil else {
        throw EventBridgeError.exists("Connection \(connection.name.name) already exists.")
      }
      let count = try Keys.connections.list(
        idPrefix: Keys.home(connection.name.account, connection.name.region), limit: EventBridgeLimits.connections, tx).rows.count
      guard count < EventBridgeLimits.connections else { throw EventBridgeError.limit }
      try Keys.connections.put(Keys.id(connection.name), connection, tx)
    }
    authorising.nudge(connection)
    var output = CreateConnectionOutput()
    (output.connectionArn, output.connectionState) = (connection.arn.text, connection.state.rawValue)
    (output.creationTime, output.lastModifiedTime) = (connection.created, connection.modified)
    return output
  }

  private func existing(_ name: ResourceName, to verb: String, _ reader: any Reader) throws -> Connection {
    guard let connection = try reader.connection(name) else { throw EventBridgeError.noConnection(name.name, to: verb) }
    return connection
  }

  private func describeConnection(_ input: DescribeConnectionInput, _ call: Call) async throws -> DescribeConnectionOutput {
    let name = ResourceName(.connection, input.name, call)
    let connection = try await store.read { [self] in try existing(name, to: "describe", $0) }
    var output = DescribeConnectionOutput()
    (output.connectionArn, output.name, output.description) = (connection.arn.text, name.name, connection.description)
    (output.connectionState, output.stateReason) = (connection.state.rawValue, connection.reason)
    (output.authorizationType, output.secretArn) = (connection.kind.rawValue, connection.secretARN.text)
    if !connection.sealed.isEmpty { output.authParameters = try await connections.secretBox().open(connection.sealed).shown }
    (output.creationTime, output.lastModifiedTime) = (connection.created, connection.modified)
    output.lastAuthorizedTime = connection.authorized
    return output
  }

  private func updateConnection(_ input: UpdateConnectionInput, _ call: Call) async throws -> UpdateConnectionOutput {
    try Self.refuse(input.invocationConnectivityParameters, key: input.kmsKeyIdentifier)
    let name = ResourceName(.connection, input.name, call)
    let old = try await store.read { [self] in try existing(name, to: "describe", $0) }
    let kind = input.authorizationType.flatMap(Connection.Kind.init) ?? old.kind
    var sealed = old.sealed
    // A connection that was deauthorised has no secrets left to be changed: it needs all of them anew.
    if !old.sealed.isEmpty {
      let secrets = try await connections.secretBox().open(old.sealed).changed(input.authParameters, to: kind)
      sealed = try await connections.seal(secrets)
    } else if let given = input.authParameters {
      let empty = Connection.Secrets(credentials: kind == .basic ? .apiKey(name: "", value: "") : .basic(user: "", password: ""))
      sealed = try await connections.seal(try empty.changed(given, to: kind))
    }
    let (now, fresh, description, isGiven) = (ambient.now, sealed, input.description, input.authParameters != nil)
    let connection = try await store.transact { [self] tx in
      var connection = try existing(name, to: "describe", tx)
      guard connection.id == old.id, connection.modified == old.modified else {
        throw AWSError("ConcurrentModificationException", "The connection was changed at the same time.", status: 400)
      }
      if let description { connection.description = description }
      (connection.kind, connection.sealed, connection.modified) = (kind, fresh, now)
      if isGiven {
        (connection.state, connection.reason) = (kind == .oauth ? .authorizing : .authorized, nil)
        if kind != .oauth { connection.authorized = now }
      }
      try Keys.connections.put(Keys.id(name), connection, tx)
      return connection
    }
    connections.forget(connection.arn.text)
    authorising.nudge(connection)
    var output = UpdateConnectionOutput()
    (output.connectionArn, output.connectionState) = (connection.arn.text, connection.state.rawValue)
    (output.creationTime, output.lastModifiedTime) = (connection.created, connection.modified)
    output.lastAuthorizedTime = connection.authorized
    return output
  }

  private func deleteConnection(_ input: DeleteConnectionInput, _ call: Call) async throws -> DeleteConnectionOutput {
    let name = ResourceName(.connection, input.name, call)
    let connection = try await store.transact { [self] tx in
      let connection = try existing(name, to: "delete", tx)
      try Keys.connections.delete(Keys.id(name), tx)
      return connection
    }
    connections.forget(connection.arn.text)
    var output = DeleteConnectionOutput()
    (output.connectionArn, output.connectionState) = (connection.arn.text, "DELETING")
    (output.creationTime, output.lastModifiedTime) = (connection.created, connection.modified)
    output.lastAuthorizedTime = connection.authorized
    return output
  }

  /// "Removes all authorization parameters from the connection" (API reference).
  private func deauthorizeConnection(_ input: DeauthorizeConnectionInput, _ call: Call) async throws -> DeauthorizeConnectionOutput {
    let name = ResourceName(.connection, input.name, call)
    let now = ambient.now
    let connection = try await store.transact { [self] tx in
      var connection = try existing(name, to: "deauthorize", tx)
      (connection.state, connection.reason, connection.sealed, connection.modified) = (.deauthorized, nil, [], now)
      try Keys.connections.put(Keys.id(name), connection, tx)
      return connection
    }
    connections.forget(connection.arn.text)
    var output = DeauthorizeConnectionOutput()
    (output.connectionArn, output.connectionState) = (connection.arn.text, "DEAUTHORIZING")
    (output.creationTime, output.lastModifiedTime) = (connection.created, connection.modified)
    output.lastAuthorizedTime = connection.authorized
    return output
  }

  private func listConnections(_ input: ListConnectionsInput, _ call: Call) async throws -> ListConnectionsOutput {
    let (prefix, state) = (input.namePrefix ?? "", input.connectionState)
    let page = try Page(
      limit: input.limit, token: input.nextToken, of: "connections \(call.account) \(call.region) \(prefix) \(state ?? "")")
    let below = Keys.prefix(Keys.home(call.account, call.region), prefix)
    let (rows, token) = try await store.read { reader in
      try page.list(Keys.connections, below: below, reader) { state == nil || $0.state.rawValue == state }
    }
    var output = ListConnectionsOutput()
    output.connections = rows.map { connection in
      var item = EventsConnection()
      (item.connectionArn, item.name, item.connectionState) = (connection.arn.text, connection.name.name, connection.state.rawValue)
      (item.stateReason, item.authorizationType) = (connection.reason, connection.kind.rawValue)
      (item.creationTime, item.lastModifiedTime) = (connection.created, connection.modified)
      item.lastAuthorizedTime = connection.authorized
      return item
    }
    output.nextToken = token
    return output
  }
}
