import Base

/// How a function names its image: `Code.ImageUri`. There is no registry here, so a URI is a place on this host, or a reference to ECR
/// that is looked up in the configured directory of images.
///
///     oci:/DIRECTORY[:TAG]                an image layout (OCI image specification, "Image Layout")
///     oci-archive:/FILE.tar[:TAG]         the same as a tar
///     docker-archive:/FILE.tar[:NAME:TAG] what `docker save` writes
///     ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG
///
/// In each form `@sha256:DIGEST` may stand in the place of the tag.
struct ImageReference: Sendable, Equatable {
  enum Place: Sendable, Equatable {
    case layout(String)
    case archive(String)
    case dockerArchive(String)
    /// A path below the configured directory.
    case repository(String)
  }
  enum Selector: Sendable, Equatable {
    /// The only one.
    case any
    case tag(String)
    /// In lower-case hex.
    case digest(String)
  }

  var place: Place
  var selector: Selector
  /// The URI without tag or digest.
  var base: String

  /// - Throws: `ImageError.invalidReference`.
  init(_ uri: String) throws {
    guard uri.utf8.count <= LambdaLimits.imageURIBytes, !uri.utf8.contains(where: { $0 <= 32 || $0 == 127 }) else {
      throw ImageError.invalidReference
    }
    for (scheme, make) in Self.schemes where uri.hasPrefix(scheme + ":") {
      let (path, selector) = try Self.split(String(uri.dropFirst(scheme.count + 1)))
      guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else { throw ImageError.invalidReference }
      (place, self.selector, base) = (make(path), selector, "\(scheme):\(path)")
      return
    }
    guard let slash = uri.firstIndex(of: "/"), Self.isRegistry(uri[..<slash]) else { throw ImageError.invalidReference }
    let (name, selector) = try Self.split(String(uri[uri.index(after: slash)...]))
    guard selector != .any, Self.isRepository(name) else { throw ImageError.invalidReference }
    (place, self.selector, base) = (.repository(name), selector, "\(uri[..<slash])/\(name)")
  }

  private static let schemes: [(String, @Sendable (String) -> Place)] = [
    ("oci", { .layout($0) }), ("oci-archive", { .archive($0) }), ("docker-archive", { .dockerArchive($0) }),
  ]

  private static func split(_ text: String) throws -> (String, Selector) {
    if let at = text.firstIndex(of: "@") {
      let digest = text[text.index(after: at)...]
      guard let hex = ImageManifest.hex(of: String(digest)) else { throw ImageError.invalidReference }
      return (String(text[..<at]), .digest(hex))
    }
    guard let colon = text.firstIndex(of: ":") else { return (text, .any) }
    let tag = String(text[text.index(after: colon)...])
    guard isTag(tag) else { throw ImageError.invalidReference }
    return (String(text[..<colon]), .tag(tag))
  }

  /// `ACCOUNT.dkr.ecr.REGION.…`, whatever follows: tools that know of an emulator send its own host name.
  private static func isRegistry(_ host: Substring) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count >= 5 && AccountID(String(parts[0])) != nil && parts[1] == "dkr" && parts[2].hasPrefix("ecr")
      && host.utf8.allSatisfy { isAlphanumeric($0) || $0 == 45 || $0 == 46 || $0 == 58 }
  }

  /// Names of ECR are lower case, and no part begins with a mark: so none leads upwards.
  private static func isRepository(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    return name.utf8.count <= 256
      && parts.allSatisfy { part in
        guard let first = part.utf8.first, isAlphanumeric(first) else { return false }
        return part.utf8.allSatisfy { isAlphanumeric($0) || $0 == 45 || $0 == 46 || $0 == 95 }
      }
  }

  /// A tag, or for `docker save` a name with a tag.
  private static func isTag(_ text: String) -> Bool {
    guard let first = text.utf8.first, isAlphanumeric(first) || first == 95, text.utf8.count <= 384 else { return false }
    return text.utf8.allSatisfy { isAlphanumeric($0) || [45, 46, 47, 58, 95].contains($0) }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool { (48...57).contains(byte) || (97...122).contains(byte | 32) }

  /// The URI that names the very image, as `ResolvedImageUri` shows it.
  static func resolved(_ uri: String, digest: String) -> String {
    guard let reference = try? ImageReference(uri) else { return uri }
    return "\(reference.base)@sha256:\(digest)"
  }
}
