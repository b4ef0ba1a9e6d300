// SPDX-License-Identifier: Apache-2.0
// The first and last program of a sandbox. It runs twice:
//   enter <file>...   outside: joins the control groups, waits for a command, then becomes it (bubblewrap)
//   enter-network <file>...   the same, in the network namespace that descriptor 4 is
//   network <slirp4netns> <address>...   outside: gives the network namespace that descriptor 3 is a way out (network.h)
//   run               inside, as process 1: prepares, drops privileges, starts the runtime
// Descriptor 3 is a SOCK_SEQPACKET socket to the server. Packets out: "L" + descriptors, "R", "X<status> <KiB>",
// "N" + network namespace, "E" step NUL path NUL errno. Packets in: the command for `enter`, the plan for `run`, "G" when the network is
// there, then "S<signal>". A plan without a command is answered by "R" and followed by a packet with the program; another "R" says that
// it runs.
// The steps are taken in the order of the two main functions.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "network.h"
#include "seccomp.h"

enum { control = 3, own_file = 4, plan_limit = 160 * 1024, listener_limit = 8, word_limit = 4096 };

static char plan[plan_limit + 1];
static size_t plan_length, plan_position;
static int lists_read;

static _Noreturn void fail(const char *step, const char *path, int error) {
  char packet[1024];
  int length = snprintf(packet, sizeof packet, "E%s%c%.700s%c%d", step, 0, path, 0, error);
  send(control, packet, (size_t)length, MSG_NOSIGNAL);
  _exit(125);
}

static void check(int result, const char *step, const char *path) {
  if (result < 0) fail(step, path, errno);
}

static char *next_word(void) {
  if (plan_position >= plan_length) fail("read plan", "too short", EPROTO);
  char *word = plan + plan_position;
  plan_position += strlen(word) + 1;
  return word;
}

static long next_number(void) { return strtol(next_word(), NULL, 10); }

static char **next_words(void) {
  static char *words[2][word_limit + 1];
  long count = next_number();
  if (lists_read == 2 || count < 0 || count > word_limit) fail("read plan", "too many words", E2BIG);
  char **list = words[lists_read++];
  for (long i = 0; i < count; i++) list[i] = next_word();
  list[count] = NULL;
  return list;
}

static void read_plan(void) {
  ssize_t length = recv(control, plan, plan_limit, MSG_TRUNC);
  check((int)length, "read plan", "");
  // An empty packet is the end of the server, or of its interest in us.
  if (length == 0) _exit(0);
  if (length > plan_limit) fail("read plan", "", EMSGSIZE);
  plan_length = (size_t)length;
  plan_position = 0, lists_read = 0;
}

static void join_groups(int count, char **files) {
  for (int i = 0; i < count; i++) {
    int file = open(files[i], O_WRONLY | O_CLOEXEC);
    check(file, "open cgroup", files[i]);
    check((int)write(file, "0", 1), "join cgroup", files[i]);
    close(file);
  }
}

static void send_descriptors(const char *kind, const int *descriptors, size_t count) {
  char buffer[CMSG_SPACE(sizeof(int) * (listener_limit + 1))] __attribute__((aligned(8))) = {0};
  struct iovec body = {.iov_base = (void *)kind, .iov_len = 1};
  struct msghdr message = {.msg_iov = &body, .msg_iovlen = 1, .msg_control = buffer};
  size_t bytes = sizeof(int) * count;
  message.msg_controllen = CMSG_SPACE(bytes);
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(bytes);
  memcpy(CMSG_DATA(header), descriptors, bytes);
  check((int)sendmsg(control, &message, MSG_NOSIGNAL), "send descriptors", kind);
}

static void await_network(void) {
  int space = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  check(space, "open", "/proc/self/ns/net");
  send_descriptors("N", &space, 1);
  close(space);
  char answer[16];
  ssize_t length = recv(control, answer, sizeof answer, 0);
  check((int)length, "await network", "");
  if (length == 0) _exit(0);
  if (answer[0] != 'G') fail("await network", "", EPROTO);
}

// The loopback interface is up already: bubblewrap raises it when it makes the network namespace.
static void open_listeners(int any_port, int hand_out_namespace) {
  long count = next_number();
  if (count < 0 || count > listener_limit) fail("listen", "too many ports", E2BIG);
  int sockets[listener_limit + 1];
  for (long i = 0; i < count; i++) {
    const char *port = next_word();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = any_port ? 0 : htons((uint16_t)atoi(port));
    int one = 1;
    sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    check(sockets[i], "socket", port);
    check(setsockopt(sockets[i], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), "setsockopt", port);
    check(bind(sockets[i], (struct sockaddr *)&address, sizeof address), "bind", port);
    check(listen(sockets[i], 128), "listen", port);
  }
  if (hand_out_namespace) {
    sockets[count] = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    check(sockets[count++], "open", "/proc/self/ns/mnt");
  }
  if (count == 0) return;
  send_descriptors("L", sockets, (size_t)count);
  for (long i = 0; i < count; i++) close(sockets[i]);
}

static void limit(int resource, rlim_t value, const char *name) {
  struct rlimit have, want = {value, value};
  check(getrlimit(resource, &have), "getrlimit", name);
  if (have.rlim_max < value) want.rlim_cur = want.rlim_max = have.rlim_max;
  check(setrlimit(resource, &want), "setrlimit", name);
}

static void drop_privileges(long uid, long gid) {
  // Without CAP_SETPCAP the bounding set stays: then there is no capability that it could give back.
  for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
  if (uid >= 0) {
    check(setgroups(0, NULL), "setgroups", "");
    check(setresgid((gid_t)gid, (gid_t)gid, (gid_t)gid), "setresgid", "");
    check(setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid), "setresuid", "");
    if (getuid() != (uid_t)uid || geteuid() != (uid_t)uid) fail("setresuid", "not dropped", EPERM);
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0}};
  check((int)syscall(SYS_capset, &head, none), "capset", "");
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs", "");
  // Function code has this uid too: it must not be able to trace process 1 or to open its descriptors.
  check(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "set not dumpable", "");
  // The change of uid cleared what bubblewrap asked for. It helps only where our parent may signal us, that is without
  // a change of uid; otherwise the end of the socket is what tells us that the server has died.
  check(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "set parent death signal", "");
}

struct failure { int error; char step[16]; };

static void child_check(int result, int report, const char *step) {
  if (result >= 0) return;
  struct failure failure = {.error = errno};
  snprintf(failure.step, sizeof failure.step, "%s", step);
  _exit(write(report, &failure, sizeof failure) == sizeof failure ? 126 : 127);
}

static pid_t start_runtime(const char *directory, char **arguments, char **environment, int filter, const sigset_t *mask) {
  int report[2];
  check(pipe2(report, O_CLOEXEC), "pipe", "");
  pid_t child = fork();
  check(child, "fork", "");
  if (child == 0) {
    setsid();
    sigprocmask(SIG_SETMASK, mask, NULL);
    child_check(chdir(directory), report[1], "chdir");
    if (filter) child_check(install_seccomp_filter(), report[1], "seccomp");
    execve(arguments[0], arguments, environment);
    child_check(-1, report[1], "execve");
  }
  close(report[1]);
  struct failure failure;
  ssize_t length = read(report[0], &failure, sizeof failure);
  close(report[0]);
  if (length == sizeof failure) fail(failure.step, strcmp(failure.step, "chdir") ? arguments[0] : directory, failure.error);
  return child;
}

static _Noreturn void leave(pid_t child, int status, long kibibytes) {
  char packet[64];
  int length = snprintf(packet, sizeof packet, "X%d %ld", status, kibibytes);
  // In a pid namespace everything dies with us; without one the runtime's session is what we can reach.
  if (getpid() != 1) kill(-child, SIGKILL);
  send(control, packet, (size_t)length, MSG_NOSIGNAL);
  _exit(0);
}

static _Noreturn void supervise(pid_t child, int signals) {
  struct pollfd polled[2] = {{.fd = signals, .events = POLLIN}, {.fd = control, .events = POLLIN}};
  for (;;) {
    if (poll(polled, 2, -1) < 0 && errno != EINTR) fail("poll", "", errno);
    if (polled[0].revents) {
      struct signalfd_siginfo ignored;
      if (read(signals, &ignored, sizeof ignored) < 0 && errno != EAGAIN) fail("read signals", "", errno);
      int status;
      struct rusage usage;
      for (pid_t ended; (ended = wait4(-1, &status, WNOHANG, &usage)) > 0;)
        if (ended == child) leave(child, status, usage.ru_maxrss);
    }
    if (polled[1].revents) {
      char packet[16] = {0};
      ssize_t length = recv(control, packet, sizeof packet - 1, MSG_DONTWAIT);
      if (length == 0 || (length < 0 && errno != EAGAIN)) kill(-child, SIGKILL), _exit(0);
      if (length > 1 && packet[0] == 'S') kill(child, atoi(packet + 1));
    }
  }
}

static _Noreturn void enter(int joins_network, int count, char **files) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (joins_network) check(setns(own_file, CLONE_NEWNET), "join network", "");
  join_groups(count, files);
  // Bubblewrap hands all descriptors on, so the inner run is started from this one: its file needs no mount inside.
  int file = open("/proc/self/exe", O_PATH);
  check(file, "open", "/proc/self/exe");
  check(dup2(file, own_file), "dup2", "");
  syscall(SYS_close_range, own_file + 1, ~0U, 0);
  read_plan();
  char **command = next_words();
  if (command[0] == NULL) fail("read plan", "no command", EINVAL);
  execv(command[0], command);
  fail("execve", command[0], errno);
}

static _Noreturn void run(void) {
  fcntl(control, F_SETFD, FD_CLOEXEC);
  close(own_file);
  prctl(PR_SET_NAME, "sandbox-init", 0, 0, 0);
  read_plan();
  long uid = next_number(), gid = next_number();
  rlim_t files = (rlim_t)next_number(), processes = (rlim_t)next_number();
  int filter = (int)next_number(), any_port = (int)next_number();
  int hand_out_namespace = (int)next_number(), awaits_network = (int)next_number();
  open_listeners(any_port, hand_out_namespace);
  if (awaits_network) await_network();
  const char *directory = next_word();
  char **command = next_words(), **environment = next_words();
  umask(022);
  limit(RLIMIT_CORE, 0, "core");
  limit(RLIMIT_NOFILE, files, "nofile");
  if (processes > 0) limit(RLIMIT_NPROC, processes, "nproc");
  if (getpid() != 1) prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  drop_privileges(uid, gid);
  if (command[0] == NULL) {
    send(control, "R", 1, MSG_NOSIGNAL);
    read_plan();
    directory = next_word(), command = next_words(), environment = next_words();
    if (command[0] == NULL) fail("read plan", "no command", EINVAL);
  }
  sigset_t chld, before;
  sigemptyset(&chld), sigaddset(&chld, SIGCHLD);
  sigprocmask(SIG_BLOCK, &chld, &before);
  int signals = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
  check(signals, "signalfd", "");
  pid_t child = start_runtime(directory, command, environment, filter, &before);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) dup2(null, 1), dup2(null, 2);
  send(control, "R", 1, MSG_NOSIGNAL);
  supervise(child, signals);
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "enter") == 0) enter(0, count - 2, arguments + 2);
  if (count > 1 && strcmp(arguments[1], "enter-network") == 0) enter(1, count - 2, arguments + 2);
  if (count > 2 && strcmp(arguments[1], "network") == 0) serve_network(arguments[2], count - 3, arguments + 3);
  if (count == 2 && strcmp(arguments[1], "run") == 0) run();
  fprintf(stderr, "sandbox-init is started by dewpoint, not by hand\n");
  return 64;
}
