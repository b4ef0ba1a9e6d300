import Base
import Fabric
import Store

extension ControlPlane {
  var eventInvokeOperations: [Operation] {
    [
      Operation(
        "PutFunctionEventInvokeConfig",
        access: { [self] (i: PutFunctionEventInvokeConfigInput, c) in
          try await access("PutFunctionEventInvokeConfig", i.functionName, i.qualifier, c)
        },
        run: { [self] (i: PutFunctionEventInvokeConfigInput, c) in
          try await save(
            try name(i.functionName, i.qualifier, c), i.maximumRetryAttempts, i.maximumEventAgeInSeconds, i.destinationConfig,
            merging: false, c)
        }),
      Operation(
        "UpdateFunctionEventInvokeConfig",
        access: { [self] (i: UpdateFunctionEventInvokeConfigInput, c) in
          try await access("UpdateFunctionEventInvokeConfig", i.functionName, i.qualifier, c)
        },
        run: { [self] (i: UpdateFunctionEventInvokeConfigInput, c) in
          try await save(
            try name(i.functionName, i.qualifier, c), i.maximumRetryAttempts, i.maximumEventAgeInSeconds, i.destinationConfig,
            merging: true, c)
        }),
      Operation(
        "GetFunctionEventInvokeConfig",
        access: { [self] (i: GetFunctionEventInvokeConfigInput, c) in
          try await access("GetFunctionEventInvokeConfig", i.functionName, i.qualifier, c)
        }, run: getEventInvokeConfig),
      Operation(
        "DeleteFunctionEventInvokeConfig",
        access: { [self] (i: DeleteFunctionEventInvokeConfigInput, c) in
          try await access("DeleteFunctionEventInvokeConfig", i.functionName, i.qualifier, c)
        }, run: deleteEventInvokeConfig),
      Operation(
        "ListFunctionEventInvokeConfigs",
        access: { [self] (i: ListFunctionEventInvokeConfigsInput, c) in
          try await access("ListFunctionEventInvokeConfigs", i.functionName, c)
        }, run: listEventInvokeConfigs),
    ]
  }

  private func save(
    _ name: FunctionName, _ attempts: Int?, _ age: Int?, _ destination: DestinationConfig?, merging: Bool, _ call: Call
  ) async throws -> FunctionEventInvokeConfig {
    let wanted = try EventInvokeSettings(attempts, age, destination, at: call.now)
    try await checkDestinations(wanted, of: name, call)
    let settings = try await store.transact { tx in
      let rows = FunctionRows(tx)
      _ = try rows.version(name)
      var settings = wanted
      if merging {
        let old = try rows.settings(name.id, name.qualifier).orThrow(LambdaError.noEventInvokeConfig(name.settingsARN))
        settings.maximumRetryAttempts = wanted.maximumRetryAttempts ?? old.maximumRetryAttempts
        settings.maximumEventAge = wanted.maximumEventAge ?? old.maximumEventAge
        if destination == nil { (settings.onSuccess, settings.onFailure) = (old.onSuccess, old.onFailure) }
      }
      try FunctionRows.save(settings, of: name.id, name.qualifier, in: tx)
      return settings
    }
    functionChanged(.changed(name.id))
    return FunctionEventInvokeConfig(settings, name)
  }

  private func getEventInvokeConfig(_ input: GetFunctionEventInvokeConfigInput, _ call: Call) async throws
    -> FunctionEventInvokeConfig
  {
    let name = try name(input.functionName, input.qualifier, call)
    let settings = try await store.read { try FunctionRows($0).settings(name.id, name.qualifier) }
    return FunctionEventInvokeConfig(try settings.orThrow(LambdaError.noEventInvokeConfig(name.settingsARN)), name)
  }

  private func listEventInvokeConfigs(_ input: ListFunctionEventInvokeConfigsInput, _ call: Call) async throws
    -> ListFunctionEventInvokeConfigsOutput
  {
    let id = try unqualified(input.functionName, call)
    let limit = try Self.limit(input.maxItems, page: LambdaLimits.listPage)
    let prefix = Keys.settings(id)
    let page = try await store.read { reader in
      _ = try FunctionRows(reader).required(FunctionName(id: id, qualifier: nil))
      return try Marker.page(reader, prefix, after: input.marker, limit: limit) { key, value in
        var key = KeyReader(key, after: prefix)
        let name = FunctionName(id: id, qualifier: try key.string())
        return FunctionEventInvokeConfig(try EventInvokeSettings(row: value), name)
      }
    }
    var output = ListFunctionEventInvokeConfigsOutput()
    (output.nextMarker, output.functionEventInvokeConfigs) = (page.next, page.items)
    return output
  }

  /// What AWS checks of a destination: that it is one, that it is not the function itself, and that the role may use it.
  private func checkDestinations(_ settings: EventInvokeSettings, of name: FunctionName, _ call: Call) async throws {
    for target in [settings.onSuccess, settings.onFailure] {
      guard let target else { continue }
      let version = try await store.read { try FunctionRows($0).version(name).version }
      if target.service == "s3" {
        try await check(bucket: target, "async/\(name.id.name)", for: version, call)
        continue
      }
      var access = ReportTargets.access(to: target, owner: call.account)
      if target.service == "lambda" {
        let function = try FunctionName(target.text, account: call.account, region: call.region)
        guard function.id != name.id else { throw LambdaError.ownDestination() }
        access = try await invocationAccess(function, target)
      } else if target.service == "events" {
        access.action = "events:PutEvents"
      }
      do {
        try await authoriser.authorise(access, as: try await roleCaller(of: version, call), now: call.now)
      } catch let error as AWSError where error.isDenial {
        throw LambdaError.roleCannotReach(access.action, target, cause: error)
      }
    }
  }

  private func invocationAccess(_ function: FunctionName, _ target: ARN) async throws -> Access {
    do {
      let policy = try await resolve(function).policy
      return Access("lambda:InvokeFunction", on: function.arn, owner: function.id.account, resourcePolicy: policy)
    } catch let error as AWSError where error.code == "ResourceNotFoundException" {
      throw LambdaError.badDestination(target.text)
    }
  }

  private func deleteEventInvokeConfig(_ input: DeleteFunctionEventInvokeConfigInput, _ call: Call) async throws {
    let name = try name(input.functionName, input.qualifier, call)
    try await store.transact { tx in
      _ = try FunctionRows(tx).settings(name.id, name.qualifier).orThrow(LambdaError.noEventInvokeConfig(name.settingsARN))
      try tx.delete(Keys.settings(name.id, name.qualifier ?? FunctionVersion.latest))
    }
    functionChanged(.changed(name.id))
  }
}

extension FunctionName {
  /// As this family of operations names its target: always with a qualifier.
  fileprivate var settingsARN: String { "\(id.arn):\(qualifier ?? FunctionVersion.latest)" }
}

extension EventInvokeSettings {
  fileprivate init(_ attempts: Int?, _ age: Int?, _ destination: DestinationConfig?, at now: Instant) throws {
    guard attempts != nil || age != nil || destination != nil else {
      throw LambdaError.invalidParameter("You must specify at least one of error handling or destination setting.")
    }
    if let attempts { try LambdaLimits.retryAttempts.check(attempts, at: "maximumRetryAttempts") }
    if let age { try LambdaLimits.eventAgeSeconds.check(age, at: "maximumEventAgeInSeconds") }
    self.init(
      maximumRetryAttempts: attempts, maximumEventAge: age.map { .seconds($0) }, lastModified: now,
      onSuccess: try Self.target(destination?.onSuccess?.destination, mayBeBucket: false),
      onFailure: try Self.target(destination?.onFailure?.destination, mayBeBucket: true))
  }

  /// Nil for an empty text, by which a destination is taken away.
  private static func target(_ text: String?, mayBeBucket: Bool) throws -> ARN? {
    guard let text, !text.isEmpty else { return nil }
    guard let arn = ARN(text), !arn.resource.isEmpty else { throw LambdaError.badDestination(text) }
    switch arn.service {
    case "sqs", "sns", "lambda", "events": break
    case "s3" where mayBeBucket && arn.isBucket: return arn
    default: throw LambdaError.badDestination(text)
    }
    let kinds = ["lambda": "function:", "events": "event-bus/"]
    guard arn.resource.hasPrefix(kinds[arn.service] ?? ""), AccountID(arn.account) != nil,
      arn.service != "sns" || !arn.resource.hasSuffix(".fifo")
    else {
      throw LambdaError.badDestination(text)
    }
    return arn
  }
}

extension FunctionEventInvokeConfig {
  fileprivate init(_ settings: EventInvokeSettings, _ name: FunctionName) {
    self.init()
    (lastModified, functionArn) = (settings.lastModified, name.settingsARN)
    maximumRetryAttempts = settings.maximumRetryAttempts
    maximumEventAgeInSeconds = settings.maximumEventAge.map { Int($0.components.seconds) }
    var destinations = DestinationConfig()
    var (onSuccess, onFailure) = (OnSuccess(), OnFailure())
    (onSuccess.destination, onFailure.destination) = (settings.onSuccess?.text, settings.onFailure?.text)
    (destinations.onSuccess, destinations.onFailure) = (onSuccess, onFailure)
    destinationConfig = destinations
  }
}
