import Base
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Large bytes as files: `directory/ab/abcdef…`. All work on files is done on threads of its own, which end with the value.
public final class FileByteStore: ByteStore {
  private let queue: WorkQueue<any Job<ByteFiles>>

  /// Makes the directory in one that is there. One process per directory.
  /// - Parameter threads: so many waits for the disk go on side by side.
  public init(directory: String, threads: Int = 4) throws {
    let files = ByteFiles(directory: directory)
    try files.prepare()
    let queue = WorkQueue<any Job<ByteFiles>>(limit: 1 << 14)
    self.queue = queue
    for _ in 0..<threads {
      startThread("bytes") {
        while let job = queue.take(most: 1).first {
          _ = job.run(files)
          job.finish(nil)
        }
      }
    }
  }

  deinit { queue.close() }

  public func sink(_ id: ByteStoreID, tap: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) -> any ByteSink {
    FileSink(id, queue, tap)
  }
  public func source(_ id: ByteStoreID) async throws -> (any ByteSource)? {
    let queue = queue
    return try await queue.perform { files in try files.open(id).map { FileSource(file: $0.file, count: $0.count, queue) } }
  }
  public func delete(_ id: ByteStoreID) async throws { try await queue.perform { try $0.delete(id) } }
  public func list(folder: Int) async throws -> [ByteStoreID] { try await queue.perform { try $0.list(folder: folder) } }
}

extension WorkQueue<any Job<ByteFiles>> {
  fileprivate func perform<T: Sendable>(_ body: @escaping @Sendable (ByteFiles) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { caller in
      let job = BodyJob(body, caller)
      submit(job, as: job)
    }
  }
}

private final class FileSource: ByteSource {
  let count: Int
  private let file: Int32
  private let queue: WorkQueue<any Job<ByteFiles>>

  init(file: Int32, count: Int, _ queue: WorkQueue<any Job<ByteFiles>>) { (self.file, self.count, self.queue) = (file, count, queue) }
  deinit { close(file) }

  func read(at offset: Int, count: Int) async throws -> [UInt8] {
    guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else {
      throw StoreError.corrupt("bytes beyond the end of a file")
    }
    return try await queue.perform { try $0.read(self.file, at: offset, count: count) }
  }
}

/// Gathers small pieces into larger ones. While one is written by a thread and heard by the tap on another, the next one is gathered.
private final class FileSink: ByteSink {
  private static let pieceBytes = 256 << 10

  private struct State {
    var gathered: [UInt8] = []
    /// Opened by the first piece.
    var file: Int32?
    var written = 0
    /// What still has to be done with the piece that was handed over last: the writing, the tap.
    var inWork = 0
    var isFinished = false
    var failure: (any Error)?
    var waiter: CheckedContinuation<Void, any Error>?
  }
  private let state = Mutex(State())
  private let id: ByteStoreID
  private let queue: WorkQueue<any Job<ByteFiles>>
  private let tap: @Sendable (UnsafeRawBufferPointer) -> Void

  init(
    _ id: ByteStoreID, _ queue: WorkQueue<any Job<ByteFiles>>, _ tap: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) {
    (self.id, self.queue, self.tap) = (id, queue, tap)
  }

  deinit {
    let (file, isFinished) = state.withLock { ($0.file, $0.isFinished) }
    guard let file else { return }
    let id = id
    let job = BodyJob<ByteFiles, Void>({ files in
      close(file)
      if !isFinished { try files.delete(id) }
    }) { _ in }
    // When nobody takes it any more the file is an orphan, which the next start finds.
    queue.submit(job, as: job)
  }

  func write(_ bytes: [UInt8]) async throws {
    let isEnough = state.withLock { state in
      state.gathered += bytes
      return state.gathered.count >= Self.pieceBytes
    }
    guard isEnough else { return }
    try await idle()
    start()
  }

  func drain() async throws {
    try await idle()
    guard state.withLock({ !$0.gathered.isEmpty || $0.file == nil }) else { return }
    start()
    try await idle()
  }

  func finish() async throws {
    try await drain()
    let file = state.withLock { $0.file }
    try await queue.perform { files in if let file { try files.synchronise(file, self.id) } }
    state.withLock { $0.isFinished = true }
  }

  /// Returns when no piece is in work. Throws what the last one failed with.
  private func idle() async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      let now = state.withLock { state -> Result<Void, any Error>? in
        if let failure = state.failure { return .failure(failure) }
        if state.inWork == 0 { return .success(()) }
        state.waiter = continuation
        return nil
      }
      if let now { continuation.resume(with: now) }
    }
  }

  /// Hands over what was gathered: digests take longer than the writing, so each has a thread.
  private func start() {
    let (piece, file, offset) = state.withLock { state in
      var piece: [UInt8] = []
      swap(&piece, &state.gathered)
      state.inWork = 2
      return (piece, state.file, state.written)
    }
    let (id, tap) = (id, tap)
    let listening = BodyJob<ByteFiles, Void>({ _ in piece.withUnsafeBytes(tap) }) { result in
      self.ended { state in if case .failure(let error) = result { state.failure = error } }
    }
    queue.submit(listening, as: listening)
    let writing = BodyJob<ByteFiles, Int32>({ files in
      let file = try file ?? files.create(id)
      do { try files.write(piece, to: file, at: offset, id) } catch {
        // Not known to the sink yet, which then cannot remove it.
        if offset == 0 {
          close(file)
          try? files.delete(id)
        }
        throw error
      }
      return file
    }) { result in
      self.ended { state in
        switch result {
        case .success(let file):
          state.file = file
          state.written += piece.count
        case .failure(let error): state.failure = error
        }
      }
    }
    queue.submit(writing, as: writing)
  }

  /// One of the two is done with the piece.
  private func ended(_ note: (inout State) -> Void) {
    let (waiter, failure) = state.withLock { state -> (CheckedContinuation<Void, any Error>?, (any Error)?) in
      note(&state)
      state.inWork -= 1
      return state.inWork == 0 ? (state.waiter.take(), state.failure) : (nil, nil)
    }
    if let failure { waiter?.resume(throwing: failure) } else { waiter?.resume() }
  }
}

/// The blocking part.
struct ByteFiles: Sendable {
  let directory: String

  private func folder(_ index: Int) -> String { "\(directory)/\([UInt8(truncatingIfNeeded: index)].hex)" }
  private func path(_ id: ByteStoreID) -> String { "\(folder(id.folder))/\(id)" }

  func prepare() throws {
    try make(directory)
    try synchronise(directory: directory + "/..")
  }

  func create(_ id: ByteStoreID) throws -> Int32 {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
    var file = open(path(id), flags, 0o600)
    if file < 0, errno == ENOENT {
      try make(folder(id.folder))
      try synchronise(directory: directory)
      file = open(path(id), flags, 0o600)
    }
    guard file >= 0 else { throw failure("create", path(id)) }
    return file
  }

  func write(_ bytes: [UInt8], to file: Int32, at offset: Int, _ id: ByteStoreID) throws {
    var at = 0
    while at < bytes.count {
      let count = bytes.withUnsafeBytes { pwrite(file, $0.baseAddress.map { $0 + at }, bytes.count - at, off_t(offset + at)) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("write", path(id)) }
      at += count
    }
  }

  func synchronise(_ file: Int32, _ id: ByteStoreID) throws {
    guard fsync(file) == 0 else { throw failure("synchronise", path(id)) }
    try synchronise(directory: folder(id.folder))
  }

  func open(_ id: ByteStoreID) throws -> (file: Int32, count: Int)? {
    let file = open(path(id), O_RDONLY | O_CLOEXEC)
    if file < 0 {
      if errno == ENOENT { return nil }
      throw failure("open", path(id))
    }
    var status = stat()
    guard fstat(file, &status) == 0 else {
      let failure = failure("read", path(id))
      close(file)
      throw failure
    }
    return (file, Int(status.st_size))
  }

  func read(_ file: Int32, at offset: Int, count: Int) throws -> [UInt8] {
    var failed: StoreError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { out, filled in
      while filled < count {
        let read = pread(file, out.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
        if read < 0, errno == EINTR { continue }
        guard read > 0 else {
          failed = read == 0 ? .corrupt("a file is shorter than it was") : failure("read", directory)
          return
        }
        filled += read
      }
    }
    if let failed { throw failed }
    return bytes
  }

  func delete(_ id: ByteStoreID) throws {
    guard unlink(path(id)) == 0 || errno == ENOENT else { throw failure("delete", path(id)) }
  }

  func list(folder index: Int) throws -> [ByteStoreID] {
    guard let directory = opendir(folder(index)) else {
      if errno == ENOENT { return [] }
      throw failure("list", folder(index))
    }
    defer { closedir(directory) }
    var ids: [ByteStoreID] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if let id = ByteStoreID(text: name) { ids.append(id) }
    }
    return ids
  }

  private func make(_ path: String) throws {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("make the directory", path) }
  }

  private func synchronise(directory path: String) throws {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw failure("open", path) }
    defer { close(file) }
    guard fsync(file) == 0 else { throw failure("synchronise", path) }
  }

  private func open(_ path: String, _ flags: Int32, _ mode: mode_t = 0) -> Int32 {
    #if canImport(Glibc)
      Glibc.open(path, flags, mode)
    #else
      Darwin.open(path, flags, mode)
    #endif
  }

  private func failure(_ step: String, _ path: String) -> StoreError {
    .unavailable("cannot \(step) \(path): \(String(cString: strerror(errno)))")
  }
}
