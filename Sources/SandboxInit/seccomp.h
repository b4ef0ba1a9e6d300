// SPDX-License-Identifier: Apache-2.0
// The system calls that function code may not make. Everything else is left to the namespaces, the empty capability
// sets and the uid: this list closes what those do not cover (kernel attack surface, nested user namespaces, VSOCK).
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#else
#error "add the audit architecture of this processor"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define ANSWER(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE(call) IF_EQUAL(SYS_##call, 0, 1), ANSWER(EPERM)

// With the program at this call: refuses it when an argument has this bit, else allows it.
#define REFUSE_BIT(call, argument, bit) \
  IF_EQUAL(SYS_##call, 0, 4), LOAD(args[argument]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bit), 0, 1), ANSWER(EPERM), ALLOW

// Newer than the headers of some hosts.
#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

#define NAMESPACE_FLAGS \
  (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

static int install_seccomp_filter(void) {
  struct sock_filter program[] = {
    LOAD(arch), IF_EQUAL(FILTER_ARCH, 1, 0), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
#if defined(__x86_64__)
    // The x32 numbering of the same calls would go round the list.
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), ANSWER(ENOSYS),
    REFUSE(iopl), REFUSE(ioperm), REFUSE(modify_ldt), REFUSE(uselib), REFUSE(ustat), REFUSE(sysfs),
#endif
    // The flags of clone3 are behind a pointer that a filter cannot follow; the C library falls back to clone.
    IF_EQUAL(SYS_clone3, 0, 1), ANSWER(ENOSYS),
    IF_EQUAL(SYS_clone, 0, 4),
    LOAD(args[0]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAMESPACE_FLAGS, 0, 1), ANSWER(EPERM), ALLOW,
    // VSOCK, ALG, PACKET and the rest are not separated by the network namespace, or are rarely used kernel code. Of NETLINK, only
    // ROUTE: the C libraries ask it for the interfaces.
    IF_EQUAL(SYS_socket, 0, 9),
    LOAD(args[0]), IF_EQUAL(1 /* UNIX */, 6, 0), IF_EQUAL(2 /* INET */, 5, 0), IF_EQUAL(10 /* INET6 */, 4, 0),
    IF_EQUAL(16 /* NETLINK */, 0, 2), LOAD(args[2]), IF_EQUAL(0 /* ROUTE */, 1, 0), ANSWER(EAFNOSUPPORT), ALLOW,
    // Huge pages are a store of the whole host that no control group of ours bounds.
    REFUSE_BIT(mmap, 3, 0x40000 /* MAP_HUGETLB */), REFUSE_BIT(memfd_create, 1, 4 /* MFD_HUGETLB */),
    REFUSE_BIT(shmget, 2, 04000 /* SHM_HUGETLB */),
    REFUSE(unshare), REFUSE(setns), REFUSE(mount), REFUSE(umount2), REFUSE(pivot_root), REFUSE(chroot),
    REFUSE(open_tree), REFUSE(move_mount), REFUSE(fsopen), REFUSE(fsconfig), REFUSE(fsmount), REFUSE(fspick),
    REFUSE(mount_setattr), REFUSE(open_tree_attr), REFUSE(quotactl_fd), REFUSE(open_by_handle_at), REFUSE(name_to_handle_at), REFUSE(quotactl), REFUSE(swapon),
    REFUSE(swapoff), REFUSE(acct), REFUSE(ptrace), REFUSE(process_vm_readv), REFUSE(process_vm_writev), REFUSE(kcmp),
    REFUSE(bpf), REFUSE(perf_event_open), REFUSE(userfaultfd), REFUSE(add_key), REFUSE(request_key), REFUSE(keyctl),
    REFUSE(init_module), REFUSE(finit_module), REFUSE(delete_module), REFUSE(kexec_load),
    REFUSE(kexec_file_load), REFUSE(reboot), REFUSE(fanotify_init), REFUSE(lookup_dcookie), REFUSE(memfd_secret),
    // Its contexts are counted over the whole host.
    REFUSE(io_setup),
    REFUSE(syslog), REFUSE(settimeofday), REFUSE(clock_settime), REFUSE(clock_adjtime), REFUSE(adjtimex),
    REFUSE(io_uring_setup), REFUSE(io_uring_enter), REFUSE(io_uring_register), REFUSE(personality),
    REFUSE(move_pages), REFUSE(mbind), REFUSE(migrate_pages), REFUSE(vhangup), REFUSE(nfsservctl),
    ALLOW,
  };
  struct sock_fprog filter = {.len = sizeof program / sizeof program[0], .filter = program};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}
