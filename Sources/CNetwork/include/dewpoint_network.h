// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stdint.h>

// Network namespaces, links and filter rules, over netlink. All calls return 0 or errno, and on failure name the call in `step`.
// Addresses are in host byte order. A link is named by its index, which the maker chooses: 1 is the loopback of a namespace.

// Takes the thread to a new network namespace, for good: call it on a thread that then ends. Descriptors are the caller's.
int dewpoint_new_namespace(int *space, const char **step);
// That of the thread.
int dewpoint_own_namespace(int *space, const char **step);

// Takes the thread to a namespace, for good.
int dewpoint_enter_namespace(int space);

// A netlink socket for links and addresses of the thread's namespace; it stays bound to that, wherever the thread goes.
int dewpoint_link_socket(int *socket, const char **step);

// Makes a pair of links: one in the namespace of `socket`, its peer in `space`. An index of 0 lets the kernel choose.
int dewpoint_add_pair(
    int socket, const char *name, int index, const char *peer, int peer_index, int space, const char **step);
// Raises a link and, if asked to, lets IPv4 packets that come in by it be forwarded.
int dewpoint_raise(int socket, int index, int forwards, const char **step);
int dewpoint_add_address(int socket, int index, uint32_t address, int prefix, const char **step);
// A route by a link: to a neighbour (`gateway` 0), or through one.
int dewpoint_add_route(int socket, int index, uint32_t address, int prefix, uint32_t gateway, const char **step);
// Connections to these addresses fail at once.
int dewpoint_add_unreachable(int socket, uint32_t address, int prefix, const char **step);
// In the namespace of `socket`.
int dewpoint_find_link(int socket, const char *name, int *index, const char **step);

// The rules of the router, which is the thread's namespace: functions reach by TCP and UDP what is beyond the link `up`, with at most
// `connections` each, and the server's own resolver at `names`. Nothing else.
int dewpoint_filter_router(const char *up, uint32_t names, uint32_t connections, const char **step);
// The rules of the host, in the thread's namespace: what comes in by `link` reaches nothing of the host, and leaves it with the host's own
// address. In force until `owner` is closed, also by the end of the process.
int dewpoint_filter_host(const char *link, uint32_t router, int *owner, const char **step);
// Looks in the thread's namespace for a chain of somebody else that drops what it does not know of forwarded packets, as those of container
// engines and firewalls do. Gives the name of its table, or an empty text.
int dewpoint_find_blocker(char table[64], const char **step);
