// SPDX-License-Identifier: Apache-2.0
// Netlink messages: made in a buffer of fixed size, sent, and their answers heard.
#pragma once
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

struct message {
  // Of 8 bytes each, because netlink headers want this alignment.
  uint64_t space[2048];
  size_t used;
  // The start of the message under way.
  struct nlmsghdr *head;
};

// Begins another message; `body` follows its header.
void message_begin(struct message *to, uint16_t type, uint16_t flags, const void *body, size_t length);
void message_end(struct message *to);
// Bytes without a type: a header within an attribute.
void put_raw(struct message *to, const void *value, size_t length);
void put(struct message *to, uint16_t type, const void *value, size_t length);
void put_text(struct message *to, uint16_t type, const char *text);
void put_u32(struct message *to, uint16_t type, uint32_t value);
// The number in network byte order, as nf_tables wants it.
void put_be32(struct message *to, uint16_t type, uint32_t value);
struct nlattr *nest(struct message *to, uint16_t type);
void nest_end(struct message *to, struct nlattr *outer);

int netlink_open(int protocol, int *socket);
// Sends what the buffer has and hears the answers: the first error, or 0. The kernel has done all of it when it returns.
int netlink_send(int socket, struct message *from);
