// SPDX-License-Identifier: Apache-2.0

extension SandboxSpec {
  /// For a plain process, which has no file tree of its own: where a value is a path of the guest (or a list of them with
  /// colons), the path of the host that would have been mounted there.
  func onHostPaths() -> SandboxSpec {
    var spec = self
    let program = ProgramSpec(
      executable: executable, arguments: arguments, environment: environment, workingDirectory: workingDirectory
    ).onHostPaths(of: self)
    spec.executable = executable.isEmpty ? "" : program.executable
    (spec.arguments, spec.environment, spec.workingDirectory) = (program.arguments, program.environment, program.workingDirectory)
    return spec
  }
}

extension ProgramSpec {
  /// The same for a program that is started later in a sandbox of the spec.
  func onHostPaths(of sandbox: SandboxSpec) -> ProgramSpec {
    let temporaryDirectory = sandbox.temporaryDirectory
    var table = sandbox.readOnlyBinds
    if let path = temporaryDirectory.hostPath { table.append(.init(host: path, guest: "/tmp")) }
    // The deepest first: /opt/python before /opt.
    table.sort { $0.guest.utf8.count > $1.guest.utf8.count }
    func translate(_ path: Substring) -> String {
      for bind in table where path == bind.guest || path.hasPrefix(bind.guest + "/") {
        return bind.host + path.dropFirst(bind.guest.count)
      }
      return String(path)
    }
    func translateList(_ text: String) -> String {
      guard text.contains("/") else { return text }
      return text.split(separator: ":", omittingEmptySubsequences: false).map(translate).joined(separator: ":")
    }
    var spec = self
    spec.executable = translate(executable[...])
    spec.workingDirectory = translate(workingDirectory[...])
    spec.arguments = arguments.map(translateList)
    spec.environment = environment.mapValues(translateList)
    if let path = temporaryDirectory.hostPath { spec.environment["TMPDIR"] = spec.environment["TMPDIR"] ?? path }
    return spec
  }
}
