import Base
import Fabric

/// Where the code of a function comes from, as a request names it.
enum CodeSource: Sendable {
  /// - from: the object that it is; nil when the request brought it, or named a version.
  case zip([UInt8], from: ObjectName?)
  /// A directory of this host.
  case hotReload(String)
  /// The URI of a container image.
  case image(String)

  /// What it takes of the code storage of the account.
  var storedBytes: Int { if case .zip(let zip, _) = self { zip.count } else { 0 } }
}

extension ControlPlane {
  func code(_ input: CreateFunctionInput, _ call: Call) async throws -> CodeSource {
    if let image = try FunctionSettings.image(input) { return .image(try Self.checked(image: image, call)) }
    let code = input.code
    let others = code.zipFile != nil || code.imageUri != nil || !(code.sourceKMSKeyArn ?? "").isEmpty
    if let source = try hotReload(code.s3Bucket, code.s3Key, code.s3ObjectVersion, others: others, call) { return source }
    let zip = try await zip(
      file: code.zipFile, bucket: code.s3Bucket, key: code.s3Key, version: code.s3ObjectVersion, kms: code.sourceKMSKeyArn, call)
    return .zip(zip, from: Self.object(code.s3Bucket, code.s3Key, code.s3ObjectVersion))
  }

  func code(_ input: UpdateFunctionCodeInput, for function: FunctionVersion, _ call: Call) async throws -> CodeSource {
    if let image = try FunctionSettings.image(input, for: function) { return .image(try Self.checked(image: image, call)) }
    let others = input.zipFile != nil || input.imageUri != nil || !(input.sourceKMSKeyArn ?? "").isEmpty
    if let source = try hotReload(input.s3Bucket, input.s3Key, input.s3ObjectVersion, others: others, call) { return source }
    let zip = try await zip(
      file: input.zipFile, bucket: input.s3Bucket, key: input.s3Key, version: input.s3ObjectVersion, kms: input.sourceKMSKeyArn, call)
    return .zip(zip, from: Self.object(input.s3Bucket, input.s3Key, input.s3ObjectVersion))
  }

  private static func object(_ bucket: String?, _ key: String?, _ version: String?) -> ObjectName? {
    guard let bucket, let key, version == nil else { return nil }
    return ObjectName(bucket: bucket, key: key)
  }

  /// A package of the request, or of an object of S3 that the caller may read.
  func zip(file: [UInt8]?, bucket: String?, key: String?, version: String?, kms: String?, _ call: Call) async throws -> [UInt8] {
    if !(kms ?? "").isEmpty { throw LambdaError.unsupported("SourceKMSKeyArn") }
    guard bucket != nil || key != nil || version != nil else { return try FunctionSettings.zip(file: file) }
    if file != nil { throw LambdaError.severalSources() }
    guard let bucket, let key else { throw LambdaError.invalidParameter("Please provide a source for function code.") }
    do {
      // As large as code may be unpacked: a package that is sent has a limit of its own.
      return try await objects.read(
        ObjectName(bucket: bucket, key: key, version: version), maximum: LambdaLimits.unzippedBytes, as: call.caller)
    } catch let error as AWSError where error.fault == .client {
      throw LambdaError.noCodeInS3(error, bucket: bucket, key: key)
    }
  }

  /// Function code may name what lies in the directory of images, and nothing else of the host.
  private static func checked(image: String, _ call: Call) throws -> String {
    guard call.isFromFunction, let reference = try? ImageReference(image) else { return image }
    if case .repository = reference.place { return image }
    throw LambdaError.invalidParameter("Function code cannot make a file of the host the code of a function.")
  }

  private func hotReload(_ bucket: String?, _ key: String?, _ version: String?, others: Bool, _ call: Call) throws -> CodeSource? {
    guard let directory = try HotReloadCode.directory(bucket: bucket, key: key, version: version, others: others) else { return nil }
    if let refusal = hotReload.refusal { throw LambdaError.invalidParameter(refusal) }
    // A role that may create functions must not reach out of the sandbox by making one of the host's files.
    guard !call.isFromFunction else {
      throw LambdaError.invalidParameter("Function code cannot make a directory of the host the code of a function.")
    }
    do { _ = try HotReloadCode.place(of: directory) } catch { throw LambdaError.invalidParameter(error.description) }
    return .hotReload(directory)
  }

  /// Gives the version its code.
  /// - Returns: the package that was added; to be released when the row that names it is written.
  func use(_ code: CodeSource, in version: inout FunctionVersion) async throws -> String? {
    switch code {
    case .zip(let zip, let object):
      let package = try await packages.add(zip: zip)
      version.use(package)
      version.codeObject = object
      return package.hash
    case .hotReload(let directory):
      version.use(directory: directory)
      return nil
    case .image(let uri):
      let manifest = try await packages.add(image: uri)
      do { try version.use(manifest, uri: uri) } catch {
        packages.release(manifest.digest)
        throw error
      }
      return manifest.digest
    }
  }
}

extension FunctionVersion {
  /// The code of another version of the function.
  mutating func takeCode(of other: FunctionVersion) {
    (codeHash, codeSize, unzippedSize) = (other.codeHash, other.codeSize, other.unzippedSize)
    (hotReloadDirectory, codeObject) = (other.hotReloadDirectory, other.codeObject)
    // What the function itself says may have changed meanwhile.
    let overrides = image?.overrides
    image = other.image
    if let overrides { image?.overrides = overrides }
  }

  /// Becomes the image; what the function itself says stays.
  mutating func use(_ manifest: ImageManifest, uri: String) throws {
    image = ImageSource(
      uri: uri, settings: manifest.settings, environment: manifest.environment, overrides: image?.overrides ?? ContainerSettings())
    (codeHash, codeSize, unzippedSize) = (manifest.digest, 0, 0)
    try checkImageSettings()
  }
}
