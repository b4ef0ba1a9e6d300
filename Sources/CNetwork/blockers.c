// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "dewpoint_network.h"

#ifdef __linux__
#include "netlink.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { list_limit = 16 };

// The attributes of a message or of a nested attribute, by their types.
struct list { const struct nlattr *of[list_limit]; };

static struct list read_attributes(const void *from, size_t length) {
  struct list found = {0};
  const char *at = from;
  while (length >= sizeof(struct nlattr)) {
    const struct nlattr *attribute = (const void *)at;
    if (attribute->nla_len < sizeof *attribute || attribute->nla_len > length) break;
    unsigned type = attribute->nla_type & NLA_TYPE_MASK;
    if (type < list_limit) found.of[type] = attribute;
    size_t step = NLA_ALIGN(attribute->nla_len);
    if (step > length) break;
    at += step, length -= step;
  }
  return found;
}

static uint32_t number(const struct nlattr *attribute) {
  uint32_t value = 0;
  if (attribute && attribute->nla_len >= sizeof *attribute + sizeof value) memcpy(&value, attribute + 1, sizeof value);
  return ntohl(value);
}

static bool drops_forwarded(const struct list *chain) {
  const struct nlattr *hook = chain->of[NFTA_CHAIN_HOOK];
  if (hook == NULL || chain->of[NFTA_CHAIN_POLICY] == NULL) return false;
  struct list place = read_attributes(hook + 1, hook->nla_len - sizeof *hook);
  return number(place.of[NFTA_HOOK_HOOKNUM]) == NF_INET_FORWARD && number(chain->of[NFTA_CHAIN_POLICY]) == NF_DROP;
}

static void look_at(const struct nlmsghdr *message, char table[64]) {
  if (message->nlmsg_type != ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWCHAIN)) return;
  const char *body = (const char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct nfgenmsg));
  struct list chain = read_attributes(body, NLMSG_PAYLOAD(message, sizeof(struct nfgenmsg)));
  const struct nlattr *name = chain.of[NFTA_CHAIN_TABLE];
  if (name && drops_forwarded(&chain)) snprintf(table, 64, "%.*s", (int)(name->nla_len - sizeof *name), (const char *)(name + 1));
}

int dewpoint_find_blocker(char table[64], const char **step) {
  *step = "list nf_tables";
  table[0] = 0;
  int socket;
  int error = netlink_open(NETLINK_NETFILTER, &socket);
  if (error) return error;
  struct message request = {0};
  struct nfgenmsg all = {.nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0};
  message_begin(&request, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETCHAIN, NLM_F_DUMP, &all, sizeof all);
  message_end(&request);
  if (send(socket, request.space, request.used, 0) < 0) error = errno;
  // A list comes in parts, each made when it is asked for.
  for (bool ended = error != 0; !ended;) {
    uint64_t answer[2048];
    ssize_t length = recv(socket, answer, sizeof answer, 0);
    if (length < 0) error = errno;
    if (length <= 0) break;
    struct nlmsghdr *head = (struct nlmsghdr *)answer;
    for (unsigned left = (unsigned)length; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
      if (head->nlmsg_type == NLMSG_DONE || head->nlmsg_type == NLMSG_ERROR) ended = true;
      look_at(head, table);
    }
  }
  close(socket);
  return error;
}
#endif
