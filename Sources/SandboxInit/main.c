// SPDX-License-Identifier: Apache-2.0
// The first and last program of a sandbox. It runs twice:
//   enter <file>...   outside: joins the control groups, waits for a command, then becomes it (bubblewrap)
//   enter-network <file>...   the same, in the network namespace that descriptor 4 is
//   network <slirp4netns> <address>...   outside: gives the network namespace that descriptor 3 is a way out (network.h)
//   run               inside, as process 1: prepares, drops privileges, starts the runtime
// Descriptor 3 is a SOCK_SEQPACKET socket to the server. Packets out: "L" + descriptors, "R", "X<status> <KiB>",
// "N" + network namespace, "E" step NUL path NUL errno. Packets in: the command for `enter`, the plan for `run`, "G" when the network is
// there, then "S<number> <signal>".
// A plan without a command is answered by "R" and makes a sandbox that waits for orders: "P<number>" NUL directory, command and
// environment starts a program. The program 0 is the sandbox's own: another "R" says that it runs, and it all ends with it. Others
// come with a descriptor for their output; "B<number> <errno>" tells that one runs or why not, "D<number> <status>" that it ended.
// "C<number> <port>" asks for a connection to a port inside, "C<number> <errno>" + descriptor is the answer.
// The program of the plan has the number 0, too. The steps are taken in the order of the two main functions.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

enum { control = 3, own_file = 4, plan_limit = 160 * 1024, listener_limit = 8, word_limit = 4096, program_limit = 16 };

static char plan[plan_limit + 1];
static size_t plan_length, plan_position;
static int lists_used;
// By number; 0 where none runs.
static pid_t programs[program_limit];
static int has_filter;
static sigset_t mask_before;

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
  if (lists_used == 2 || count < 0 || count > word_limit) fail("read plan", "too many words", E2BIG);
  char **list = words[lists_used++];
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
}

static void join_groups(int count, char **files) {
  for (int i = 0; i < count; i++) {
    int file = open(files[i], O_WRONLY | O_CLOEXEC);
    check(file, "open cgroup", files[i]);
    check((int)write(file, "0", 1), "join cgroup", files[i]);
    close(file);
  }
}

static void send_descriptors(const char *packet, size_t length, const int *descriptors, size_t count) {
  char buffer[CMSG_SPACE(sizeof(int) * (listener_limit + 1))] __attribute__((aligned(8))) = {0};
  struct iovec body = {.iov_base = (void *)packet, .iov_len = length};
  struct msghdr message = {.msg_iov = &body, .msg_iovlen = 1, .msg_control = buffer};
  size_t bytes = sizeof(int) * count;
  message.msg_controllen = CMSG_SPACE(bytes);
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(bytes);
  memcpy(CMSG_DATA(header), descriptors, bytes);
  check((int)sendmsg(control, &message, MSG_NOSIGNAL), "send descriptors", "");
}

static void await_network(void) {
  int space = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  check(space, "open", "/proc/self/ns/net");
  send_descriptors("N", 1, &space, 1);
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
  send_descriptors("L", 1, sockets, (size_t)count);
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

// The process, or 0 and the reason. Without an output of its own it writes to ours.
static pid_t start_program(const char *directory, char **arguments, char **environment, int output, struct failure *failure) {
  int report[2];
  check(pipe2(report, O_CLOEXEC), "pipe", "");
  pid_t child = fork();
  check(child, "fork", "");
  if (child == 0) {
    setsid();
    sigprocmask(SIG_SETMASK, &mask_before, NULL);
    if (output >= 0) child_check(dup2(output, 1), report[1], "dup2"), child_check(dup2(output, 2), report[1], "dup2");
    child_check(chdir(directory), report[1], "chdir");
    if (has_filter) child_check(install_seccomp_filter(), report[1], "seccomp");
    execve(arguments[0], arguments, environment);
    child_check(-1, report[1], "execve");
  }
  close(report[1]);
  ssize_t length = read(report[0], failure, sizeof *failure);
  close(report[0]);
  return length == sizeof *failure ? 0 : child;
}

// In a pid namespace everything dies with us; without one the sessions of the programs are what we can reach.
static void kill_programs(void) {
  for (int i = 0; i < program_limit; i++)
    if (programs[i] > 0) kill(-programs[i], SIGKILL);
}

static void say(const char *packet, int length) { send(control, packet, (size_t)length, MSG_NOSIGNAL); }

static void ended(int number, int status, long kibibytes) {
  char packet[64];
  if (number > 0) {
    programs[number] = 0;
    say(packet, snprintf(packet, sizeof packet, "D%d %d", number, status));
    return;
  }
  if (getpid() != 1) kill_programs();
  say(packet, snprintf(packet, sizeof packet, "X%d %ld", status, kibibytes));
  _exit(0);
}

static void begin_own_program(const char *directory, char **command, char **environment) {
  struct failure failure;
  programs[0] = start_program(directory, command, environment, -1, &failure);
  if (programs[0] == 0) fail(failure.step, strcmp(failure.step, "chdir") ? command[0] : directory, failure.error);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) dup2(null, 1), dup2(null, 2);
}

static void begin_program(int number, int output) {
  char packet[64];
  const char *directory = next_word();
  char **command = next_words(), **environment = next_words();
  if (number == 0) {
    if (command[0] == NULL || programs[0] > 0) fail("read plan", "no command", EINVAL);
    begin_own_program(directory, command, environment);
    say("R", 1);
    return;
  }
  struct failure failure = {.error = EINVAL};
  if (number > 0 && number < program_limit && programs[number] == 0 && command[0] != NULL && output >= 0)
    programs[number] = start_program(directory, command, environment, output, &failure);
  int error = number > 0 && number < program_limit && programs[number] > 0 ? 0 : failure.error;
  say(packet, snprintf(packet, sizeof packet, "B%d %d", number, error));
}

// A connection within the loopback is there almost at once or refused; only a listener whose queue is full lets us wait.
static int finish_connecting(int descriptor) {
  struct pollfd polled = {.fd = descriptor, .events = POLLOUT};
  int error = 0;
  socklen_t length = sizeof error;
  if (poll(&polled, 1, 50) <= 0) return ETIMEDOUT;
  return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

static void connect_inside(int number, int port) {
  char packet[64];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
  int one = 1, error = 0, descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0)
    error = errno == EINPROGRESS ? finish_connecting(descriptor) : errno;
  if (error == 0) setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  int length = snprintf(packet, sizeof packet, "C%d %d", number, error);
  if (error == 0) send_descriptors(packet, (size_t)length, &descriptor, 1);
  else say(packet, length);
  if (descriptor >= 0) close(descriptor);
}

static void signal_program(int number, int signal) {
  if (number < 0 || number >= program_limit || programs[number] <= 0) return;
  // What a program has started goes with it only when it is killed.
  kill(signal == SIGKILL ? -programs[number] : programs[number], signal);
}

// False when nothing waits.
static int take_order(void) {
  char buffer[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
  struct iovec body = {.iov_base = plan, .iov_len = plan_limit};
  struct msghdr message = {.msg_iov = &body, .msg_iovlen = 1, .msg_control = buffer, .msg_controllen = sizeof buffer};
  ssize_t length = recvmsg(control, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (length <= 0) kill_programs(), _exit(0);
  plan[length] = 0;
  plan_length = (size_t)length, plan_position = 0, lists_used = 0;
  int descriptor = -1;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header && header->cmsg_type == SCM_RIGHTS) memcpy(&descriptor, CMSG_DATA(header), sizeof(int));
  char *rest, *word = next_word();
  int number = (int)strtol(word + 1, &rest, 10);
  if (word[0] == 'S') signal_program(number, atoi(rest));
  if (word[0] == 'C') connect_inside(number, atoi(rest));
  if (word[0] == 'P') begin_program(number, descriptor);
  if (descriptor >= 0) close(descriptor);
  return 1;
}

static _Noreturn void supervise(int signals) {
  struct pollfd polled[2] = {{.fd = signals, .events = POLLIN}, {.fd = control, .events = POLLIN}};
  for (;;) {
    if (poll(polled, 2, -1) < 0 && errno != EINTR) fail("poll", "", errno);
    if (polled[0].revents) {
      struct signalfd_siginfo ignored;
      if (read(signals, &ignored, sizeof ignored) < 0 && errno != EAGAIN) fail("read signals", "", errno);
      int status;
      struct rusage usage;
      for (pid_t gone; (gone = wait4(-1, &status, WNOHANG, &usage)) > 0;)
        for (int i = 0; i < program_limit; i++)
          if (programs[i] == gone) ended(i, status, usage.ru_maxrss);
    }
    if (polled[1].revents) while (take_order()) {}
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
  has_filter = (int)next_number();
  int any_port = (int)next_number(), hand_out_namespace = (int)next_number(), awaits_network = (int)next_number();
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
  sigset_t chld;
  sigemptyset(&chld), sigaddset(&chld, SIGCHLD);
  sigprocmask(SIG_BLOCK, &chld, &mask_before);
  int signals = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
  check(signals, "signalfd", "");
  if (command[0] != NULL) begin_own_program(directory, command, environment);
  send(control, "R", 1, MSG_NOSIGNAL);
  supervise(signals);
}

int main(int count, char **arguments) {
  if (count > 1 && strcmp(arguments[1], "enter") == 0) enter(0, count - 2, arguments + 2);
  if (count > 1 && strcmp(arguments[1], "enter-network") == 0) enter(1, count - 2, arguments + 2);
  if (count > 2 && strcmp(arguments[1], "network") == 0) serve_network(arguments[2], count - 3, arguments + 3);
  if (count == 2 && strcmp(arguments[1], "run") == 0) run();
  fprintf(stderr, "sandbox-init is started by dewpoint, not by hand\n");
  return 64;
}
