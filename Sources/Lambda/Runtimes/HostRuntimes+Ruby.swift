import Base

extension HostRuntimes {
  /// A Ruby interpreter.
  struct Ruby: Sendable, Equatable {
    /// `3.1`
    var version: String
    /// The interpreter itself, behind all links.
    var executable: String
    /// The installation that it belongs to.
    var prefix: String
  }

  /// The first `ruby` of the search path whose version can be seen: from the name of the program, else from that of its library.
  static func findRuby(_ searchPath: String) -> Ruby? {
    for executable in programs("ruby", searchPath) {
      guard let slash = executable.lastIndex(of: "/") else { continue }
      let (bin, name) = (executable[..<slash], executable[executable.index(after: slash)...])
      let prefix = bin.hasSuffix("/bin") ? String(bin.dropLast(4)) : String(bin)
      let libraries = ((try? PackageDisk.names(in: "\(prefix)/lib/ruby")) ?? []).sorted()
      for text in [String(name.dropFirst("ruby".count))] + libraries {
        let parts = text.split(separator: ".")
        guard parts.count >= 2, Int(parts[0]) != nil, Int(parts[1]) != nil else { continue }
        return Ruby(version: "\(parts[0]).\(parts[1])", executable: executable, prefix: prefix)
      }
    }
    return nil
  }

  func rubySupport(for runtime: String) -> RuntimeSupport {
    guard let ruby else { return .missing(reason: "no `ruby` was found on the PATH (see `dewpoint doctor`)") }
    let served = "ruby\(ruby.version)"
    return served == runtime ? .exact(served) : .nearest(served)
  }
}

extension LaunchPlan {
  static func ruby(_ ruby: HostRuntimes.Ruby, client: String) -> LaunchPlan {
    LaunchPlan(
      executable: ruby.executable, arguments: ["/var/runtime/runtime.rb"], environment: ["RUBYLIB": "/var/task:/opt/ruby/lib"],
      binds: bindPrefix(ruby.prefix) + [.init(host: client, guest: "/var/runtime")])
  }

  /// Where the gems of a function and of its layers are, by the version that it names and by that of the interpreter.
  /// - Parameter runtime: such as `ruby3.3`.
  static func gemPath(for runtime: String, on ruby: HostRuntimes.Ruby) -> String {
    let named = String(runtime.dropFirst("ruby".count))
    let versions = named == ruby.version ? [named] : [named, ruby.version]
    return versions.flatMap { ["/var/task/vendor/bundle/ruby/\($0).0", "/opt/ruby/gems/\($0).0"] }.joined(separator: ":")
  }
}
