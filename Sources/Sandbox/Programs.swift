// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Where the two programs are that start a sandbox.
enum Programs {
  /// The one given, else `DEWPOINT_SANDBOX_INIT`, else beside our own executable.
  static func sandboxInit(_ given: String? = nil) throws(SandboxError) -> String {
    var candidates: [String] = []
    if let given {
      candidates = [given]
    } else if let configured = getenv("DEWPOINT_SANDBOX_INIT") {
      candidates = [String(cString: configured)]
    } else if let own = Descriptors.linkTarget("/proc/self/exe"), let slash = own.lastIndex(of: "/") {
      candidates = [own[..<slash] + "/sandbox-init"]
    }
    if let found = candidates.first(where: { access($0, X_OK) == 0 }) { return found }
    throw SandboxError(
      step: "find sandbox-init", path: candidates.first ?? "", errno: ENOENT,
      detail: "put it beside the dewpoint executable, or name it in DEWPOINT_SANDBOX_INIT")
  }

  static func bubblewrap() throws(SandboxError) -> String {
    if let found = find("bwrap") { return found }
    throw SandboxError(
      step: "find bwrap", path: "", errno: ENOENT, detail: "install the package bubblewrap (apt-get install bubblewrap)")
  }

  /// In `PATH`, and where distributions put it.
  static func find(_ name: String) -> String? {
    let path = getenv("PATH").map { String(cString: $0) } ?? ""
    let directories = path.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") } + ["/usr/bin", "/usr/local/bin"]
    return directories.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }
}
