/// What is kept ready of one version of a function, and how far that has come.
struct Provision: Sendable, Equatable {
  /// - allocating may become ready or failed
  /// - ready stays so when an environment is replaced
  /// - failed: nothing more is tried for this request
  enum Progress: Sendable, Equatable {
    case allocating
    case ready
    case failed(reason: String)
  }

  /// Environments wanted.
  var count: Int
  /// Of the request: another one begins anew.
  var revision: String
  var progress = Progress.allocating
}

/// What a version has ready, as seen from outside its pool.
struct ProvisionReport: Sendable, Equatable {
  var provision: Provision
  /// Environments that have booted and belong to it, busy or not.
  var booted: Int
}

/// Tells how far the environments are that are to be kept ready.
protocol Provisioner: Sendable {
  /// Nil while nothing is kept ready of this version.
  func provisioned(_ function: FunctionID, version: String) -> ProvisionReport?
}
