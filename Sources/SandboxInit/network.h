// SPDX-License-Identifier: Apache-2.0
// The way out of a sandbox where nobody is root: slirp4netns opens ordinary connections for it.
#include <dewpoint_network.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Descriptors: 3 the network namespace, 4 written to when the network is there, 5 closed when it is not wanted any more.
enum { network_space = 3, network_owner = 6, link_local_range = 0xa9fe0000 };

// What slirp4netns would let through: the host's own addresses, and what only the host's links know.
static int close_routes(int count, char **addresses) {
  const char *step;
  int links;
  if (setns(network_owner, CLONE_NEWUSER) < 0 || setns(network_space, CLONE_NEWNET) < 0) return errno;
  int error = dewpoint_link_socket(&links, &step);
  if (error == 0) error = dewpoint_add_unreachable(links, link_local_range, 16, &step);
  for (int i = 0; i < count && error == 0; i++)
    error = dewpoint_add_unreachable(links, (uint32_t)strtoul(addresses[i], NULL, 10), 32, &step);
  return error == EEXIST ? 0 : error;
}

static _Noreturn void serve_network(char *program, int count, char **addresses) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // Bubblewrap's network namespace belongs to another user namespace than the one that the program sees.
  int owner = ioctl(network_space, NS_GET_USERNS);
  // It may have the wanted number already, and is closed by execve then.
  if (owner < 0 || dup2(owner, network_owner) < 0 || fcntl(network_owner, F_SETFD, 0) < 0) _exit(1);
  syscall(SYS_close_range, network_owner + 1, ~0U, 0);
  pid_t child = fork();
  if (child == 0) _exit(close_routes(count, addresses));
  int status;
  if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) _exit(1);
  char *arguments[] = {
      program, "--configure", "--mtu=1500", "--disable-host-loopback", "--cidr=169.254.98.0/24",
      "--enable-seccomp", "--netns-type=path", "--userns-path=/proc/self/fd/6", "--ready-fd=4", "--exit-fd=5", "/proc/self/fd/3",
      "eth0", NULL};
  execv(program, arguments);
  _exit(1);
}
