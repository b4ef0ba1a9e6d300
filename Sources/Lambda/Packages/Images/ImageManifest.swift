import Base
import Crypto

/// What an image consists of, and how it wants to be run.
struct ImageManifest: Sendable, Equatable {
  struct Layer: Sendable, Equatable {
    /// Its file in the image.
    var file: String
    /// Of the file as it lies there; nil where nothing states them.
    var size: Int?
    var digest: String?
    /// SHA-256 of the uncompressed tar, in hex.
    var diffID: String
  }

  /// SHA-256 of the manifest in lower-case hex: the name of the image.
  var digest: String
  var layers: [Layer]
  var settings: ContainerSettings
  /// The `ENV` of the image.
  var environment: [String: String]

  /// The hex digits of `sha256:…`.
  static func hex(of digest: String) -> String? {
    let hex = digest.dropFirst(7)
    guard digest.hasPrefix("sha256:"), hex.utf8.count == 64, hex.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
    else { return nil }
    return String(hex)
  }

  static func sha256(_ bytes: [UInt8]) -> String { SHA256.hash(data: bytes).map { $0 }.hex }
}

extension ImageManifest {
  private static let manifestTypes: Set<String> = [
    "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
  ]
  private static let configTypes: Set<String> = [
    "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json",
  ]
  /// As on AWS, which does not take layers compressed with zstd either.
  private static let layerTypes: Set<String> = [
    "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.diff.tar.gzip",
  ]

  /// Reads an image layout.
  /// - Throws: `ImageError`.
  init(layout files: ImageFiles, _ selector: ImageReference.Selector) throws {
    let index = try Self.json(try files.bytes("index.json"), "index.json")
    let descriptor = try Self.select(index["manifests"]?.array ?? [], selector)
    guard Self.manifestTypes.contains(descriptor.mediaType) else { throw ImageError.unsupportedMediaType(descriptor.mediaType) }
    let manifest = try Self.json(try Self.blob(descriptor, files), "the manifest")
    if let type = manifest["mediaType"]?.string, !Self.manifestTypes.contains(type) { throw ImageError.unsupportedMediaType(type) }
    let config = try Descriptor(manifest["config"], "the configuration")
    guard Self.configTypes.contains(config.mediaType) else { throw ImageError.unsupportedMediaType(config.mediaType) }
    let layers = try (manifest["layers"]?.array ?? []).map { json in
      let layer = try Descriptor(json, "a layer")
      guard Self.layerTypes.contains(layer.mediaType) else { throw ImageError.unsupportedMediaType(layer.mediaType) }
      return Layer(file: layer.file, size: layer.size, digest: layer.hex, diffID: "")
    }
    try self.init(digest: descriptor.hex, config: try Self.json(try Self.blob(config, files), "the configuration"), layers: layers)
  }

  /// Reads what `docker save` writes. Its image has no manifest of a registry, so one is made, always the same for the same image.
  /// - Throws: `ImageError`.
  init(docker files: ImageFiles, _ selector: ImageReference.Selector) throws {
    let images = try Self.json(try files.bytes("manifest.json"), "manifest.json").array ?? []
    for (place, image) in images.enumerated() {
      guard let name = image["Config"]?.string else { throw ImageError.defect("manifest.json names no configuration") }
      let bytes = try files.bytes(name)
      let config = try Self.json(bytes, "the configuration")
      let layers = (image["Layers"]?.array ?? []).compactMap(\.string).map { Layer(file: $0, diffID: "") }
      var manifest = try ImageManifest(digest: "", config: config, layers: layers)
      manifest.digest = Self.sha256(Self.written(config: bytes, manifest.layers.map(\.diffID)))
      let isMeant =
        switch selector {
        case .any: images.count == 1
        case .tag(let tag): (image["RepoTags"]?.array ?? []).compactMap(\.string).contains { Self.name($0, means: tag) }
        case .digest(let hex): manifest.digest == hex
        }
      if isMeant {
        self = manifest
        return
      }
      guard place < 100 else { break }
    }
    throw ImageError.notFound
  }

  /// `docker.io/library/app:1` is what `app:1` and `1` mean.
  private static func name(_ full: String, means asked: String) -> Bool {
    full == asked || full.hasSuffix("/" + asked) || full.hasSuffix(":" + asked)
  }

  private static func written(config: [UInt8], _ diffIDs: [String]) -> [UInt8] {
    func descriptor(_ type: String, _ hex: String) -> JSON {
      .object(JSONObject([("mediaType", .string(type)), ("digest", .string("sha256:\(hex)"))]))
    }
    return JSON.object(
      JSONObject([
        ("schemaVersion", 2), ("mediaType", "application/vnd.docker.distribution.manifest.v2+json"),
        ("config", descriptor("application/vnd.docker.container.image.v1+json", sha256(config))),
        ("layers", .array(diffIDs.map { descriptor("application/vnd.docker.image.rootfs.diff.tar", $0) })),
      ])
    ).bytes
  }

  private init(digest: String, config: JSON, layers: [Layer]) throws {
    guard !layers.isEmpty, layers.count <= LambdaLimits.imageLayers else { throw ImageError.defect("no layers, or too many") }
    if let system = config["os"]?.string, system != "linux" { throw ImageError.defect("the image is for \(system)") }
    let diffIDs = try (config["rootfs"]?["diff_ids"]?.array ?? []).map { json in
      guard let hex = json.string.flatMap(Self.hex) else { throw ImageError.defect("a layer without SHA-256") }
      return hex
    }
    guard diffIDs.count == layers.count else { throw ImageError.defect("the configuration and the manifest name different layers") }
    self.digest = digest
    self.layers = zip(layers, diffIDs).map { layer, diffID in
      var layer = layer
      layer.diffID = diffID
      return layer
    }
    let run = config["config"]
    func words(_ name: String) -> [String]? { run?[name]?.array.map { $0.compactMap(\.string) } }
    settings = ContainerSettings(
      entryPoint: words("Entrypoint"), command: words("Cmd"), workingDirectory: run?["WorkingDir"]?.string.flatMap { $0.isEmpty ? nil : $0 })
    environment = [:]
    for line in words("Env") ?? [] {
      guard let equals = line.firstIndex(of: "="), equals != line.startIndex else { continue }
      environment[String(line[..<equals])] = String(line[line.index(after: equals)...])
    }
    let texts = (settings.entryPoint ?? []) + (settings.command ?? []) + [settings.workingDirectory ?? ""] + environment.values
    guard !texts.contains(where: { $0.utf8.contains(0) }) else { throw ImageError.defect("a setting contains a NUL character") }
  }

  private static func json(_ bytes: [UInt8], _ what: String) throws -> JSON {
    guard let json = try? JSON.parse(bytes) else { throw ImageError.defect("\(what) is no JSON") }
    return json
  }
}

extension ImageManifest {
  /// What one document of an image says of another file (OCI image specification, "Content Descriptors").
  private struct Descriptor {
    var mediaType: String
    var hex: String
    var size: Int
    var file: String { "blobs/sha256/\(hex)" }

    init(_ json: JSON?, _ what: String) throws {
      guard let type = json?["mediaType"]?.string, let hex = (json?["digest"]?.string).flatMap(ImageManifest.hex),
        let size = json?["size"]?.int, size >= 0
      else { throw ImageError.defect("the descriptor of \(what) is malformed") }
      (mediaType, self.hex, self.size) = (type, hex, Int(size))
    }
  }

  private static func blob(_ descriptor: Descriptor, _ files: ImageFiles) throws -> [UInt8] {
    let bytes = try files.bytes(descriptor.file)
    guard bytes.count == descriptor.size, sha256(bytes) == descriptor.hex else {
      throw ImageError.defect("\(descriptor.file) is not what its digest says")
    }
    return bytes
  }

  private static func select(_ manifests: [JSON], _ selector: ImageReference.Selector) throws -> Descriptor {
    func note(_ json: JSON, _ name: String) -> String? { json["annotations"]?[name]?.string }
    // What a builder tells of its own work is no image.
    let images = manifests.filter { note($0, "vnd.docker.reference.type") == nil }
    let found = images.filter { json in
      switch selector {
      case .any: return true
      case .digest(let hex): return json["digest"]?.string == "sha256:\(hex)"
      case .tag(let tag):
        let names = [note(json, "org.opencontainers.image.ref.name"), note(json, "io.containerd.image.name")]
        return names.contains { $0.map { name($0, means: tag) } ?? false }
      }
    }
    guard let first = found.first else { throw ImageError.notFound }
    // Several platforms under one name: no function can be made of these, as on AWS.
    guard found.count == 1 else { throw selector == .any ? ImageError.notFound : ImageError.unsupportedMediaType("several images") }
    return try Descriptor(first, "the manifest")
  }
}
