import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The images that functions of this host may use.
struct ImageLibrary: Sendable {
  /// Where references to ECR are looked up: `NAME/TAG` or `NAME` as an image layout, or `NAME:TAG.tar`. Nil when none is configured.
  var directory: String?
  /// Whether a URI may name any place of the host, and not only those below the directory: in the local mode, where whoever may
  /// call is the one whose machine it is.
  var allowsAnyPath: Bool

  /// An image that was found, and the way to its files.
  struct Found {
    var manifest: ImageManifest
    var files: ImageFiles
  }

  /// Blocking.
  /// - Throws: `ImageError`.
  func find(_ uri: String) throws -> Found {
    let reference = try ImageReference(uri)
    switch reference.place {
    case .layout(let path): return try layout(try checked(path), reference.selector)
    case .archive(let path): return try archive(try checked(path), reference.selector)
    case .dockerArchive(let path): return try docker(try checked(path), reference.selector)
    case .repository(let name): return try repository(name, reference.selector)
    }
  }

  /// - Parameter digest: of the image that was found before.
  /// - Throws: `ImageError.notFound` also when another image has its name now.
  func find(_ uri: String, digest: String) throws -> Found {
    var failure: any Error = ImageError.notFound
    for name in [ImageReference.resolved(uri, digest: digest), uri] {
      do {
        let found = try find(name)
        if found.manifest.digest == digest { return found }
      } catch { failure = error }
    }
    throw failure
  }

  private func repository(_ name: String, _ selector: ImageReference.Selector) throws -> Found {
    guard let directory else { throw ImageError.notFound }
    let base = "\(directory)/\(name)"
    if case .tag(let tag) = selector {
      guard !tag.contains("/"), !tag.contains(":") else { throw ImageError.invalidReference }
      if HostRuntimes.exists("\(base)/\(tag)/index.json") { return try layout(try checked("\(base)/\(tag)"), .any) }
      if HostRuntimes.exists("\(base):\(tag).tar") { return try archive(try checked("\(base):\(tag).tar"), .any) }
    }
    guard HostRuntimes.exists("\(base)/index.json") else { throw ImageError.notFound }
    return try layout(try checked(base), selector)
  }

  /// The path behind all links, if it may be read.
  private func checked(_ path: String) throws -> String {
    guard let real = HostRuntimes.realPath(path) else {
      throw errno == EACCES ? ImageError.accessDenied(path) : ImageError.notFound
    }
    if allowsAnyPath { return real }
    // Whether something is there is not told of places that may not be read.
    guard let root = directory.flatMap(HostRuntimes.realPath), real.hasPrefix(root + "/") else { throw ImageError.notFound }
    return real
  }

  private func layout(_ path: String, _ selector: ImageReference.Selector) throws -> Found {
    let files = ImageFiles(directory: path)
    guard files.has("index.json") else { throw ImageError.notFound }
    return Found(manifest: try ImageManifest(layout: files, selector), files: files)
  }

  private func archive(_ path: String, _ selector: ImageReference.Selector) throws -> Found {
    let files = try ImageFiles(archive: path)
    guard files.has("index.json") else { return Found(manifest: try ImageManifest(docker: files, selector), files: files) }
    return Found(manifest: try ImageManifest(layout: files, selector), files: files)
  }

  private func docker(_ path: String, _ selector: ImageReference.Selector) throws -> Found {
    let files = try ImageFiles(archive: path)
    return Found(manifest: try ImageManifest(docker: files, selector), files: files)
  }
}
