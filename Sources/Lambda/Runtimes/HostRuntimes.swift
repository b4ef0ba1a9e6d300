import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The interpreters of this host that can run functions.
struct HostRuntimes: Sendable {
  /// A Python interpreter with `awslambdaric` in a virtual environment.
  struct Python: Sendable, Equatable {
    /// `3.11`
    var version: String
    /// The interpreter itself, behind all links.
    var executable: String
    /// The installation that the interpreter belongs to.
    var prefix: String
    /// Where the runtime client, boto3 and what they need are installed.
    var sitePackages: String
  }
  struct Node: Sendable, Equatable {
    var executable: String
    /// The major version; nil when the interpreter does not tell.
    var major: Int?
  }

  var pythons: [Python]
  var node: Node?
  var ruby: Ruby?
  /// The oldest first.
  var javas: [Java] = []

  /// - Parameters:
  ///   - virtualEnvironments: directories that `python -m venv` made; those without `awslambdaric` are passed over.
  ///   - searchPath: a list of directories such as `PATH`.
  static func discover(virtualEnvironments: [String], searchPath: String) -> HostRuntimes {
    let pythons = virtualEnvironments.compactMap(python(in:))
    var seen: Set<String> = []
    return HostRuntimes(
      pythons: pythons.filter { seen.insert($0.version).inserted }, node: findNode(searchPath), ruby: findRuby(searchPath),
      javas: findJavas(searchPath))
  }

  private static func python(in directory: String) -> Python? {
    guard let settings = readText("\(directory)/pyvenv.cfg") else { return nil }
    var values: [String: String] = [:]
    for line in settings.split(separator: "\n") {
      let pair = line.split(separator: "=", maxSplits: 1)
      if pair.count == 2 { values[pair[0].trimmed] = pair[1].trimmed }
    }
    guard let full = values["version"] ?? values["version_info"], let executable = realPath("\(directory)/bin/python") else { return nil }
    let version = full.split(separator: ".").prefix(2).joined(separator: ".")
    guard let sitePackages = realPath("\(directory)/lib/python\(version)/site-packages"), exists("\(sitePackages)/awslambdaric")
    else { return nil }
    let bin = executable.lastIndex(of: "/").map { String(executable[..<$0]) } ?? ""
    let prefix = bin.hasSuffix("/bin") ? String(bin.dropLast(4)) : bin
    return Python(version: version, executable: executable, prefix: prefix, sitePackages: sitePackages)
  }

  private static func findNode(_ searchPath: String) -> Node? {
    programs("node", searchPath).first.map { Node(executable: $0, major: nodeMajor($0)) }
  }

  /// The programs of a name on the search path, behind all links.
  static func programs(_ name: String, _ searchPath: String) -> [String] {
    searchPath.split(separator: ":").compactMap { directory in
      realPath("\(directory)/\(name)").flatMap { access($0, X_OK) == 0 ? $0 : nil }
    }
  }

  /// Node's headers or its own npm state the version; asking the program itself would cost 40 ms at each start.
  private static func nodeMajor(_ executable: String) -> Int? {
    guard let bin = executable.lastIndex(of: "/") else { return nil }
    let header = readText(executable[..<bin] + "/../include/node/node_version.h") ?? ""
    for line in header.split(separator: "\n") where line.hasPrefix("#define NODE_MAJOR_VERSION") {
      return Int(line.split(separator: " ").last ?? "")
    }
    return nil
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  static func readText(_ path: String) -> String? {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return nil }
    defer { close(fd) }
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    let count = read(fd, &bytes, bytes.count)
    return count >= 0 ? bytes[..<count].utf8Text : nil
  }
}

extension HostRuntimes {
  /// Which interpreter serves a Python identifier: that very version, else the nearest one.
  func python(for identifier: String) -> Python? {
    guard let wanted = Self.minor(identifier.dropFirst("python".count)) else { return nil }
    return pythons.min { distance($0, wanted) < distance($1, wanted) }
  }

  private func distance(_ python: Python, _ wanted: Int) -> Int { abs((Self.minor(python.version[...]) ?? 0) - wanted) }

  static func minor(_ version: Substring) -> Int? {
    let parts = version.split(separator: ".")
    return parts.count == 2 && parts[0] == "3" ? Int(parts[1]) : nil
  }
}

extension HostRuntimes: RuntimeCatalog {
  func support(for runtime: String) -> RuntimeSupport {
    if runtime.hasPrefix("provided") { return .exact(runtime) }
    if runtime.hasPrefix("python") {
      guard let python = python(for: runtime) else {
        return .missing(reason: "no virtual environment with awslambdaric was found (see `dewpoint doctor`)")
      }
      let served = "python\(python.version)"
      return served == runtime ? .exact(served) : .nearest(served)
    }
    if runtime.hasPrefix("nodejs") {
      guard let node else { return .missing(reason: "no `node` was found on the PATH (see `dewpoint doctor`)") }
      guard let major = node.major else { return .nearest("node") }
      return runtime == "nodejs\(major).x" ? .exact(runtime) : .nearest("nodejs\(major).x")
    }
    if runtime.hasPrefix("ruby") { return rubySupport(for: runtime) }
    if runtime.hasPrefix("java") { return javaSupport(for: runtime) }
    return .missing(reason: "Dewpoint does not run this language yet")
  }
}
