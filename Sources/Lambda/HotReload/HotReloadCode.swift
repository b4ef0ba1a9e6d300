import Base
import Glibc

/// Code that is no package but a directory of this host: `Code: {S3Bucket: "hot-reload", S3Key: "/absolute/path"}`, as LocalStack
/// and Floci take it.
enum HotReloadCode {
  static let bucket = "hot-reload"
  /// What is shown as the hash, in the words that LocalStack's users know.
  static let hash = "hot-reloading-hash-not-available"
  private static let maximumPathBytes = 1024

  /// The directory that a request names as code; nil when it names something else.
  /// - Throws: `InvalidParameterValueException` for a path that cannot be code.
  static func directory(bucket: String?, key: String?, version: String?, others: Bool) throws -> String? {
    guard bucket == Self.bucket else { return nil }
    guard !others, version == nil else {
      throw LambdaError.invalidParameter("With S3Bucket \(Self.bucket) only S3Key can be given: the directory with the code.")
    }
    var path = key ?? ""
    guard path.hasPrefix("/"), path.utf8.count <= maximumPathBytes, !path.utf8.contains(0) else {
      throw LambdaError.invalidParameter(
        "With S3Bucket \(Self.bucket) the S3Key must be the absolute path of a directory on the host of the server, not '\(path)'.")
    }
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    guard HostRuntimes.realPath(path) != "/" else {
      throw LambdaError.invalidParameter("The whole file system of the host cannot be the code of a function.")
    }
    return path
  }

  /// The place behind all links, ready to be mounted.
  /// - Throws: `HotReloadFailure` in the words for whoever looks for the reason.
  static func place(of directory: String) throws(HotReloadFailure) -> String {
    guard let place = HostRuntimes.realPath(directory) else {
      throw HotReloadFailure("The hot-reload directory \(directory) does not exist on the host of the server.")
    }
    var status = stat()
    guard stat(place, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw HotReloadFailure("The hot-reload path \(directory) is not a directory.")
    }
    // A server that is root gives each sandbox a user of its own, who is none of the directory's.
    guard geteuid() != 0 || status.st_mode & 0o005 == 0o005 else {
      throw HotReloadFailure(
        "The hot-reload directory \(directory) cannot be read by functions, which run as another user. Try: chmod -R o+rX \(directory)")
    }
    return place
  }
}

/// Why a directory cannot be the code of a function now.
struct HotReloadFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

extension LambdaError {
  /// What Invoke answers when the code cannot be had, with the modelled error for that.
  static func noHotReloadCode(_ failure: HotReloadFailure) -> AWSError {
    AWSError("InvalidZipFileException", failure.description, status: 502, fault: .server, members: [("Type", "Service")])
  }
  static func noVersionOfHotReload(_ directory: String) -> AWSError {
    invalidParameter(
      "A version never changes, and the code of this function is the directory \(directory), which does. "
        + "Update the function with a package before you publish it.")
  }
}

extension FunctionVersion {
  /// A directory has no size and no hash of its own.
  mutating func use(directory: String) {
    (hotReloadDirectory, codeObject) = (directory, nil)
    (codeHash, codeSize, unzippedSize) = ("", 0, 0)
  }
  mutating func use(_ package: (hash: String, size: Int, unzipped: Int)) {
    hotReloadDirectory = nil
    (codeHash, codeSize, unzippedSize) = package
  }
}
