// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#ifdef __linux__
#include "netlink.h"
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void *append(struct message *to, size_t length) {
  size_t padded = NLMSG_ALIGN(length);
  char *place = (char *)to->space + to->used;
  // A message that does not fit stays incomplete and is refused when it is sent.
  to->used += padded;
  if (to->used > sizeof to->space) return NULL;
  memset(place, 0, padded);
  return place;
}

void put_raw(struct message *to, const void *value, size_t length) {
  void *place = append(to, length);
  if (place) memcpy(place, value, length);
}

void message_begin(struct message *to, uint16_t type, uint16_t flags, const void *body, size_t length) {
  to->head = append(to, sizeof *to->head);
  if (to->head == NULL) return;
  *to->head = (struct nlmsghdr){.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags};
  put_raw(to, body, length);
}

void message_end(struct message *to) {
  if (to->head && to->used <= sizeof to->space)
    to->head->nlmsg_len = (uint32_t)((char *)to->space + to->used - (char *)to->head);
}

void put(struct message *to, uint16_t type, const void *value, size_t length) {
  struct nlattr *place = append(to, sizeof *place + length);
  if (place == NULL) return;
  *place = (struct nlattr){.nla_len = (uint16_t)(sizeof *place + length), .nla_type = type};
  if (length) memcpy(place + 1, value, length);
}

void put_text(struct message *to, uint16_t type, const char *text) { put(to, type, text, strlen(text) + 1); }
void put_u32(struct message *to, uint16_t type, uint32_t value) { put(to, type, &value, sizeof value); }
void put_be32(struct message *to, uint16_t type, uint32_t value) { put_u32(to, type, htonl(value)); }

struct nlattr *nest(struct message *to, uint16_t type) {
  struct nlattr *outer = append(to, sizeof *outer);
  if (outer) outer->nla_type = type | NLA_F_NESTED;
  return outer;
}

void nest_end(struct message *to, struct nlattr *outer) {
  if (outer && to->used <= sizeof to->space) outer->nla_len = (uint16_t)((char *)to->space + to->used - (char *)outer);
}

int netlink_open(int protocol, int *opened) {
  int made = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (made < 0) return errno;
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  // Errors come without the request that they answer.
  int one = 1;
  setsockopt(made, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
  if (bind(made, (struct sockaddr *)&address, sizeof address) < 0) {
    int error = errno;
    close(made);
    return error;
  }
  *opened = made;
  return 0;
}

int netlink_send(int socket, struct message *from) {
  if (from->used > sizeof from->space) return ENOBUFS;
  if (send(socket, from->space, from->used, 0) < 0) return errno;
  int first = 0;
  // The kernel works while it is sent to, so all answers wait already.
  for (;;) {
    uint64_t answer[512];
    ssize_t length = recv(socket, answer, sizeof answer, MSG_DONTWAIT);
    if (length < 0) return errno == EAGAIN ? first : first ? first : errno;
    struct nlmsghdr *head = (struct nlmsghdr *)answer;
    for (unsigned left = (unsigned)length; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left))
      if (head->nlmsg_type == NLMSG_ERROR && first == 0) first = -((struct nlmsgerr *)NLMSG_DATA(head))->error;
  }
}
#endif
