import Base

/// The members of the API that are refused because nothing here acts on them. Values that ask for nothing pass: tools such
/// as Terraform and CloudFormation send them.
extension FunctionSettings {
  static func refuse(_ input: CreateFunctionInput) throws {
    if input.publishTo != nil { throw LambdaError.unsupported("PublishTo") }
    if input.tenancyConfig != nil { throw LambdaError.unsupported("TenancyConfig") }
    try refuse(architectures: input.architectures)
    try refuse(files: input.fileSystemConfigs, key: input.kmsKeyArn)
    if input.capacityProviderConfig != nil { throw LambdaError.unsupported("CapacityProviderConfig") }
  }

  static func refuse(_ input: UpdateFunctionConfigurationInput) throws {
    try refuse(files: input.fileSystemConfigs, key: input.kmsKeyArn)
    if input.capacityProviderConfig != nil { throw LambdaError.unsupported("CapacityProviderConfig") }
  }

  private static func refuse(files: [FileSystemConfig]?, key: String?) throws {
    if !(files ?? []).isEmpty { throw LambdaError.unsupported("FileSystemConfigs") }
    if !(key ?? "").isEmpty { throw LambdaError.unsupported("KMSKeyArn") }
  }

  static func refuse(architectures: [String]?) throws {
    guard let architectures else { return }
    guard architectures.count == 1, architectures == ["x86_64"] || architectures == ["arm64"] else {
      throw LambdaError.invalidParameter(
        "Value '[\(architectures.joined(separator: ", "))]' at 'architectures' failed to satisfy constraint: "
          + "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]")
    }
  }

  /// A package that comes in the request itself.
  static func zip(file: [UInt8]?) throws -> [UInt8] {
    guard let file else { throw LambdaError.invalidParameter("Please provide a source for function code.") }
    guard !file.isEmpty else { throw LambdaError.badPackage(PackageError.defect("empty file")) }
    guard file.count <= LambdaLimits.zippedBytes else { throw LambdaError.zipTooLarge() }
    return file
  }
}
