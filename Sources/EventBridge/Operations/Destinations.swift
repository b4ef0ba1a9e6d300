import Base
import Fabric
import Store

/// API destinations: HTTP endpoints as targets.
extension EventBridgeService {
  var destinationOperations: [Operation] {
    [
      Operation("CreateApiDestination", access: { [self] (input: CreateApiDestinationInput, call) in
        [access("CreateApiDestination", ResourceName(.destination, input.name, call))]
          + connectionAccess("CreateApiDestination", input.connectionArn)
      }, run: createDestination),
      Operation("DescribeApiDestination", access: { [self] (input: DescribeApiDestinationInput, call) in
        [access("DescribeApiDestination", ResourceName(.destination, input.name, call))]
      }, run: describeDestination),
      Operation("UpdateApiDestination", access: { [self] (input: UpdateApiDestinationInput, call) in
        [access("UpdateApiDestination", ResourceName(.destination, input.name, call))]
          + connectionAccess("UpdateApiDestination", input.connectionArn)
      }, run: updateDestination),
      Operation("DeleteApiDestination", access: { [self] (input: DeleteApiDestinationInput, call) in
        [access("DeleteApiDestination", ResourceName(.destination, input.name, call))]
      }, run: deleteDestination),
      Operation("ListApiDestinations", access: { [self] (_: ListApiDestinationsInput, call) in
        accessToAll("ListApiDestinations", call)
      }, run: listDestinations),
    ]
  }

  private func connectionAccess(_ action: String, _ arn: String?) -> [Access] {
    arn.flatMap { ARN($0) }.flatMap { ResourceName($0, .connection) }.map { [access(action, $0)] } ?? []
  }

  /// The connection that an API destination names must be there, and the caller's own.
  private static func connection(_ arn: String, _ account: AccountID, _ reader: any Reader) throws -> Connection {
    guard let connection = try reader.connection(arn), connection.name.account == account else {
      let name = ARN(arn).flatMap { ResourceName($0, .connection) }?.name ?? arn
      throw EventBridgeError.noConnection(name, to: "describe")
    }
    return connection
  }

  private static func state(_ connection: Connection?) -> String { connection?.state == .authorized ? "ACTIVE" : "INACTIVE" }

  private func createDestination(_ input: CreateApiDestinationInput, _ call: Call) async throws -> CreateApiDestinationOutput {
    let now = ambient.now
    let destination = Destination(
      name: ResourceName(.destination, input.name, call), id: ambient.uuid(), description: input.description,
      connection: input.connectionArn, endpoint: try checkedEndpoint(input.invocationEndpoint, "InvocationEndpoint"),
      method: input.httpMethod, rate: input.invocationRateLimitPerSecond ?? EventBridgeLimits.invocationsPerSecond, created: now,
      modified: now)
    let state = try await store.transact { tx in
      guard try tx.destination(destination.name) == nil else {
        throw EventBridgeError.exists("An api-destination '\(destination.name.name)' already exists.")
      }
      let count = try Keys.destinations.list(
        idPrefix: Keys.home(destination.name.account, destination.name.region), limit: EventBridgeLimits.apiDestinations, tx).rows.count
      guard count < EventBridgeLimits.apiDestinations else { throw EventBridgeError.limit }
      let connection = try Self.connection(destination.connection, call.account, tx)
      try Keys.destinations.put(Keys.id(destination.name), destination, tx)
      return Self.state(connection)
    }
    var output = CreateApiDestinationOutput()
    (output.apiDestinationArn, output.apiDestinationState) = (destination.arn.text, state)
    (output.creationTime, output.lastModifiedTime) = (now, now)
    return output
  }

  private func describeDestination(_ input: DescribeApiDestinationInput, _ call: Call) async throws -> DescribeApiDestinationOutput {
    let name = ResourceName(.destination, input.name, call)
    let (destination, state) = try await store.read { reader in
      guard let found = try reader.destination(name) else { throw EventBridgeError.noDestination(name.name, to: "describe") }
      return (found, Self.state(try reader.connection(found.connection)))
    }
    var output = DescribeApiDestinationOutput()
    (output.apiDestinationArn, output.name, output.description) = (destination.arn.text, name.name, destination.description)
    (output.apiDestinationState, output.connectionArn) = (state, destination.connection)
    (output.invocationEndpoint, output.httpMethod) = (destination.endpoint, destination.method)
    output.invocationRateLimitPerSecond = destination.rate
    (output.creationTime, output.lastModifiedTime) = (destination.created, destination.modified)
    return output
  }

  private func updateDestination(_ input: UpdateApiDestinationInput, _ call: Call) async throws -> UpdateApiDestinationOutput {
    let name = ResourceName(.destination, input.name, call)
    let endpoint = try input.invocationEndpoint.map { url throws(AWSError) in try checkedEndpoint(url, "InvocationEndpoint") }
    let now = ambient.now
    let (destination, state) = try await store.transact { tx in
      guard var destination = try tx.destination(name) else { throw EventBridgeError.noDestination(name.name, to: "describe") }
      if let description = input.description { destination.description = description }
      if let arn = input.connectionArn { destination.connection = arn }
      let connection = try Self.connection(destination.connection, call.account, tx)
      if let endpoint { destination.endpoint = endpoint }
      if let method = input.httpMethod { destination.method = method }
      if let rate = input.invocationRateLimitPerSecond { destination.rate = rate }
      destination.modified = now
      try Keys.destinations.put(Keys.id(name), destination, tx)
      return (destination, Self.state(connection))
    }
    var output = UpdateApiDestinationOutput()
    (output.apiDestinationArn, output.apiDestinationState) = (destination.arn.text, state)
    (output.creationTime, output.lastModifiedTime) = (destination.created, now)
    return output
  }

  private func deleteDestination(_ input: DeleteApiDestinationInput, _ call: Call) async throws -> DeleteApiDestinationOutput {
    let name = ResourceName(.destination, input.name, call)
    try await store.transact { tx in
      guard try Keys.destinations.delete(Keys.id(name), tx) != nil else {
        throw EventBridgeError.noDestination(name.name, to: "delete")
      }
    }
    return DeleteApiDestinationOutput()
  }

  private func listDestinations(_ input: ListApiDestinationsInput, _ call: Call) async throws -> ListApiDestinationsOutput {
    let (prefix, wanted) = (input.namePrefix ?? "", input.connectionArn)
    let page = try Page(
      limit: input.limit, token: input.nextToken, of: "destinations \(call.account) \(call.region) \(prefix) \(wanted ?? "")")
    let below = Keys.prefix(Keys.home(call.account, call.region), prefix)
    let (rows, token) = try await store.read { reader -> ([(Destination, String)], String?) in
      let (rows, token) = try page.list(Keys.destinations, below: below, reader) { wanted == nil || $0.connection == wanted }
      return (try rows.map { ($0, Self.state(try reader.connection($0.connection))) }, token)
    }
    var output = ListApiDestinationsOutput()
    output.apiDestinations = rows.map { destination, state in
      var item = ApiDestination()
      (item.apiDestinationArn, item.name, item.apiDestinationState) = (destination.arn.text, destination.name.name, state)
      (item.connectionArn, item.invocationEndpoint, item.httpMethod) = (destination.connection, destination.endpoint, destination.method)
      item.invocationRateLimitPerSecond = destination.rate
      (item.creationTime, item.lastModifiedTime) = (destination.created, destination.modified)
      return item
    }
    output.nextToken = token
    return output
  }
}
