import Base

extension FunctionSettings {
  /// The URI of the image that a new function is made of; nil for a package.
  static func image(_ input: CreateFunctionInput) throws -> String? {
    if let type = input.packageType, !["Zip", "Image"].contains(type) {
      throw LambdaError.constraint(type, at: "packageType", "satisfy enum value set: [Zip, Image]")
    }
    let code = input.code
    guard input.packageType == "Image" else {
      if let config = input.imageConfig, try !ContainerSettings(config).isEmpty { throw LambdaError.imageConfigOfZip() }
      // Alone, an image is no source of such a function; AWS asks for one then.
      guard code.imageUri == nil || code.zipFile == nil && code.s3Bucket == nil else { throw LambdaError.severalSources() }
      return nil
    }
    guard input.runtime == nil, input.handler == nil, (input.layers ?? []).isEmpty else { throw LambdaError.handlerOfImage() }
    guard let uri = code.imageUri, code.zipFile == nil, code.s3Bucket == nil, code.s3Key == nil else {
      throw LambdaError.noImageURI("creating")
    }
    return uri
  }

  /// New code for a function, which stays what it is; nil for a package.
  static func image(_ input: UpdateFunctionCodeInput, for function: FunctionVersion) throws -> String? {
    guard function.image != nil else {
      guard input.imageUri == nil else { throw LambdaError.imageURIOfZip() }
      return nil
    }
    guard let uri = input.imageUri, input.zipFile == nil, input.s3Bucket == nil, input.s3Key == nil else {
      throw LambdaError.noImageURI("updating")
    }
    return uri
  }

  /// What can be said of one kind of function only.
  func check(for function: FunctionVersion) throws {
    if function.image == nil {
      if let image, !image.isEmpty { throw LambdaError.imageConfigOfZip() }
    } else {
      guard runtime == nil, handler == nil, layers?.entries.isEmpty ?? true else { throw LambdaError.handlerOfImage() }
    }
  }
}

extension ContainerSettings {
  /// - Throws: `InvalidParameterValueException` for what no process can be given.
  init(_ config: ImageConfig) throws {
    // Without anything in it, a list or a text says nothing.
    self.init(
      entryPoint: (config.entryPoint ?? []).isEmpty ? nil : config.entryPoint,
      command: (config.command ?? []).isEmpty ? nil : config.command,
      workingDirectory: (config.workingDirectory ?? "").isEmpty ? nil : config.workingDirectory)
    let texts = (entryPoint ?? []) + (command ?? []) + [workingDirectory ?? ""]
    guard !texts.contains(where: { $0.utf8.contains(0) }) else {
      throw LambdaError.invalidParameter("ImageConfig contains a NUL character.")
    }
  }
}

extension FunctionVersion {
  /// AWS: "Container image settings size", 16 KB.
  func checkImageSettings() throws {
    guard let image else { return }
    let size = image.overrides.over(image.settings).byteCount
      + image.environment.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 2 }
    guard size <= LambdaLimits.imageSettingsBytes else { throw LambdaError.imageSettingsTooLarge(size) }
  }
}
