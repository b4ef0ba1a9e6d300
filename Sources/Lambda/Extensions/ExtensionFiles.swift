#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Finds the external extensions that layers bring along.
enum ExtensionFiles {
  /// The names of the files below `extensions`, in their order; directories do not count.
  /// - Parameter layers: the host directory that becomes /opt.
  static func names(inLayers layers: String) -> [String] {
    let path = "\(layers)/extensions"
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      var status = stat()
      guard name != ".", name != "..", stat("\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
      names.append(name)
    }
    return names.sorted()
  }
}
