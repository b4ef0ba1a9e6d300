// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Starts a program with `control` as descriptor 3, `output` as 1 and 2, /dev/null as 0, and default signals.
/// The parent-death signal goes by thread, so only a thread that never ends may call this.
func spawnProcess(_ command: [String], control: Int32, output: Int32) throws(SandboxError) -> pid_t {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
  posix_spawn_file_actions_adddup2(&actions, output, 1)
  posix_spawn_file_actions_adddup2(&actions, output, 2)
  posix_spawn_file_actions_adddup2(&actions, control, 3)

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
