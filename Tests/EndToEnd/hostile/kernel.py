"""Calls of the kernel that reach beyond a process."""

import ctypes
import errno
import mmap
import os
import socket
import stat

from common import libc, tell


# Of x86-64, with arguments that would do something.
CALLS = {
    "ptrace": (101, 16, 1), "syslog": (103, 3, 0, 0), "modify_ldt": (154, 0, 0, 0), "pivot_root": (155, b"/tmp", b"/tmp"),
    "adjtimex": (159, bytes(256)), "chroot": (161, b"/tmp"), "acct": (163, b"/tmp/acct"), "settimeofday": (164, bytes(16), 0),
    "mount": (165, b"none", b"/tmp", b"tmpfs", 0, 0), "umount2": (166, b"/tmp", 2), "swapon": (167, b"/tmp/swap", 0),
    "swapoff": (168, b"/tmp/swap"), "reboot": (169, 0xfee1dead, 672274793, 0x1234567, 0), "sethostname": (170, b"mine", 4),
    "setdomainname": (171, b"mine", 4), "iopl": (172, 3), "ioperm": (173, 0x80, 1, 1), "init_module": (175, b"x", 1, b""),
    "delete_module": (176, b"ext4", 0), "quotactl": (179, 0, 0, 0, 0), "io_setup": (206, 65000, bytes(8)),
    "lookup_dcookie": (212, 1, bytes(8), 8), "clock_settime": (227, 0, bytes(16)), "mbind": (237, 0, 0, 0, 0, 0, 0),
    "kexec_load": (246, 0, 0, 0, 0), "add_key": (248, b"user", b"x", b"y", 1, -3), "request_key": (249, b"user", b"x", 0, -3),
    "keyctl": (250, 0, -3, 1), "migrate_pages": (256, 0, 8, bytes(8), bytes(8)), "unshare user": (272, 0x10000000),
    "unshare mount": (272, 0x20000), "unshare net": (272, 0x40000000), "unshare time": (272, 0x80),
    "move_pages": (279, 0, 0, 0, 0, 0, 0), "perf_event_open": (298, bytes(128), 0, -1, -1, 0), "fanotify_init": (300, 0, 0),
    "name_to_handle_at": (303, -100, b"/tmp", bytes(128), bytes(8), 0), "open_by_handle_at": (304, -100, bytes(128), 0),
    "clock_adjtime": (305, 0, bytes(256)), "process_vm_readv": (310, 1, bytes(16), 1, bytes(16), 1, 0),
    "process_vm_writev": (311, 1, bytes(16), 1, bytes(16), 1, 0), "kcmp": (312, 1, 1, 0, 0, 0), "finit_module": (313, 0, b"", 0),
    "kexec_file_load": (320, 0, 0, 0, b"", 0), "bpf": (321, 0, bytes(128), 128), "userfaultfd": (323, 0),
    "io_uring_setup": (425, 8, bytes(128)), "open_tree": (428, -100, b"/tmp", 1), "move_mount": (429, -100, b"/tmp", -100, b"/tmp", 0),
    "fsopen": (430, b"tmpfs", 0), "clone3": (435, bytes(88), 88), "mount_setattr": (442, -100, b"/tmp", 0, bytes(32), 32),
    "quotactl_fd": (443, 0, 0, 0, 0), "memfd_secret": (447, 0), "clone user": (56, 0x10000000 | 17, 0, 0, 0, 0),
    "personality": (135, 0x0040000), "vhangup": (153,), "ustat": (136, 0, bytes(64)), "x32 getpid": (0x40000000 + 39,),
    "prctl keepcaps ambient": (157, 47, 2, 21, 0, 0), "setns": None, "mknod": None, "hugetlb mmap": None, "hugetlb memfd": (319, b"x", 4),
    "hugetlb shmget": (29, 0, 1 << 21, 0o4000 | 0o1600), "realtime priority": None, "lower nice": None,
}


def system_call(name):
    special = {
        "setns": lambda: libc_call("setns", os.open("/proc/self/ns/net", os.O_RDONLY), 0),
        "mknod": lambda: os.mknod("/tmp/device", 0o666 | stat.S_IFBLK, os.makedev(254, 0)),
        "hugetlb mmap": lambda: mmap.mmap(-1, 2 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000) and "done",
        "realtime priority": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
        "lower nice": lambda: os.setpriority(os.PRIO_PROCESS, 0, -10),
    }
    if name in special:
        return tell(special[name])
    ctypes.set_errno(0)
    number, *arguments = CALLS[name]
    values = [ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]
    pid = os.getpid()
    result = libc.syscall(ctypes.c_long(number), *values)
    if os.getpid() != pid:
        os._exit(0)  # a clone that was not refused
    return "done" if result >= 0 else errno.errorcode[ctypes.get_errno()]


def libc_call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
    return "done"


def system_calls(event):
    return {name: system_call(name) for name in CALLS}


def old_entry(event):
    """The 32-bit way into the kernel numbers its calls otherwise: getpid by `int 0x80`."""
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()


def sockets(event):
    families = {
        "packet": (17, socket.SOCK_RAW, 3), "raw": (2, socket.SOCK_RAW, 1), "raw 6": (10, socket.SOCK_RAW, 58), "vsock": (40, 1, 0),
        "alg": (38, 5, 0), "netlink": (16, 3, 0), "bluetooth": (31, 3, 1), "can": (29, 3, 1), "tipc": (30, 5, 0), "xdp": (44, 3, 0),
        "netfilter": (16, 3, 12), "inet": (2, 1, 0), "unix": (1, 1, 0),
    }
    return {name: tell(lambda: socket.socket(*kind) and "done") for name, kind in families.items()}
