import Base
import Sandbox

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension HostRuntimes {
  /// A Java machine.
  struct Java: Sendable, Equatable {
    /// 8, 11, 17 …
    var major: Int
    /// The installation.
    var home: String
    /// Where Debian keeps the settings of the machine, to which links of the installation lead.
    var settings: String?
    var executable: String { "\(home)/bin/java" }
  }

  /// Those below /usr/lib/jvm and on the search path; of several with one version the first.
  static func findJavas(_ searchPath: String) -> [Java] {
    let root = "/usr/lib/jvm"
    let homes = programs("java", searchPath).map { String($0.dropLast("/bin/java".count)) }
      + ((try? PackageDisk.names(in: root)) ?? []).sorted().compactMap { realPath("\(root)/\($0)") }
    var found: [Int: Java] = [:]
    for home in homes where access("\(home)/bin/java", X_OK) == 0 {
      guard let major = major(of: home), found[major] == nil else { continue }
      found[major] = Java(major: major, home: home, settings: settings(of: home))
    }
    return found.values.sorted { $0.major < $1.major }
  }

  /// `JAVA_VERSION="17.0.15"` or `"1.8.0_402"` in a file that every installation has.
  private static func major(of home: String) -> Int? {
    // A runtime environment of version 8 lies within its kit.
    let text = readText("\(home)/release") ?? readText("\(home)/../release") ?? ""
    for line in text.split(separator: "\n") where line.hasPrefix("JAVA_VERSION=") {
      let numbers = line.dropFirst("JAVA_VERSION=".count).split { $0 == "\"" || $0 == "." || $0 == "_" || $0 == "-" || $0 == "+" }.compactMap { Int($0) }
      return numbers.first == 1 ? numbers.dropFirst().first : numbers.first
    }
    return nil
  }

  private static func settings(of home: String) -> String? {
    guard let path = realPath("\(home)/lib/jvm.cfg"), path.hasPrefix("/etc/java-") else { return nil }
    return path.split(separator: "/").dropFirst().first.map { "/etc/\($0)" }
  }

  /// The machine that serves an identifier: that very version, else the next one above, else the newest.
  func java(for runtime: String) -> Java? {
    guard let wanted = Int(runtime.dropFirst("java".count).prefix { $0.isNumber }) else { return nil }
    return javas.first { $0.major >= wanted } ?? javas.last
  }

  func javaSupport(for runtime: String) -> RuntimeSupport {
    guard let java = java(for: runtime) else { return .missing(reason: "no Java was found (see `dewpoint doctor`)") }
    let served = java.name
    return served == runtime ? .exact(served) : .nearest(served)
  }
}

extension HostRuntimes.Java {
  /// As the API calls it.
  var name: String { major == 8 ? "java8.al2" : "java\(major)" }
}

extension LaunchPlan {
  static func java(_ java: HostRuntimes.Java, client: String) -> LaunchPlan {
    var binds = bindPrefix(java.home) + [SandboxSpec.Bind(host: client, guest: "/var/runtime")]
    if let settings = java.settings { binds.append(.init(host: settings, guest: settings)) }
    return LaunchPlan(
      executable: java.executable,
      // As on AWS, which compiles quickly rather than well; and no file for tools that watch the machine.
      arguments: [
        "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto", "-Dfile.encoding=UTF-8",
        "-Dorg.crac.Core.Compat=com.amazonaws.services.lambda.crac", "-cp", "/var/runtime/runtime.jar",
        "dewpoint.runtime.Main",
      ], environment: [:], binds: binds)
  }

  /// The machine cannot see its limit of memory in a sandbox, so it is told: what it needs beside the heap is left to it.
  static func heap(memoryMegabytes: Int) -> String { "-Xmx\(memoryMegabytes <= 256 ? memoryMegabytes / 2 : memoryMegabytes * 3 / 4)m" }
}
