import Base
import Fabric
import Logging
import Store

/// Lambda's resources: functions, versions, aliases, permissions, settings and event source mappings.
///
/// The data plane asks it what to run (`resolve`) and which queues to poll (`mappings`), and learns of changes through
/// `changes` and `mappingNudge`.
final class ControlPlane: Sendable {
  let store: any Store
  let ambient: Ambient
  let packages: PackageStore
  let roles: any RolePort
  let principals: any PrincipalPort
  let authoriser: any Authoriser
  let queues: any QueuePort
  /// Where code may lie.
  let objects: any ObjectPort
  /// By the service in a stream's ARN.
  let streams: [String: any StreamPort]
  let catalog: any RuntimeCatalog

  let resolver: Resolver
  /// Tells the pool which functions changed or went away.
  let changes = FunctionChanges()
  /// Nudged after every change of a mapping, and of a function that a mapping may name.
  let mappingNudge = Nudge()
  /// Nudged when a version may have to be initialised ahead of its first invocation.
  let snapshotNudge = Nudge()
  let activation: Activation
  let imageActivation: Activation
  let logger: Logger
  let collector: PackageCollector
  let links: PackageLinks
  let limits: AccountLimits
  let storage: CodeStorage
  let provisioner: any Provisioner
  /// Nudged after every change that may move what is provisioned.
  let provisionNudge = Nudge()
  let hotReload: HotReload
  let metrics: FunctionMetrics
  /// Whether functions get the code that lies in S3 now (`reload-from-s3`).
  let followsObjects: Bool
  let followed = FollowedObjects()

  init(
    store: any Store, ambient: Ambient, packages: PackageStore, roles: any RolePort, principals: any PrincipalPort,
    authoriser: any Authoriser, queues: any QueuePort, objects: any ObjectPort, streams: [String: any StreamPort] = [:],
    catalog: any RuntimeCatalog,
    provisioner: any Provisioner, hotReload: HotReload, metrics: FunctionMetrics, limits: AccountLimits = AccountLimits(),
    followsObjects: Bool = false, logger: Logger
  ) {
    (self.followsObjects, self.logger) = (followsObjects, logger)
    (self.store, self.ambient, self.packages, self.roles, self.hotReload) = (store, ambient, packages, roles, hotReload)
    self.metrics = metrics
    (self.authoriser, self.queues, self.objects, self.catalog) = (authoriser, queues, objects, catalog)
    (self.principals, self.provisioner, self.limits, self.streams) = (principals, provisioner, limits, streams)
    storage = CodeStorage(store: store, limit: limits.codeStorageBytes)
    resolver = Resolver(store: store, random: ambient.random)
    collector = PackageCollector(store: store, packages: packages)
    links = PackageLinks(ambient)
    let make = { [store, ambient, packages, catalog, resolver, changes, collector, snapshotNudge, provisionNudge] kind in
      Activation(
        kind: kind, store: store, ambient: ambient, packages: packages, catalog: catalog, resolver: resolver, changes: changes,
        collection: collector.nudge, snapshots: snapshotNudge, provisioning: provisionNudge)
    }
    (activation, imageActivation) = (make(.zips), make(.images))
  }

  var workers: [any Worker] { [activation, imageActivation, collector] }

  var operations: [Operation] {
    functionOperations + updateOperations + permissionOperations + concurrencyOperations + tagOperations + accountOperations
      + versionOperations + aliasOperations + eventInvokeOperations + mappingOperations + layerOperations
      + layerPermissionOperations + recursionOperations + managementOperations + urlOperations
      + provisionedOperations + codeSigningOperations + functionSigningOperations
  }

  /// What is to run under a name, from memory where possible.
  /// - Throws: `ResourceNotFoundException` with the text that Invoke uses.
  func resolve(_ id: FunctionID, qualifier: String?) async throws -> ResolvedFunction {
    try await resolve(FunctionName(id: id, qualifier: qualifier))
  }
  func resolve(_ name: FunctionName) async throws -> ResolvedFunction {
    let resolved = try await resolver.resolve(name)
    guard followsObjects, resolved.version.version == FunctionVersion.latest, let object = resolved.version.codeObject,
      await follow(object, resolved.version)
    else { return resolved }
    return try await resolver.resolve(name)
  }

  /// After a commit that changed a function, and before the answer goes out.
  func functionChanged(_ change: FunctionChange) {
    resolver.forget(change.id)
    changes.send(change)
    activation.nudge.nudge()
    imageActivation.nudge.nudge()
    mappingNudge.nudge()
    snapshotNudge.nudge()
    provisionNudge.nudge()
  }
}

extension ControlPlane {
  /// The name as the client wrote it, seen from the call.
  func name(_ text: String, _ qualifier: String?, _ call: Call) throws -> FunctionName {
    try FunctionName(text, qualifier: qualifier, account: call.account, region: call.region)
  }
  func name(_ text: String, _ call: Call) throws -> FunctionName { try name(text, nil, call) }

  /// For operations on a function as a whole.
  func unqualified(_ text: String, _ call: Call) throws -> FunctionID {
    let name = try name(text, call)
    guard name.qualifier == nil || name.qualifier == FunctionVersion.latest else {
      throw LambdaError.invalidParameter("This operation does not accept a function name with a version or alias: \(name.arn)")
    }
    return name.id
  }

  /// Permission for an action on a function, with the policy and the tags that the function itself carries.
  func access(_ action: String, _ text: String, _ qualifier: String?, _ call: Call) async throws -> [Access] {
    let name = try name(text, qualifier, call)
    let (policy, tags) = try await store.read {
      (try PolicyRows($0).policy(name.id, name.qualifier)?.text, try FunctionRows($0).function(name.id)?.tags ?? [:])
    }
    return [Access("lambda:\(action)", on: name.arn, owner: name.id.account, resourcePolicy: policy).having(tags)]
  }

  func access(_ action: String, _ text: String, _ call: Call) async throws -> [Access] {
    try await access(action, text, nil, call)
  }

  /// Permission to hand a role to Lambda. No policy can allow it for the role of another account.
  func passRole(_ role: String, _ call: Call) throws -> [Access] {
    let owner = ARN(role).flatMap { AccountID($0.account) } ?? call.account
    guard owner == call.account else { throw LambdaError.foreignRole() }
    return [
      Access("iam:PassRole", on: role, owner: owner, conditionValues: ["iam:passedtoservice": ["lambda.amazonaws.com"]])
    ]
  }

  /// Checks the `RevisionId` that a caller may send to change only what it has seen.
  static func check(revision: String?, is current: String) throws {
    if let revision, revision != current { throw LambdaError.wrongRevision() }
  }
}

enum FunctionChange: Sendable, Equatable {
  case changed(FunctionID)
  case deleted(FunctionID)

  var id: FunctionID {
    switch self {
    case .changed(let id), .deleted(let id): id
    }
  }
}
