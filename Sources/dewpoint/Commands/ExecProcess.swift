import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The program that `dewpoint exec` runs: it has the terminal's input, and its output comes through pipes.
final class ExecProcess {
  enum End { case exited(Int32), signalled(Int32) }

  let pid: pid_t
  /// Standard output, then standard error; those that are open.
  private(set) var outputs: [Int32]
  private var places: [Int]

  /// - Parameter inOwnGroup: keys such as Ctrl-C do not reach it.
  /// - Throws: `FileError` when it cannot be started.
  init(_ command: [String], _ variables: [String: String], inOwnGroup: Bool = false) throws {
    var pipes: [[Int32]] = []
    for _ in 0..<2 {
      guard let ends = makePipe() else { throw FileError("make a pipe for", command[0]) }
      pipes.append(ends)
    }
    defer { for ends in pipes { close(ends[1]) } }
    pid = try Self.spawn(command, Self.environment(variables), output: pipes[0][1], error: pipes[1][1], inOwnGroup)
    (outputs, places) = (pipes.map { $0[0] }, [0, 1])
  }

  deinit { for descriptor in outputs { close(descriptor) } }

  private static func environment(_ variables: [String: String]) -> [String: String] {
    // A profile would win over the keys of the role in some SDKs.
    var all = wholeEnvironment().filter { !["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].contains($0.key) }
    // Through a pipe Python would keep back what it prints.
    all["PYTHONUNBUFFERED"] = all["PYTHONUNBUFFERED"] ?? "1"
    all["LAMBDA_TASK_ROOT"] = (try? Files.absolute(".")).map { String($0.dropLast(2)) }
    return all.merging(variables) { _, functions in functions }
  }

  private static func spawn(
    _ command: [String], _ environment: [String: String], output: Int32, error: Int32, _ inOwnGroup: Bool
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, error, STDERR_FILENO)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    // Threads of the runtime system block signals, and a child would inherit that.
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    let group = inOwnGroup ? POSIX_SPAWN_SETPGROUP : 0
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | Int32(group)))
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var pid: pid_t = 0
    let result = posix_spawnp(&pid, command[0], &actions, &attributes, &arguments, &variables)
    guard result == 0 else { throw FileError("start", command[0], result) }
    return pid
  }

  /// What it has written by now, to standard output and to standard error.
  func takeOutput() -> [[UInt8]] {
    var all: [[UInt8]] = [[], []]
    for (descriptor, place) in zip(outputs, places) {
      var piece = [UInt8](repeating: 0, count: 64 << 10)
      while all[place].count < 1 << 20 {
        let count = read(descriptor, &piece, piece.count)
        if count < 0, errno == EINTR { continue }
        if count == 0 { closed(descriptor) }
        guard count > 0 else { break }
        all[place] += piece[..<count]
      }
    }
    return all
  }

  private func closed(_ descriptor: Int32) {
    guard let index = outputs.firstIndex(of: descriptor) else { return }
    close(descriptor)
    outputs.remove(at: index)
    places.remove(at: index)
  }

  /// Nil while it runs.
  func end() -> End? {
    var status: Int32 = 0
    guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
    return status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .signalled(status & 0x7f)
  }

  /// With all that it has started.
  func killAll() {
    for pid in ProcessTree.members(of: pid).reversed() { kill(pid, SIGKILL) }
  }
}

/// The end to read from, which does not wait, and the end to write to. Children inherit neither.
private func makePipe() -> [Int32]? {
  var ends: [Int32] = [-1, -1]
  guard pipe(&ends) == 0 else { return nil }
  for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
  return ends
}

/// A process and all that it has started, as the kernel shows them.
enum ProcessTree {
  /// The root first; it alone where the kernel does not tell.
  static func members(of root: pid_t) -> [pid_t] {
    var children: [pid_t: [pid_t]] = [:]
    guard let directory = opendir("/proc") else { return [root] }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { $0.prefix(while: { $0 != 0 }).utf8Text }
      guard let pid = pid_t(name), let parent = fields(pid).dropFirst().first.flatMap({ pid_t($0) }) else { continue }
      children[parent, default: []].append(pid)
    }
    var found = [root]
    var next = 0
    while next < found.count {
      found += children[found[next]] ?? []
      next += 1
    }
    return found
  }

  /// Stopped, or traced by a debugger, one of them.
  static func isHeld(_ root: pid_t) -> Bool {
    members(of: root).contains { pid in
      if let state = fields(pid).first, state == "T" || state == "t" { return true }
      let status = (try? Files.read("/proc/\(pid)/status", limit: 64 << 10)) ?? nil
      let tracer = status?.split(separator: 10).first { $0.starts(with: Array("TracerPid:".utf8)) }
      return tracer.map { !$0.utf8Text.hasSuffix("\t0") } ?? false
    }
  }

  /// Of its status line, what follows the name: the state, the parent.
  private static func fields(_ pid: pid_t) -> [Substring] {
    guard let bytes = (try? Files.read("/proc/\(pid)/stat", limit: 4096)) ?? nil, let end = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return [] }
    return bytes[(end + 1)...].utf8Text.split(separator: " ")
  }
}

/// Signals as bytes on a descriptor, for a thread that polls. One for the life of the process.
final class SignalPipe {
  let descriptor: Int32
  // Set once, before the first signal is taken over, and only read in the handler.
  private nonisolated(unsafe) static var writeEnd: Int32 = -1

  init(_ signals: [Int32]) {
    let ends = makePipe() ?? [-1, -1]
    descriptor = ends[0]
    Self.writeEnd = ends[1]
    for number in signals {
      signal(number) { number in
        var byte = UInt8(truncatingIfNeeded: number)
        let before = errno
        _ = write(SignalPipe.writeEnd, &byte, 1)
        errno = before
      }
    }
    signal(SIGPIPE, SIG_IGN)
  }

  func take() -> [Int32] {
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(descriptor, &bytes, bytes.count)
    return count > 0 ? bytes[..<count].map { Int32($0) } : []
  }
}
