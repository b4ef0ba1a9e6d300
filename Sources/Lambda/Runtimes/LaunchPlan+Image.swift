import Base
import Fabric

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension LaunchPlan {
  /// How the program of a container image is started, which is its own client of the Runtime API.
  ///
  /// `USER` of the image does not count: AWS runs every image as one user without rights.
  /// - Parameter root: the host directory with the tree of the image.
  static func make(
    for function: FunctionVersion, image: ImageSource, root: String, credentials: SessionCredentials, logStream: String,
    initialization: Initialization
  ) throws(LaunchFailure) -> LaunchPlan {
    let settings = image.overrides.over(image.settings)
    var words = (settings.entryPoint ?? []) + (settings.command ?? [])
    guard !words.isEmpty else { throw .entrypoint("Couldn't find valid bootstrap(s): []") }
    let directory = settings.workingDirectory ?? "/"
    guard directory.hasPrefix("/") else { throw .workingDirectory("chdir \(directory): no such file or directory") }
    let environment = image.environment
      .merging(commonDefaults) { images, _ in images }
      .merging(function.environment) { _, users in users }
      .merging(reserved(function, credentials, logStream, initialization)) { _, ours in ours }
    let program = ImageRoot(path: root).program(
      words.removeFirst(), searchPath: environment["PATH"] ?? searchPath, workingDirectory: directory)
    guard let program else {
      let word = (settings.entryPoint ?? settings.command ?? []).first ?? ""
      throw .entrypoint("exec: \"\(word)\": executable file not found in $PATH")
    }
    var plan = LaunchPlan(
      executable: program, arguments: words, environment: environment, binds: [], root: root, workingDirectory: directory)
    if function.vpc?.isAttached == true { plan.network = .none }
    plan.extensions = ImageRoot(path: root).extensions()
    return plan
  }
}

extension ImageRoot {
  /// The names of the files below `/opt/extensions`, in their order.
  fileprivate func extensions() -> [String] {
    guard let directory = try? directory(["opt", "extensions"], missing: .fails), let names = try? PackageDisk.names(in: directory)
    else { return [] }
    return names.filter { name in
      guard let place = try? resolve("/opt/extensions/\(name)") else { return false }
      var status = stat()
      return lstat(place, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }.sorted()
  }
}
