// SPDX-License-Identifier: Apache-2.0
// The calls that Swift cannot make: they have no wrappers in older C libraries, and `syscall` is variadic.
#define _GNU_SOURCE
#include "late_mount.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __linux__
enum { tree_limit = 8, open_tree_clone = 1, from_empty_path = 4 };
enum { read_only = 1, no_suid = 2, no_devices = 4 };

#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

struct attributes { uint64_t set, clear, propagation, user_namespace; };

static int open_trees(int count, const char *const *hosts, int *trees, const char **step) {
  for (int i = 0; i < count; i++) {
    *step = "open_tree";
    trees[i] = (int)syscall(SYS_open_tree, AT_FDCWD, hosts[i], open_tree_clone | O_CLOEXEC);
    if (trees[i] < 0) return errno;
    // Read-only before it is seen: a remount inside could be undone or missed.
    struct attributes attributes = {.set = read_only | no_suid | no_devices};
    *step = "mount_setattr";
    if (syscall(SYS_mount_setattr, trees[i], "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0) return errno;
  }
  return 0;
}

static int place_trees(int space, int count, const int *trees, const char *const *guests, const char **step) {
  *step = "unshare";
  if (unshare(CLONE_FS) < 0) return errno;
  *step = "setns";
  if (setns(space, CLONE_NEWNS) < 0) return errno;
  *step = "move_mount";
  for (int i = 0; i < count; i++)
    if (syscall(SYS_move_mount, trees[i], "", AT_FDCWD, guests[i], from_empty_path) < 0) return errno;
  return 0;
}

int dewpoint_mount_inside(int space, int count, const char *const *hosts, const char *const *guests, const char **step) {
  int trees[tree_limit] = {-1, -1, -1, -1, -1, -1, -1, -1};
  *step = "count";
  if (count > tree_limit) return E2BIG;
  int error = open_trees(count, hosts, trees, step);
  if (error == 0) error = place_trees(space, count, trees, guests, step);
  for (int i = 0; i < count; i++)
    if (trees[i] >= 0) close(trees[i]);
  return error;
}
#else
int dewpoint_mount_inside(int space, int count, const char *const *hosts, const char *const *guests, const char **step) {
  *step = "mount namespaces";
  return ENOSYS;
}
#endif
