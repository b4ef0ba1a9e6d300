import Base
#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Blobs as files: `directory/ab/abcdef…`, written to a temporary file, synchronised and renamed.
///
/// All work on files is done on two threads of its own. They end with the value.
public final class FileBlobStore: BlobStore {
  private let queue = WorkQueue<any Job<BlobFiles>>(limit: 1 << 14)

  /// Makes the directory (in one that is there) and removes what a crash left half written. One process per directory.
  public init(directory: String) throws {
    let files = BlobFiles(directory: directory)
    try files.prepare()
    let queue = queue
    for _ in 0..<2 {
      startThread("blobs") {
        while let job = queue.take(most: 1).first {
          _ = job.run(files)
          job.finish(nil)
        }
      }
    }
  }

  deinit { queue.close() }

  private func perform<T: Sendable>(_ body: @escaping @Sendable (BlobFiles) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { caller in
      let job = BodyJob(body, caller)
      queue.submit(job, as: job)
    }
  }

  public func put(_ hash: String, _ bytes: [UInt8]) async throws {
    try checkBlobName(hash)
    try await perform { try $0.put(hash, bytes) }
  }
  public func get(_ hash: String) async throws -> [UInt8]? {
    try checkBlobName(hash)
    return try await perform { try $0.get(hash) }
  }
  public func path(of hash: String) async throws -> String? {
    try checkBlobName(hash)
    return try await perform { $0.exists(hash) ? $0.path(hash) : nil }
  }
  public func delete(_ hash: String) async throws {
    try checkBlobName(hash)
    try await perform { try $0.delete(hash) }
  }
  public func list() async throws -> [String] { try await perform { try $0.list() } }
}

/// The blocking part.
struct BlobFiles: Sendable {
  private static let temporarySuffix = ".new"
  let directory: String

  func path(_ hash: String) -> String { "\(folder(hash))/\(hash)" }
  private func folder(_ hash: String) -> String { "\(directory)/\(hash.prefix(2))" }

  func prepare() throws {
    try make(directory)
    try synchronise(directory + "/..")
    for folder in try names(directory) where folder.utf8.count == 2 {
      for name in try names("\(directory)/\(folder)") where name.hasSuffix(Self.temporarySuffix) {
        unlink("\(directory)/\(folder)/\(name)")
      }
    }
  }

  func exists(_ hash: String) -> Bool { access(path(hash), F_OK) == 0 }

  func put(_ hash: String, _ bytes: [UInt8]) throws {
    // What is there already may be another writer's that has not synchronised it yet.
    if exists(hash) { return try synchroniseEntry(hash) }
    try make(folder(hash))
    // `mkstemp` makes a name of its own, so that two writers of one blob do not meet. The suffix marks what is half done.
    var template = Array("\(path(hash)).XXXXXX\(Self.temporarySuffix)".utf8CString)
    let file = mkstemps(&template, Int32(Self.temporarySuffix.utf8.count))
    let temporary = template.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    guard file >= 0 else { throw failure("create", temporary) }
    do {
      defer { close(file) }
      try write(bytes, to: file, temporary)
      guard fsync(file) == 0 else { throw failure("synchronise", temporary) }
    } catch {
      unlink(temporary)
      throw error
    }
    guard rename(temporary, path(hash)) == 0 else {
      let failure = failure("rename", temporary)
      unlink(temporary)
      throw failure
    }
    try synchroniseEntry(hash)
  }

  private func synchroniseEntry(_ hash: String) throws {
    try synchronise(folder(hash))
    try synchronise(directory)
  }

  private func write(_ bytes: [UInt8], to file: Int32, _ path: String) throws {
    var at = 0
    while at < bytes.count {
      let count = bytes.withUnsafeBytes { Self.systemWrite(file, $0[at...]) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("write", path) }
      at += count
    }
  }
  private static func systemWrite(_ file: Int32, _ bytes: Slice<UnsafeRawBufferPointer>) -> Int {
    let bytes = UnsafeRawBufferPointer(rebasing: bytes)
    #if canImport(Glibc)
      return Glibc.write(file, bytes.baseAddress, bytes.count)
    #else
      return Darwin.write(file, bytes.baseAddress, bytes.count)
    #endif
  }

  func get(_ hash: String) throws -> [UInt8]? {
    let file = open(path(hash), O_RDONLY | O_CLOEXEC)
    if file < 0 {
      if errno == ENOENT { return nil }
      throw failure("open", path(hash))
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw failure("read", path(hash)) }
    var failed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { out, filled in
      while filled < out.count {
        let count = read(file, out.baseAddress.map { $0 + filled }, out.count - filled)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
          failed = true
          return
        }
        filled += count
      }
    }
    if failed { throw failure("read", path(hash)) }
    return bytes
  }

  func delete(_ hash: String) throws {
    guard unlink(path(hash)) == 0 || errno == ENOENT else { throw failure("delete", path(hash)) }
  }

  func list() throws -> [String] {
    var all: [String] = []
    for folder in try names(directory) where folder.utf8.count == 2 {
      all += try names("\(directory)/\(folder)").filter { $0.utf8.count == 64 }
    }
    return all.sorted()
  }

  private func make(_ path: String) throws {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("make the directory", path) }
  }

  private func synchronise(_ path: String) throws {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw failure("open", path) }
    defer { close(file) }
    guard fsync(file) == 0 else { throw failure("synchronise", path) }
  }

  private func names(_ path: String) throws -> [String] {
    guard let directory = opendir(path) else { throw failure("list", path) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.filter { $0 != "." && $0 != ".." }
  }

  private func failure(_ step: String, _ path: String) -> StoreError {
    .unavailable("cannot \(step) \(path): \(String(cString: strerror(errno)))")
  }
}
