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
    ]
  }

  private func save(
    _ name: FunctionName, _ attempts: Int?, _ age: Int?, _ destination: DestinationConfig?, merging: Bool, _ call: Call
  ) async throws -> FunctionEventInvokeConfig {
    let wanted = try EventInvokeSettings(attempts, age, destination, at: call.now)
    let settings = try await store.transact { tx in
      let rows = FunctionRows(tx)
      _ = try rows.version(name)
      var settings = wanted
      if merging {
        let old = try rows.settings(name.id, name.qualifier).orThrow(LambdaError.noEventInvokeConfig(name.settingsARN))
        settings.maximumRetryAttempts = wanted.maximumRetryAttempts ?? old.maximumRetryAttempts
        settings.maximumEventAge = wanted.maximumEventAge ?? old.maximumEventAge
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
    if destination?.onSuccess?.destination != nil || destination?.onFailure?.destination != nil {
      throw LambdaError.unsupported("DestinationConfig")
    }
    guard attempts != nil || age != nil else {
      throw LambdaError.invalidParameter("You must specify at least one of error handling or destination setting.")
    }
    if let attempts { try LambdaLimits.retryAttempts.check(attempts, at: "maximumRetryAttempts") }
    if let age { try LambdaLimits.eventAgeSeconds.check(age, at: "maximumEventAgeInSeconds") }
    self.init(maximumRetryAttempts: attempts, maximumEventAge: age.map { .seconds($0) }, lastModified: now)
  }
}

extension FunctionEventInvokeConfig {
  fileprivate init(_ settings: EventInvokeSettings, _ name: FunctionName) {
    self.init()
    (lastModified, functionArn) = (settings.lastModified, name.settingsARN)
    maximumRetryAttempts = settings.maximumRetryAttempts
    maximumEventAgeInSeconds = settings.maximumEventAge.map { Int($0.components.seconds) }
    var destinations = DestinationConfig()
    (destinations.onSuccess, destinations.onFailure) = (OnSuccess(), OnFailure())
    destinationConfig = destinations
  }
}
