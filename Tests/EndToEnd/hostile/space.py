"""Memory, disk and names until there is no more."""

import ctypes
import errno
import os
import socket
import subprocess
import sys
import time

from common import libc, tell
from files import write


def fill(path, step=1 << 20):
    """Bytes written until there is no room."""
    written = 0
    try:
        with open(path, "wb", buffering=0) as file:
            while written < 4 << 30:
                written += file.write(bytes(step))
    except OSError as error:
        return [written, errno.errorcode[error.errno]]


def disk(event):
    return {path: tell(fill, path + "/filler") for path in ("/tmp", "/dev/shm", "/var/task", "/dev", "/run", "/opt", "/")}


def inodes(event):
    made = 0
    os.makedirs("/tmp/inodes", exist_ok=True)
    try:
        while made < 1 << 20:
            os.close(os.open(f"/tmp/inodes/{made}", os.O_CREAT))
            made += 1
    except OSError as error:
        return [made, errno.errorcode[error.errno]]


def memory(event):
    kind, held = event["kind"], []
    if kind == "anonymous":
        while True:
            held.append(bytearray(b"x") * (16 << 20))
    if kind == "memfd":
        return fill(f"/proc/self/fd/{os.memfd_create('filler')}")
    if kind == "children":
        while True:
            subprocess.Popen([sys.executable, "-S", "-c", "x = bytearray(b'x') * (64 << 20); input()"], stdin=subprocess.PIPE)
    if kind == "shared":
        while True:
            identifier = libc.shmget(0, 16 << 20, 0o600)
            libc.shmat.restype = ctypes.c_void_p
            ctypes.memset(libc.shmat(identifier, None, 0), 1, 16 << 20)
    if kind == "pipes":
        while True:
            for _ in range(400):
                end = os.pipe()
                os.set_blocking(end[1], False)
                tell(lambda: [os.write(end[1], bytes(65536)) for _ in range(16)])
                held.append(end)
            if os.fork():
                time.sleep(60)
            for end in held:
                os.close(end[0]), os.close(end[1])
            held.clear()
    if kind == "unix sockets":
        while True:
            for _ in range(400):
                pair = socket.socketpair()
                pair[0].setblocking(False)
                tell(lambda: [pair[0].send(bytes(65536)) for _ in range(64)])
                held.append(pair)
            if os.fork():
                time.sleep(60)
            for pair in held:
                pair[0].close(), pair[1].close()
            held.clear()
    return None


def links(event):
    """Things that a careless cleaner with more rights would follow or stumble over."""
    os.makedirs("/tmp/a", exist_ok=True)
    for number, target in enumerate(event["targets"]):
        os.symlink(target, f"/tmp/a/link{number}")
        os.symlink(target, f"/tmp/{number}")
    os.symlink("..", "/tmp/a/up")
    os.symlink("loop", "/tmp/loop")
    os.mkfifo("/tmp/pipe")
    name = "/tmp/" + "n" * 255
    os.makedirs(name, exist_ok=True)
    for odd in (b"/tmp/\xff\xfe", b"/tmp/a\nb", b"/tmp/-rf", b"/tmp/ "):
        os.makedirs(odd, exist_ok=True)
    os.chdir("/tmp")
    depth = 0
    while depth < 2000:
        os.mkdir("d")
        os.chdir("d")
        depth += 1
    os.chdir("/var/task")
    # The directory itself cannot be exchanged for a link.
    return [depth, tell(os.rename, "/tmp", "/tmp2"), tell(os.rmdir, "/tmp"), tell(os.symlink, "/etc", "/tmp3")]


def empty_tmp(event):
    subprocess.run("rm -rf /tmp/* /tmp/.[!.]*; chmod 0 /tmp", shell=True)
    return os.stat("/tmp").st_mode & 0o777


def write_tmp(event):
    os.chmod("/tmp", 0o700)
    return tell(write, "/tmp/again")
