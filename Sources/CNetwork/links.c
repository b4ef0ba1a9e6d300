// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "dewpoint_network.h"
#include <errno.h>

#ifdef __linux__
#include "netlink.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_addr.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int dewpoint_link_socket(int *socket, const char **step) {
  *step = "netlink socket";
  return netlink_open(NETLINK_ROUTE, socket);
}

static int send_request(int socket, struct message *request) {
  message_end(request);
  return netlink_send(socket, request);
}

static void begin_link(struct message *request, uint16_t flags, int index, unsigned raise) {
  struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = raise, .ifi_change = raise};
  message_begin(request, RTM_NEWLINK, NLM_F_ACK | flags, &link, sizeof link);
}

int dewpoint_add_pair(
    int socket, const char *name, int index, const char *peer, int peer_index, int space, const char **step) {
  *step = "add veth";
  struct message request = {0};
  begin_link(&request, NLM_F_CREATE | NLM_F_EXCL, index, 0);
  put_text(&request, IFLA_IFNAME, name);
  struct nlattr *info = nest(&request, IFLA_LINKINFO);
  put_text(&request, IFLA_INFO_KIND, "veth");
  struct nlattr *data = nest(&request, IFLA_INFO_DATA), *other = nest(&request, VETH_INFO_PEER);
  struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = peer_index};
  put_raw(&request, &link, sizeof link);
  put_text(&request, IFLA_IFNAME, peer);
  put_u32(&request, IFLA_NET_NS_FD, (uint32_t)space);
  nest_end(&request, other), nest_end(&request, data), nest_end(&request, info);
  return send_request(socket, &request);
}

// There is nothing that functions should reach by an address of IPv6, not even of the link.
static void refuse_link_local(int socket, int index) {
  struct message request = {0};
  begin_link(&request, 0, index, 0);
  struct nlattr *families = nest(&request, IFLA_AF_SPEC), *six = nest(&request, AF_INET6);
  uint8_t none = IN6_ADDR_GEN_MODE_NONE;
  put(&request, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof none);
  nest_end(&request, six), nest_end(&request, families);
  // It fails where IPv6 is off.
  send_request(socket, &request);
}

int dewpoint_raise(int socket, int index, int forwards, const char **step) {
  *step = "raise link";
  refuse_link_local(socket, index);
  struct message request = {0};
  begin_link(&request, 0, index, IFF_UP);
  if (forwards) {
    struct nlattr *families = nest(&request, IFLA_AF_SPEC), *four = nest(&request, AF_INET);
    struct nlattr *conf = nest(&request, IFLA_INET_CONF);
    put_u32(&request, IPV4_DEVCONF_FORWARDING, 1);
    nest_end(&request, conf), nest_end(&request, four), nest_end(&request, families);
  }
  return send_request(socket, &request);
}

int dewpoint_add_address(int socket, int index, uint32_t address, int prefix, const char **step) {
  *step = "add address";
  struct message request = {0};
  // Of global scope, although it is of the link's range: what is forwarded must be able to take it as its source.
  struct ifaddrmsg body = {
      .ifa_family = AF_INET, .ifa_prefixlen = (uint8_t)prefix, .ifa_scope = RT_SCOPE_UNIVERSE, .ifa_index = (unsigned)index};
  message_begin(&request, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
  put_be32(&request, IFA_LOCAL, address), put_be32(&request, IFA_ADDRESS, address);
  return send_request(socket, &request);
}

static int add_route(int socket, struct rtmsg body, int index, uint32_t address, uint32_t gateway) {
  struct message request = {0};
  body.rtm_family = AF_INET, body.rtm_table = RT_TABLE_MAIN, body.rtm_protocol = RTPROT_STATIC;
  message_begin(&request, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
  if (body.rtm_dst_len) put_be32(&request, RTA_DST, address);
  if (gateway) put_be32(&request, RTA_GATEWAY, gateway);
  if (index) put_u32(&request, RTA_OIF, (uint32_t)index);
  return send_request(socket, &request);
}

int dewpoint_add_route(int socket, int index, uint32_t address, int prefix, uint32_t gateway, const char **step) {
  *step = "add route";
  struct rtmsg body = {
      .rtm_dst_len = (uint8_t)prefix, .rtm_type = RTN_UNICAST, .rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK};
  return add_route(socket, body, index, address, gateway);
}

int dewpoint_add_unreachable(int socket, uint32_t address, int prefix, const char **step) {
  *step = "add unreachable route";
  struct rtmsg body = {.rtm_dst_len = (uint8_t)prefix, .rtm_type = RTN_UNREACHABLE, .rtm_scope = RT_SCOPE_UNIVERSE};
  return add_route(socket, body, 0, address, 0);
}

int dewpoint_own_namespace(int *space, const char **step) {
  *step = "open /proc/thread-self/ns/net";
  *space = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  return *space < 0 ? errno : 0;
}

int dewpoint_new_namespace(int *space, const char **step) {
  *step = "unshare network";
  if (unshare(CLONE_NEWNET) < 0) return errno;
  return dewpoint_own_namespace(space, step);
}

int dewpoint_enter_namespace(int space) { return setns(space, CLONE_NEWNET) < 0 ? errno : 0; }

int dewpoint_find_link(int socket, const char *name, int *index, const char **step) {
  *step = "find link";
  struct ifreq request = {0};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (ioctl(socket, SIOCGIFINDEX, &request) < 0) return errno;
  *index = request.ifr_ifindex;
  return 0;
}
#else
int dewpoint_own_namespace(int *space, const char **step) { *step = "network namespaces"; return ENOSYS; }
#endif
