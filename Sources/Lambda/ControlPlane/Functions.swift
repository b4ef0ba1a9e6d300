import Base
import Fabric
import Store

extension ControlPlane {
  var functionOperations: [Operation] {
    [
      Operation(
        "CreateFunction",
        access: { [self] (i: CreateFunctionInput, c) in
          try await access("CreateFunction", i.functionName, c).map { $0.bringing(i.tags) } + passRole(i.role, c)
            + layersAccess(i.layers)
        }, run: createFunction),
      Operation(
        "GetFunction",
        access: { [self] (i: GetFunctionInput, c) in try await access("GetFunction", i.functionName, i.qualifier, c) },
        run: getFunction),
      Operation(
        "GetFunctionConfiguration",
        access: { [self] (i: GetFunctionConfigurationInput, c) in
          try await access("GetFunctionConfiguration", i.functionName, i.qualifier, c)
        }, run: getFunctionConfiguration),
      Operation(
        "ListFunctions", access: { (_: ListFunctionsInput, c) in [Access("lambda:ListFunctions", owner: c.account)] },
        run: listFunctions),
      Operation(
        "DeleteFunction",
        access: { [self] (i: DeleteFunctionInput, c) in try await access("DeleteFunction", i.functionName, i.qualifier, c) },
        run: deleteFunction),
    ]
  }

  private func createFunction(_ input: CreateFunctionInput, _ call: Call) async throws -> FunctionConfiguration {
    let id = try unqualified(input.functionName, call)
    let settings = try FunctionSettings(input)
    let code = try await code(input, call)
    var version = try FunctionVersion(
      creating: id, settings, isImage: input.packageType == "Image", architecture: input.architectures?.first,
      revisionID: ambient.uuid(), at: call.now)
    let tags = try Tags.checked(input.tags ?? [:])
    guard try await store.read({ try FunctionRows($0).function(id) }) == nil else { throw LambdaError.functionExists(id) }
    try await check(version, settings, call)
    let signing = try await self.signing(input, id)
    if let layers = settings.layers { version.layers = try await self.layers(layers, call.region) }
    try await storage.admit((input.publish == true ? 2 : 1) * code.storedBytes, id.account, id.region)
    let added = try await use(code, in: &version)
    defer { if let added { packages.release(added) } }
    try version.checkSize()
    var function = StoredFunction(latest: version, tags: tags)
    function.codeSigning = signing?.id
    if input.publish == true { try function.beginPublishing() }
    try await save(new: function, at: call.now)
    functionChanged(.changed(id))
    return FunctionConfiguration(function.published ?? version)
  }

  private func save(new function: StoredFunction, at now: Instant) async throws {
    try await keeping(function.latest.packages, at: now) { tx in
      guard try FunctionRows(tx).function(function.id) == nil else { throw LambdaError.functionExists(function.id) }
      // It may have been deleted meanwhile.
      if let signing = function.codeSigningID { _ = try Self.requiredSigning(signing.arn, function.id, tx) }
      try FunctionRows.save(function, replacing: nil, in: tx, at: now)
      if let version = function.published { try FunctionRows.save(version, number: 1, in: tx) }
    }
  }

  /// Runs a transaction that names a package which was just added; when it fails, the package may be garbage.
  func keepingPackage<T: Sendable>(
    _ hash: String, at now: Instant, _ body: @escaping @Sendable (any Transaction) throws -> T
  ) async throws -> T {
    try await keeping([hash], at: now, body)
  }

  func keeping<T: Sendable>(
    _ hashes: Set<String>, at now: Instant, _ body: @escaping @Sendable (any Transaction) throws -> T
  ) async throws -> T {
    do {
      return try await store.transact(body)
    } catch {
      if !hashes.isEmpty {
        try await store.transact { tx in for hash in hashes { try PackageRows.markIfUnused(hash, in: tx, at: now) } }
        collector.nudge.nudge()
      }
      throw error
    }
  }

  private func getFunction(_ input: GetFunctionInput, _ call: Call) async throws -> GetFunctionOutput {
    let name = try name(input.functionName, input.qualifier, call)
    let (function, version) = try await store.read { reader in
      let rows = FunctionRows(reader)
      return (try rows.required(name), try rows.version(name).version)
    }
    var output = GetFunctionOutput()
    output.configuration = FunctionConfiguration(version, arn: name.arn)
    var code = FunctionCodeLocation()
    if let image = version.image {
      (code.repositoryType, code.imageUri) = ("ECR", image.uri)
      code.resolvedImageUri = ImageReference.resolved(image.uri, digest: version.codeHash)
    } else {
      let place = version.hotReloadDirectory.map { "file://" + percentEncoded($0, keepSlash: true) }
      (code.repositoryType, code.location) = ("S3", place ?? call.endpoint + links.link(version.codeHash))
    }
    output.code = code
    if !function.tags.isEmpty { output.tags = function.tags }
    if let reserved = function.reservedConcurrency {
      var concurrency = LambdaConcurrency()
      concurrency.reservedConcurrentExecutions = reserved
      output.concurrency = concurrency
    }
    return output
  }

  private func getFunctionConfiguration(_ input: GetFunctionConfigurationInput, _ call: Call) async throws
    -> FunctionConfiguration
  {
    let name = try name(input.functionName, input.qualifier, call)
    return FunctionConfiguration(try await store.read { try FunctionRows($0).version(name).version }, arn: name.arn)
  }

  private func listFunctions(_ input: ListFunctionsInput, _ call: Call) async throws -> ListFunctionsOutput {
    if input.masterRegion != nil { throw LambdaError.unsupported("MasterRegion") }
    if let version = input.functionVersion, version != "ALL" {
      throw LambdaError.constraint(version, at: "functionVersion", "satisfy enum value set: [ALL]")
    }
    let limit = try Self.limit(input.maxItems, page: LambdaLimits.listPage)
    let withVersions = input.functionVersion == "ALL"
    let (page, versions) = try await store.read { reader in
      let rows = FunctionRows(reader)
      let page = try rows.page(call.account, call.region, after: input.marker, limit: limit)
      return (page, withVersions ? try page.items.map { try rows.versions($0.id) } : [])
    }
    var output = ListFunctionsOutput()
    output.nextMarker = page.next
    output.functions = page.items.enumerated().flatMap { place, function in
      [FunctionConfiguration(function.latest, arn: withVersions ? function.latest.qualifiedARN : nil, showsState: false)]
        + (withVersions ? versions[place].map { FunctionConfiguration($0, showsState: false) } : [])
    }
    return output
  }

  /// - Returns: how many items a page may hold.
  static func limit(_ asked: Int?, page: Int) throws -> Int {
    guard let asked else { return page }
    try LambdaLimits.listItems.check(asked, at: "maxItems")
    return min(asked, page)
  }

  private func deleteFunction(_ input: DeleteFunctionInput, _ call: Call) async throws -> DeleteFunctionOutput {
    let name = try name(input.functionName, input.qualifier, call)
    if name.qualifier == FunctionVersion.latest {
      throw LambdaError.invalidParameter("$LATEST version cannot be deleted without deleting the function.")
    }
    if let qualifier = name.qualifier {
      try await deleteVersion(name, qualifier, call)
    } else {
      try await store.transact { tx in
        try FunctionRows.delete(try FunctionRows(tx).required(name), in: tx, at: call.now)
      }
    }
    functionChanged(name.qualifier == nil ? .deleted(name.id) : .changed(name.id))
    collector.nudge.nudge()
    var output = DeleteFunctionOutput()
    output.statusCode = 204
    return output
  }

  private func deleteVersion(_ name: FunctionName, _ qualifier: String, _ call: Call) async throws {
    guard let number = Int(qualifier) else {
      throw LambdaError.invalidParameter("Deletion of aliases is not currently supported.")
    }
    try await store.transact { tx in
      let rows = FunctionRows(tx)
      _ = try rows.required(name)
      guard let version = try rows.version(name.id, number) else { return }  // AWS answers success for one that is not there
      let aliases = try rows.aliases(name.id).filter { $0.pointsAt(qualifier) }.map(\.name)
      guard aliases.isEmpty else {
        throw LambdaError.conflict(
          "Version(s) (\(qualifier)) are currently used by the following aliases: (\(aliases.joined(separator: ", "))). "
            + "Please update the aliases before deleting the version.")
      }
      try FunctionRows.deleteVersion(version, number: number, in: tx, at: call.now)
    }
  }
}

extension StoredFunction {
  /// The version that is published together with the change that is under way.
  var published: FunctionVersion? {
    guard let number = versionInProgress else { return nil }
    var version = latest
    version.version = String(number)
    return version
  }
}

extension FunctionVersion {
  /// A new function with the defaults of the API.
  init(
    creating id: FunctionID, _ settings: FunctionSettings, isImage: Bool = false, architecture: String?, revisionID: String, at now: Instant
  ) throws {
    guard let runtime = settings.runtime ?? (isImage ? "" : nil), let handler = settings.handler ?? (isImage ? "" : nil),
      let role = settings.role
    else {
      throw LambdaError.invalidParameter(
        "Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    }
    self.init(
      id: id, version: Self.latest, description: "", runtime: runtime, handler: handler, role: role, environment: [:],
      timeout: .seconds(LambdaLimits.defaultTimeoutSeconds), memoryMegabytes: LambdaLimits.defaultMemoryMegabytes,
      ephemeralStorageMegabytes: LambdaLimits.defaultEphemeralStorageMegabytes, architecture: architecture ?? "x86_64",
      codeHash: "", codeSize: 0, logFormat: .text, logGroup: "/aws/lambda/\(id.name)", tracing: .passThrough,
      deadLetterTarget: nil, state: .pending, updateStatus: .successful, lastModified: now, revisionID: revisionID)
    // The image itself comes when it has been looked up.
    if isImage { image = ImageSource(uri: "", settings: ContainerSettings(), environment: [:]) }
    if let durable = settings.durable { try makeDurable(durable) }
    try apply(settings)
  }

  /// Only creation can. Such a function may take longer unless it is told otherwise, and logs in JSON.
  private mutating func makeDurable(_ settings: FunctionSettings.Durable) throws {
    guard let timeout = settings.executionTimeout else { throw LambdaError.durableWithoutTimeout() }
    durable = DurableSettings(
      executionTimeout: timeout, retentionDays: settings.retentionDays ?? DurableLimits.defaultRetentionDays)
    self.timeout = .seconds(min(timeout, LambdaLimits.timeoutSeconds.upperBound))
    (logFormat, applicationLogLevel, systemLogLevel) = (.json, "INFO", "INFO")
  }

  /// Takes over what was given.
  mutating func apply(_ settings: FunctionSettings) throws {
    try settings.check(for: self)
    if let overrides = settings.image { image?.overrides = overrides }
    try checkImageSettings()
    runtime = settings.runtime ?? runtime
    handler = settings.handler ?? handler
    role = settings.role ?? role
    description = settings.description ?? description
    timeout = settings.timeout ?? timeout
    memoryMegabytes = settings.memoryMegabytes ?? memoryMegabytes
    environment = settings.environment ?? environment
    ephemeralStorageMegabytes = settings.ephemeralStorageMegabytes ?? ephemeralStorageMegabytes
    tracing = settings.tracing ?? tracing
    if let target = settings.deadLetterTarget { deadLetterTarget = target }
    if let logging = settings.logging { try apply(logging) }
    if let change = settings.durable {
      guard let before = durable else { throw LambdaError.durableAddedLater() }
      durable = DurableSettings(
        executionTimeout: change.executionTimeout ?? before.executionTimeout,
        retentionDays: change.retentionDays ?? before.retentionDays)
    }
    if durable != nil, logFormat == .text { throw LambdaError.durableTextLogs() }
    hasSnapStart = settings.hasSnapStart ?? hasSnapStart
    // One who sends empty lists for a function that never was in a VPC asks for nothing.
    if let given = settings.vpc, given.isAttached || vpc != nil { vpc = given }
    if hasSnapStart { try checkSnapStart() }
  }

  /// AWS: "Supported features and limitations" of SnapStart.
  private func checkSnapStart() throws {
    guard image == nil else { throw LambdaError.noSnapStart("ContainerImage") }
    let isOld = ["python3.9", "python3.10", "python3.11", "java8.al2"].contains(runtime)
    guard !isOld, ["python", "java", "dotnet"].contains(where: runtime.hasPrefix) else { throw LambdaError.noSnapStart(runtime) }
    guard ephemeralStorageMegabytes == LambdaLimits.defaultEphemeralStorageMegabytes else {
      throw LambdaError.invalidParameter("EphemeralStorage is not supported for SnapStart enabled functions.")
    }
  }

  /// Code and layers share one limit.
  func checkSize() throws {
    let size = layers.reduce(unzippedSize) { $0 + $1.unzippedSize }
    guard size <= LambdaLimits.unzippedBytes else { throw LambdaError.layersTooLarge(size) }
  }

  private mutating func apply(_ logging: FunctionSettings.Logging) throws {
    logFormat = logging.format ?? logFormat
    if let group = logging.group { logGroup = group.isEmpty ? "/aws/lambda/\(id.name)" : group }
    switch logFormat {
    case .text:
      guard logging.applicationLevel == nil, logging.systemLevel == nil else {
        throw LambdaError.invalidParameter("To use ApplicationLogLevel or SystemLogLevel, you must set LogFormat to JSON.")
      }
      (applicationLogLevel, systemLogLevel) = (nil, nil)
    case .json:
      applicationLogLevel = logging.applicationLevel ?? applicationLogLevel ?? "INFO"
      systemLogLevel = logging.systemLevel ?? systemLogLevel ?? "INFO"
    }
  }
}
