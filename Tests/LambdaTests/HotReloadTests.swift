import Base
import Glibc
import Logging
import Testing

@testable import Lambda

@Suite struct HotReloadTests {
  /// A directory whose changes are taken one after the other.
  private struct Subject {
    let directory = TemporaryDirectory()
    let watch: DirectoryWatch

    init(_ before: (TemporaryDirectory) throws -> Void = { _ in }) throws {
      try before(directory)
      watch = try DirectoryWatch(directory.path) {}
    }
    func path(_ name: String) -> String { "\(directory.path)/\(name)" }
    func write(_ name: String, _ text: String = "x") {
      let file = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0o644)
      _ = text.withCString { Glibc.write(file, $0, strlen($0)) }
      close(file)
    }
    func makeDirectory(_ name: String) { mkdir(path(name), 0o755) }
  }

  @Test func `what is written is seen by the look that follows, once`() throws {
    let subject = try Subject()
    #expect(subject.watch.take() == nil)
    subject.write("a.py")
    subject.write("b.py")
    #expect(subject.watch.take() == ["a.py", "b.py"])
    #expect(subject.watch.take() == nil)
  }

  @Test func `files that are renamed into place, removed, or made executable have changed`() throws {
    let subject = try Subject()
    subject.write("a.py")
    subject.write("new.py")
    _ = subject.watch.take()
    rename(subject.path("new.py"), subject.path("a.py"))
    #expect(subject.watch.take()?.contains("a.py") == true)
    chmod(subject.path("a.py"), 0o755)
    #expect(subject.watch.take() == ["a.py"])
    unlink(subject.path("a.py"))
    #expect(subject.watch.take() == ["a.py"])
  }

  @Test func `new directories are watched with what they hold, and those that went elsewhere are not`() throws {
    let subject = try Subject()
    let other = TemporaryDirectory()
    subject.makeDirectory("lib")
    subject.makeDirectory("lib/deep")
    #expect(subject.watch.take() != nil)
    subject.write("lib/deep/a.py")
    #expect(subject.watch.take() == ["lib/deep/a.py"])
    rename(subject.path("lib"), other.path + "/lib")
    #expect(subject.watch.take() == ["lib"])
    let file = open(other.path + "/lib/deep/a.py", O_WRONLY | O_TRUNC)
    close(file)
    #expect(subject.watch.take() == nil)
  }

  @Test func `links are not followed`() throws {
    let other = TemporaryDirectory()
    let subject = try Subject { symlink(other.path, "\($0.path)/link") }
    let file = open(other.path + "/a.py", O_WRONLY | O_CREAT, 0o644)
    close(file)
    #expect(subject.watch.take() == nil)
    #expect(subject.watch.isComplete)
  }

  @Test func `a directory that is not there cannot be watched`() {
    #expect(throws: PackageIOError.self) { try DirectoryWatch("/nowhere/at/all") {} }
  }

  @Test(arguments: [
    (".git/index", true), ("lib/__pycache__/a.pyc", true), ("web/node_modules/.cache/x/y", true), ("node_modules/pkg/index.js", false),
    ("cache/.cache/x", false), ("a.py", false), (".a.py.swp", true), ("a.py~", true), (".#a.py", true), ("4913", true), (".env", false),
    ("git/a", false), ("lib/.git", true),
  ])
  func `caches, repositories and what editors leave is no code`(_ path: String, _ isIgnored: Bool) {
    #expect(IgnoredPaths.contains(path) == isIgnored)
  }

  private func hot(_ directory: String) -> FunctionVersion {
    var version = Self.sample
    version.use(directory: directory)
    return version
  }

  private static let sample = FunctionVersion(
    id: FunctionID(account: .one, region: .usEast1, name: "orders"), version: "$LATEST", description: "", runtime: "python3.13",
    handler: "app.handler", role: ARN("iam", .global, .one, "role/orders"), environment: [:], timeout: .seconds(3), memoryMegabytes: 128,
    ephemeralStorageMegabytes: 512, architecture: "x86_64", codeHash: "", codeSize: 0, logFormat: .text, logGroup: "/aws/lambda/orders",
    tracing: .passThrough, deadLetterTarget: nil, state: .active, updateStatus: .successful, lastModified: Instant(seconds: 1),
    revisionID: "r1")

  @Test func `the revision changes with the directory and with nothing else`() async throws {
    let directory = TemporaryDirectory()
    chmod(directory.path, 0o755)
    let reload = HotReload(clock: TestClock(), logger: Logger(label: "test"))
    let version = hot(directory.path)
    try await reload.prepare(version)
    let first = reload.revision(of: version)
    try await reload.prepare(version)
    #expect(reload.revision(of: version) == first)
    close(open(directory.path + "/a.py", O_WRONLY | O_CREAT, 0o644))
    try await reload.prepare(version)
    let second = reload.revision(of: version)
    #expect(second != first)
    // Another directory of the same name.
    let elsewhere = TemporaryDirectory()
    rename(directory.path, elsewhere.path + "/old")
    mkdir(directory.path, 0o755)
    try await reload.prepare(version)
    #expect(![first, second].contains(reload.revision(of: version)))
    rmdir(directory.path)
    await #expect(throws: AWSError.self) { try await reload.prepare(version) }
    #expect(reload.revision(of: Self.sample) == "r1")
  }

  @Test func `more directories than are watched at a time are reloaded all the same`() async throws {
    let reload = HotReload(clock: TestClock(), logger: Logger(label: "test"))
    let directories = (0..<70).map { _ in TemporaryDirectory() }
    for directory in directories {
      chmod(directory.path, 0o755)
      try await reload.prepare(hot(directory.path))
    }
    let first = hot(directories[0].path)
    try await reload.prepare(first)
    let before = reload.revision(of: first)
    close(open(directories[0].path + "/a.py", O_WRONLY | O_CREAT, 0o644))
    try await reload.prepare(first)
    #expect(reload.revision(of: first) != before)
  }

  @Test func `a function is stored with its directory`() throws {
    let stored = StoredFunction(latest: hot("/home/me/project"))
    #expect(try StoredFunction(row: stored.row) == stored)
  }
}
