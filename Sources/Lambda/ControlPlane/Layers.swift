import Base
import Fabric
import Store

extension ControlPlane {
  var layerOperations: [Operation] {
    [
      Operation(
        "PublishLayerVersion",
        access: { (i: PublishLayerVersionInput, c) in
          let id = try LayerID(i.layerName, account: c.account, region: c.region)
          return [Access("lambda:PublishLayerVersion", on: id.arn.text, owner: id.account)]
        }, run: publishLayerVersion),
      Operation(
        "ListLayers", access: { (_: ListLayersInput, c) in [Access("lambda:ListLayers", owner: c.account)] }, run: listLayers),
      Operation(
        "ListLayerVersions",
        access: { (_: ListLayerVersionsInput, c) in [Access("lambda:ListLayerVersions", owner: c.account)] },
        run: listLayerVersions),
      Operation(
        "GetLayerVersion",
        access: { [self] (i: GetLayerVersionInput, c) in
          try await layerAccess("GetLayerVersion", LayerID(i.layerName, account: c.account, region: c.region), i.versionNumber)
        },
        run: { [self] (i: GetLayerVersionInput, c) in
          try await layerVersion(LayerID(i.layerName, account: c.account, region: c.region), i.versionNumber, c)
        }),
      Operation(
        "GetLayerVersionByArn",
        access: { [self] (i: GetLayerVersionByArnInput, c) in
          let (id, number) = try Self.layerVersionName(i.arn)
          return try await layerAccess("GetLayerVersion", id, number)
        },
        run: { [self] (i: GetLayerVersionByArnInput, c) in
          let (id, number) = try Self.layerVersionName(i.arn)
          guard id.region == c.region else { throw LambdaError.noSuchResource() }
          return try await layerVersion(id, number, c)
        }),
      Operation(
        "DeleteLayerVersion",
        access: { [self] (i: DeleteLayerVersionInput, c) in
          try await layerAccess("DeleteLayerVersion", LayerID(i.layerName, account: c.account, region: c.region), i.versionNumber)
        }, run: deleteLayerVersion),
    ]
  }

  /// Permission on a version of a layer, with the policy that it carries.
  func layerAccess(_ action: String, _ id: LayerID, _ number: Int) async throws -> [Access] {
    guard number >= 1 else { throw LambdaError.badLayerNumber() }
    let policy = try await store.read { try PolicyRows($0).policy(at: Keys.layerPolicy(id, number))?.text }
    return [Access("lambda:\(action)", on: id.arn(number), owner: id.account, resourcePolicy: policy)]
  }

  /// A function may have only layers that whoever configures it may get.
  func layersAccess(_ arns: [String]?) async throws -> [Access] {
    var access: [Access] = []
    // What is malformed is refused by the operation itself.
    for entry in (try? LayerList(arns ?? []))?.entries ?? [] {
      access += try await layerAccess("GetLayerVersion", entry.id, max(1, entry.number))
    }
    return access
  }

  private static func layerVersionName(_ arn: String) throws -> (LayerID, Int) {
    guard case let (id, number?)? = LayerID.parse(arn) else {
      throw LambdaError.constraint(
        arn, at: "arn",
        #"satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:"#
          + "layer:[a-zA-Z0-9-_]+:[0-9]+")
    }
    return (id, number)
  }

  private func publishLayerVersion(_ input: PublishLayerVersionInput, _ call: Call) async throws -> PublishLayerVersionOutput {
    let id = try LayerID(input.layerName, account: call.account, region: call.region)
    guard id.account == call.account else { throw LambdaError.badLayerName(input.layerName) }
    let runtimes = input.compatibleRuntimes ?? []
    guard runtimes.allSatisfy(RuntimeNames.isKnown) else {
      throw LambdaError.badCompatibleRuntimes(runtimes)
    }
    let content = input.content
    let zip = try await zip(
      file: content.zipFile, bucket: content.s3Bucket, key: content.s3Key, version: content.s3ObjectVersion, kms: nil, call)
    try await storage.admit(zip.count, id.account, id.region)
    let package = try await packages.add(zip: zip)
    defer { packages.release(package.hash) }
    let version = try await keepingPackage(package.hash, at: call.now) { tx in
      let version = LayerVersion(
        layer: id, number: try LayerRows(tx).lastNumber(id) + 1, description: input.description ?? "", license: input.licenseInfo,
        runtimes: runtimes, architectures: input.compatibleArchitectures ?? [], codeHash: package.hash, codeSize: package.size,
        unzippedSize: package.unzipped, created: call.now)
      try LayerRows.add(version, in: tx)
      return version
    }
    return PublishLayerVersionOutput(version, location: call.endpoint + links.link(version.codeHash))
  }

  private func layerVersion(_ id: LayerID, _ number: Int, _ call: Call) async throws -> GetLayerVersionResponse {
    guard number >= 1 else { throw LambdaError.badLayerNumber() }
    let version = try await store.read { try LayerRows($0).version(id, number) }.orThrow(LambdaError.noSuchResource())
    return GetLayerVersionResponse(version, location: call.endpoint + links.link(version.codeHash))
  }

  /// The runtime that lists ask for. Throws `ValidationException` for one that there has never been.
  private static func compatible(_ runtime: String?) throws -> String? {
    if let runtime, !RuntimeNames.isKnown(runtime) { throw LambdaError.badCompatibleRuntime(runtime) }
    return runtime
  }

  private func listLayers(_ input: ListLayersInput, _ call: Call) async throws -> ListLayersOutput {
    let limit = try Self.limit(input.maxItems, page: LambdaLimits.listPage)
    let runtime = try Self.compatible(input.compatibleRuntime)
    let page = try await store.read { reader in
      try LayerRows(reader).layers(call.account, call.region, after: input.marker, limit: limit) {
        $0.isMade(for: runtime, input.compatibleArchitecture)
      }
    }
    var output = ListLayersOutput()
    output.nextMarker = page.next
    output.layers = page.items.map { version in
      var item = LayersListItem()
      (item.layerName, item.layerArn) = (version.layer.name, version.layer.arn.text)
      item.latestMatchingVersion = LayerVersionsListItem(version)
      return item
    }
    return output
  }

  private func listLayerVersions(_ input: ListLayerVersionsInput, _ call: Call) async throws -> ListLayerVersionsOutput {
    let id = try LayerID(input.layerName, account: call.account, region: call.region)
    let limit = try Self.limit(input.maxItems, page: LambdaLimits.listPage)
    let runtime = try Self.compatible(input.compatibleRuntime)
    // A list says nothing of the layers of others, whatever single versions they share.
    guard id.account == call.account else { throw LambdaError.noSuchResource() }
    let page = try await store.read { reader in
      try LayerRows(reader).versions(id, after: input.marker, limit: limit) {
        $0.isMade(for: runtime, input.compatibleArchitecture)
      }
    }
    var output = ListLayerVersionsOutput()
    output.nextMarker = page.next
    output.layerVersions = page.items.map { LayerVersionsListItem($0) }
    return output
  }

  /// Deleting a version that is not there is no error on AWS.
  private func deleteLayerVersion(_ input: DeleteLayerVersionInput, _ call: Call) async throws {
    let id = try LayerID(input.layerName, account: call.account, region: call.region)
    try await store.transact { tx in
      guard let version = try LayerRows(tx).version(id, input.versionNumber) else { return }
      try LayerRows.delete(version, in: tx, at: call.now)
    }
    collector.nudge.nudge()
  }

  /// Finds the layers that a function is to have.
  /// - Throws: `InvalidParameterValueException` for one that is not there.
  func layers(_ list: LayerList, _ region: Region) async throws -> [LayerReference] {
    try await store.read { reader in
      try list.entries.map { entry in
        guard entry.id.region == region else { throw LambdaError.otherLayerRegion(region) }
        guard let version = try LayerRows(reader).version(entry.id, entry.number) else {
          throw LambdaError.noLayerVersion(entry.arn)
        }
        return version.reference
      }
    }
  }
}

extension LayerVersionContentOutput {
  fileprivate init(_ version: LayerVersion, _ location: String) {
    self.init()
    (self.location, codeSha256) = (location, (decodeHex(version.codeHash) ?? []).base64)
    codeSize = version.codeSize
  }
}

/// What every answer says of a version of a layer.
private protocol LayerVersionShape {
  var layerVersionArn: String? { get set }
  var version: Int? { get set }
  var description: String? { get set }
  var licenseInfo: String? { get set }
  var createdDate: String? { get set }
  var compatibleRuntimes: [String]? { get set }
  var compatibleArchitectures: [String]? { get set }
}
extension PublishLayerVersionOutput: LayerVersionShape {}
extension GetLayerVersionResponse: LayerVersionShape {}
extension LayerVersionsListItem: LayerVersionShape {}

extension LayerVersionShape {
  fileprivate mutating func describe(_ version: LayerVersion) {
    (layerVersionArn, self.version, description) = (version.arn, version.number, version.description)
    (licenseInfo, createdDate) = (version.license, version.created.lambdaTimestamp)
    if !version.runtimes.isEmpty { compatibleRuntimes = version.runtimes }
    if !version.architectures.isEmpty { compatibleArchitectures = version.architectures }
  }
}

extension PublishLayerVersionOutput {
  fileprivate init(_ version: LayerVersion, location: String) {
    self.init()
    (content, layerArn) = (LayerVersionContentOutput(version, location), version.layer.arn.text)
    describe(version)
  }
}

extension GetLayerVersionResponse {
  fileprivate init(_ version: LayerVersion, location: String) {
    self.init()
    (content, layerArn) = (LayerVersionContentOutput(version, location), version.layer.arn.text)
    describe(version)
  }
}

extension LayerVersionsListItem {
  fileprivate init(_ version: LayerVersion) {
    self.init()
    describe(version)
  }
}
