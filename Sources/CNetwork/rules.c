// SPDX-License-Identifier: Apache-2.0
// The packet filter, as nf_tables takes it. Each rule is written beside its form in the language of `nft`.
#define _GNU_SOURCE
#include "dewpoint_network.h"
#include <errno.h>

#ifdef __linux__
#include "netlink.h"
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { link_local = 0xa9fe0000, smtp = 25, name_service = 53 };

struct table {
  struct message message;
  const char *name, *chain;
  struct nlattr *rule;
};

// The table

static void begin(struct table *to, uint16_t type, uint16_t flags) {
  struct nfgenmsg head = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
  message_begin(&to->message, (NFNL_SUBSYS_NFTABLES << 8) | type, NLM_F_ACK | flags, &head, sizeof head);
}

static void batch(struct table *to, uint16_t type) {
  struct nfgenmsg head = {.version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
  message_begin(&to->message, type, 0, &head, sizeof head);
  message_end(&to->message);
}

static void add_table(struct table *to, uint32_t flags) {
  batch(to, NFNL_MSG_BATCH_BEGIN);
  begin(to, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
  put_text(&to->message, NFTA_TABLE_NAME, to->name);
  put_be32(&to->message, NFTA_TABLE_FLAGS, flags);
  message_end(&to->message);
}

static void add_chain(struct table *to, const char *name, const char *type, uint32_t hook, int priority, uint32_t policy) {
  to->chain = name;
  begin(to, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL);
  put_text(&to->message, NFTA_CHAIN_TABLE, to->name);
  put_text(&to->message, NFTA_CHAIN_NAME, name);
  struct nlattr *place = nest(&to->message, NFTA_CHAIN_HOOK);
  put_be32(&to->message, NFTA_HOOK_HOOKNUM, hook);
  put_be32(&to->message, NFTA_HOOK_PRIORITY, (uint32_t)priority);
  nest_end(&to->message, place);
  put_be32(&to->message, NFTA_CHAIN_POLICY, policy);
  put_text(&to->message, NFTA_CHAIN_TYPE, type);
  message_end(&to->message);
}

static int commit(struct table *from, int socket) {
  batch(from, NFNL_MSG_BATCH_END);
  return netlink_send(socket, &from->message);
}

// Expressions

static void begin_rule(struct table *to) {
  begin(to, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  put_text(&to->message, NFTA_RULE_TABLE, to->name);
  put_text(&to->message, NFTA_RULE_CHAIN, to->chain);
  to->rule = nest(&to->message, NFTA_RULE_EXPRESSIONS);
}

static void end_rule(struct table *to) {
  nest_end(&to->message, to->rule);
  message_end(&to->message);
}

struct expression { struct nlattr *element, *data; };

static struct expression begin_expression(struct table *to, const char *name) {
  struct expression made = {.element = nest(&to->message, NFTA_LIST_ELEM)};
  put_text(&to->message, NFTA_EXPR_NAME, name);
  made.data = nest(&to->message, NFTA_EXPR_DATA);
  return made;
}

static void end_expression(struct table *to, struct expression made) {
  nest_end(&to->message, made.data), nest_end(&to->message, made.element);
}

static void load_meta(struct table *to, uint32_t key) {
  struct expression made = begin_expression(to, "meta");
  put_be32(&to->message, NFTA_META_KEY, key), put_be32(&to->message, NFTA_META_DREG, NFT_REG_1);
  end_expression(to, made);
}

static void load_payload(struct table *to, uint32_t base, uint32_t offset, uint32_t length) {
  struct expression made = begin_expression(to, "payload");
  put_be32(&to->message, NFTA_PAYLOAD_DREG, NFT_REG_1), put_be32(&to->message, NFTA_PAYLOAD_BASE, base);
  put_be32(&to->message, NFTA_PAYLOAD_OFFSET, offset), put_be32(&to->message, NFTA_PAYLOAD_LEN, length);
  end_expression(to, made);
}

static void put_value(struct table *to, uint16_t type, const void *value, size_t length) {
  struct nlattr *place = nest(&to->message, type);
  put(&to->message, NFTA_DATA_VALUE, value, length);
  nest_end(&to->message, place);
}

static void compare(struct table *to, uint32_t operator, const void *value, size_t length) {
  struct expression made = begin_expression(to, "cmp");
  put_be32(&to->message, NFTA_CMP_SREG, NFT_REG_1), put_be32(&to->message, NFTA_CMP_OP, operator);
  put_value(to, NFTA_CMP_DATA, value, length);
  end_expression(to, made);
}

static void mask(struct table *to, uint32_t bits) {
  uint32_t zero = 0;
  struct expression made = begin_expression(to, "bitwise");
  put_be32(&to->message, NFTA_BITWISE_SREG, NFT_REG_1), put_be32(&to->message, NFTA_BITWISE_DREG, NFT_REG_1);
  put_be32(&to->message, NFTA_BITWISE_LEN, sizeof bits);
  put_value(to, NFTA_BITWISE_MASK, &bits, sizeof bits), put_value(to, NFTA_BITWISE_XOR, &zero, sizeof zero);
  end_expression(to, made);
}

static void link_is(struct table *to, uint32_t key, uint32_t operator, const char *name) {
  char padded[IFNAMSIZ] = {0};
  snprintf(padded, sizeof padded, "%s", name);
  load_meta(to, key);
  compare(to, operator, padded, sizeof padded);
}

static void comes_by(struct table *to, const char *link) { link_is(to, NFT_META_IIFNAME, NFT_CMP_EQ, link); }
static void leaves_by(struct table *to, const char *link) { link_is(to, NFT_META_OIFNAME, NFT_CMP_EQ, link); }
static void leaves_not_by(struct table *to, const char *link) { link_is(to, NFT_META_OIFNAME, NFT_CMP_NEQ, link); }

static void is_protocol(struct table *to, uint8_t protocol) {
  load_meta(to, NFT_META_L4PROTO);
  compare(to, NFT_CMP_EQ, &protocol, sizeof protocol);
}

static void goes_to_port(struct table *to, uint16_t port) {
  uint16_t bytes = htons(port);
  load_payload(to, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof bytes);
  compare(to, NFT_CMP_EQ, &bytes, sizeof bytes);
}

static void is_version_4(struct table *to) {
  uint8_t family = NFPROTO_IPV4;
  load_meta(to, NFT_META_NFPROTO);
  compare(to, NFT_CMP_EQ, &family, sizeof family);
}

enum { source = 12, destination = 16 };

static void address_is(struct table *to, uint32_t offset, uint32_t address, uint32_t bits) {
  uint32_t bytes = htonl(address);
  is_version_4(to);
  load_payload(to, NFT_PAYLOAD_NETWORK_HEADER, offset, sizeof bytes);
  if (bits != UINT32_MAX) mask(to, htonl(bits));
  compare(to, NFT_CMP_EQ, &bytes, sizeof bytes);
}

static void belongs_to_a_connection(struct table *to) {
  // Established is bit 1, related bit 2, in the order of the processor.
  uint32_t none = 0;
  struct expression made = begin_expression(to, "ct");
  put_be32(&to->message, NFTA_CT_DREG, NFT_REG_1), put_be32(&to->message, NFTA_CT_KEY, NFT_CT_STATE);
  end_expression(to, made);
  mask(to, 1u << 1 | 1u << 2);
  compare(to, NFT_CMP_NEQ, &none, sizeof none);
}

// Whether the destination is an address of this host, whatever interface has it.
static void goes_to_this_host(struct table *to) {
  uint32_t local = RTN_LOCAL;
  struct expression made = begin_expression(to, "fib");
  put_be32(&to->message, NFTA_FIB_DREG, NFT_REG_1), put_be32(&to->message, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
  put_be32(&to->message, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
  end_expression(to, made);
  compare(to, NFT_CMP_EQ, &local, sizeof local);
}

static void verdict(struct table *to, uint32_t code) {
  struct expression made = begin_expression(to, "immediate");
  put_be32(&to->message, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
  struct nlattr *data = nest(&to->message, NFTA_IMMEDIATE_DATA), *inner = nest(&to->message, NFTA_DATA_VERDICT);
  put_be32(&to->message, NFTA_VERDICT_CODE, code);
  nest_end(&to->message, inner), nest_end(&to->message, data);
  end_expression(to, made);
}

// So that the function learns at once that it may not, instead of waiting.
static void reject(struct table *to) {
  uint8_t code = NFT_REJECT_ICMPX_ADMIN_PROHIBITED;
  struct expression made = begin_expression(to, "reject");
  put_be32(&to->message, NFTA_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
  put(&to->message, NFTA_REJECT_ICMP_CODE, &code, sizeof code);
  end_expression(to, made);
}

static void masquerade(struct table *to) { end_expression(to, begin_expression(to, "masq")); }

// Connections by source

static const char clients[] = "clients";

// set clients { type ipv4_addr; size 65535; flags dynamic; }
static void add_clients(struct table *to) {
  begin(to, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL);
  put_text(&to->message, NFTA_SET_TABLE, to->name), put_text(&to->message, NFTA_SET_NAME, clients);
  put_be32(&to->message, NFTA_SET_ID, 1), put_be32(&to->message, NFTA_SET_FLAGS, NFT_SET_EVAL);
  put_be32(&to->message, NFTA_SET_KEY_TYPE, 7 /* ipv4_addr */), put_be32(&to->message, NFTA_SET_KEY_LEN, 4);
  struct nlattr *size = nest(&to->message, NFTA_SET_DESC);
  put_be32(&to->message, NFTA_SET_DESC_SIZE, 65535);
  nest_end(&to->message, size);
  message_end(&to->message);
}

static void put_limit(struct table *to, uint32_t connections) {
  put_be32(&to->message, NFTA_CONNLIMIT_COUNT, connections), put_be32(&to->message, NFTA_CONNLIMIT_FLAGS, NFT_CONNLIMIT_F_INV);
}

// ct count over N
static void have_more_than(struct table *to, uint32_t connections) {
  struct expression made = begin_expression(to, "connlimit");
  put_limit(to, connections);
  end_expression(to, made);
}

// add @clients { ip saddr ct count over N }
static void has_more_than(struct table *to, uint32_t connections) {
  is_version_4(to);
  load_payload(to, NFT_PAYLOAD_NETWORK_HEADER, source, 4);
  struct expression made = begin_expression(to, "dynset");
  put_text(&to->message, NFTA_DYNSET_SET_NAME, clients), put_be32(&to->message, NFTA_DYNSET_SET_ID, 1);
  put_be32(&to->message, NFTA_DYNSET_OP, NFT_DYNSET_OP_ADD), put_be32(&to->message, NFTA_DYNSET_SREG_KEY, NFT_REG_1);
  struct nlattr *inner = nest(&to->message, NFTA_DYNSET_EXPR);
  put_text(&to->message, NFTA_EXPR_NAME, "connlimit");
  struct nlattr *data = nest(&to->message, NFTA_EXPR_DATA);
  put_limit(to, connections);
  nest_end(&to->message, data), nest_end(&to->message, inner);
  end_expression(to, made);
}

static void add_router_input(struct table *to, uint32_t names) {
  add_chain(to, "input", "filter", NF_INET_LOCAL_IN, 0, NF_DROP);
  // ct state established,related accept
  begin_rule(to), belongs_to_a_connection(to), verdict(to, NF_ACCEPT), end_rule(to);
  // ip daddr NAMES udp dport 53 accept; and tcp
  const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_TCP};
  for (size_t at = 0; at < sizeof protocols; at++) {
    begin_rule(to), address_is(to, destination, names, UINT32_MAX), is_protocol(to, protocols[at]);
    goes_to_port(to, name_service), verdict(to, NF_ACCEPT), end_rule(to);
  }
  begin_rule(to), reject(to), end_rule(to);
}

static void add_router_forward(struct table *to, const char *up, uint32_t connections) {
  add_chain(to, "forward", "filter", NF_INET_FORWARD, 0, NF_DROP);
  // ct state established,related accept
  begin_rule(to), belongs_to_a_connection(to), verdict(to, NF_ACCEPT), end_rule(to);
  // oifname != UP drop: neither another function, nor anything new from outside
  begin_rule(to), leaves_not_by(to, up), verdict(to, NF_DROP), end_rule(to);
  // ip daddr 169.254.0.0/16 reject
  begin_rule(to), address_is(to, destination, link_local, 0xffff0000), reject(to), end_rule(to);
  // tcp dport 25 drop
  begin_rule(to), is_protocol(to, IPPROTO_TCP), goes_to_port(to, smtp), verdict(to, NF_DROP), end_rule(to);
  // add @clients { ip saddr ct count over N } reject
  begin_rule(to), has_more_than(to, connections), reject(to), end_rule(to);
  // ct count over 32 N reject: the host has one table of connections for itself and for all functions together
  begin_rule(to), have_more_than(to, 32 * connections), reject(to), end_rule(to);
  // meta l4proto { tcp, udp } accept
  begin_rule(to), is_protocol(to, IPPROTO_TCP), verdict(to, NF_ACCEPT), end_rule(to);
  begin_rule(to), is_protocol(to, IPPROTO_UDP), verdict(to, NF_ACCEPT), end_rule(to);
}

int dewpoint_filter_router(const char *up, uint32_t names, uint32_t connections, const char **step) {
  *step = "open nf_tables";
  int socket;
  int error = netlink_open(NETLINK_NETFILTER, &socket);
  if (error) return error;
  *step = "filter the router";
  struct table table = {.name = "dewpoint"};
  add_table(&table, 0);
  add_clients(&table);
  add_router_input(&table, names);
  add_router_forward(&table, up, connections);
  // oifname UP masquerade
  add_chain(&table, "postrouting", "nat", NF_INET_POST_ROUTING, 100, NF_ACCEPT);
  begin_rule(&table), leaves_by(&table, up), masquerade(&table), end_rule(&table);
  error = commit(&table, socket);
  close(socket);
  return error;
}

int dewpoint_filter_host(const char *link, uint32_t router, int *owner, const char **step) {
  *step = "open nf_tables";
  int socket;
  int error = netlink_open(NETLINK_NETFILTER, &socket);
  if (error) return error;
  *step = "filter the host";
  // The name of the link is of this server alone.
  struct table table = {.name = link};
  add_table(&table, NFT_TABLE_F_OWNER);
  // Before others translate addresses: ports that a container engine publishes are services of the host, too.
  add_chain(&table, "prerouting", "filter", NF_INET_PRE_ROUTING, -300, NF_ACCEPT);
  // iifname LINK fib daddr type local reject
  begin_rule(&table), comes_by(&table, link), goes_to_this_host(&table), reject(&table), end_rule(&table);
  add_chain(&table, "input", "filter", NF_INET_LOCAL_IN, -10, NF_ACCEPT);
  // iifname LINK reject: broadcasts, and what others have translated
  begin_rule(&table), comes_by(&table, link), reject(&table), end_rule(&table);
  add_chain(&table, "forward", "filter", NF_INET_FORWARD, -10, NF_ACCEPT);
  // iifname LINK ip daddr 169.254.0.0/16 drop
  begin_rule(&table), comes_by(&table, link), address_is(&table, destination, link_local, 0xffff0000);
  verdict(&table, NF_DROP), end_rule(&table);
  // oifname LINK ct state established,related accept; oifname LINK drop
  begin_rule(&table), leaves_by(&table, link), belongs_to_a_connection(&table), verdict(&table, NF_ACCEPT), end_rule(&table);
  begin_rule(&table), leaves_by(&table, link), verdict(&table, NF_DROP), end_rule(&table);
  // ip saddr ROUTER oifname != LINK masquerade
  add_chain(&table, "postrouting", "nat", NF_INET_POST_ROUTING, 100, NF_ACCEPT);
  begin_rule(&table), address_is(&table, source, router, UINT32_MAX), leaves_not_by(&table, link);
  masquerade(&table), end_rule(&table);
  error = commit(&table, socket);
  if (error) close(socket); else *owner = socket;
  return error;
}
#endif
