// SPDX-License-Identifier: Apache-2.0
#pragma once

// Shows directories of the host read-only inside another mount namespace.
// To be called on a thread that then ends: the thread leaves the mount namespace and the file-system attributes of its process.
// Needs CAP_SYS_ADMIN over the namespace and Linux 5.12.
//   space    the namespace, an open /proc/PID/ns/mnt
//   hosts    `count` paths as this process sees them
//   guests   where each appears inside; existing directories
//   step     on failure the name of the call that failed
// Returns 0 or errno; on failure none of them may be relied upon.
int dewpoint_mount_inside(int space, int count, const char *const *hosts, const char *const *guests, const char **step);
