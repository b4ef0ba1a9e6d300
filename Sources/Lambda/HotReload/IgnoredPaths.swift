/// What lies in the directory of a project and changes, but is no code of the function: repositories, caches, and what editors
/// leave beside a file while it is open. A change there is no reason for a new environment.
enum IgnoredPaths {
  private static let directories: Set<Substring> = [
    ".git", ".hg", ".svn", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".idea", ".vscode",
  ]
  /// Vim looks by `4913` whether it may write.
  private static let files: Set<Substring> = ["4913", ".DS_Store"]
  private static let endings = ["~", ".swp", ".swo", ".swx"]

  /// - Parameter path: below the directory of the function, with slashes.
  static func contains(_ path: String) -> Bool {
    let parts = path.split(separator: "/")
    if parts.contains(where: directories.contains) { return true }
    // Babel, webpack and others write to it at each build.
    if zip(parts, parts.dropFirst()).contains(where: { $0 == "node_modules" && $1 == ".cache" }) { return true }
    guard let name = parts.last else { return false }
    return files.contains(name) || name.hasPrefix(".#") || endings.contains(where: name.hasSuffix)
  }
}
