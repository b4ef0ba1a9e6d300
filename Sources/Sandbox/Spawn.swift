// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Starts a program with the descriptors that it inherits as 3, 4 and so on, `output` as 1 and 2, /dev/null as 0 (and in place of no
/// output), and default signals.
/// The parent-death signal goes by thread, so only a thread that never ends may call this.
func spawnProcess(_ command: [String], output: Int32?, inherits: [Int32]) throws(SandboxError) -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  // Copies above all the numbers that are given out, so that none overwrites one that is still to come.
  let copies = ([output].compactMap { $0 } + inherits).map { fcntl($0, F_DUPFD_CLOEXEC, 64) }
  defer { for copy in copies where copy >= 0 { close(copy) } }
  guard copies.allSatisfy({ $0 >= 0 }) else { throw .last("dup", "") }
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0)
  let source = output == nil ? 0 : copies[0]
  for number: Int32 in [1, 2] { posix_spawn_file_actions_adddup2(&actions, source, number) }
  for (number, copy) in copies.dropFirst(output == nil ? 0 : 1).enumerated() {
    posix_spawn_file_actions_adddup2(&actions, copy, Int32(number) + 3)
  }

  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  var none = sigset_t()
  var all = sigset_t()
  sigemptyset(&none)
  sigfillset(&all)
  posix_spawnattr_setsigmask(&attributes, &none)
  posix_spawnattr_setsigdefault(&attributes, &all)
  posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

  var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
  arguments.append(nil)
  defer { for argument in arguments { free(argument) } }
  var environment: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=/usr/bin:/bin"), nil]
  defer { free(environment[0]) }
  var pid: pid_t = 0
  let result = posix_spawn(&pid, command[0], &actions, &attributes, &arguments, &environment)
  guard result == 0 else { throw SandboxError(step: "start", path: command[0], errno: result) }
  return pid
}
