"""Processes: others', too many, and those that stay."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import errno

from common import tell
from files import read


def processes(event):
    return {pid: tell(read, f"/proc/{pid}/cmdline") for pid in os.listdir("/proc") if pid.isdigit()}


def signals(event):
    seen = {"server": tell(os.kill, event["server"], 9), "first": tell(os.kill, 1, 9), "stop first": tell(os.kill, 1, 19)}
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    seen["all"] = tell(os.kill, -1, 9)
    seen["child"] = child.wait()
    seen["first's memory"] = tell(lambda: open("/proc/1/mem", "rb") and "open")
    seen["first's environment"] = tell(read, "/proc/1/environ")
    seen["first's descriptors"] = tell(os.listdir, "/proc/1/fd")
    seen["oom"] = tell(lambda: open("/proc/self/oom_score_adj", "w", buffering=1).write("-1000\n"))
    return seen


def fork_bomb(event):
    """Children that make children, until the end of the invocation."""
    def bomb():
        while True:
            try:
                if os.fork() == 0:
                    continue
            except OSError:
                time.sleep(0.01)
    if os.fork() == 0:
        bomb()
    time.sleep(event["seconds"])
    return tell(lambda: os.fork() or os._exit(0))


def thread_bomb(event):
    end, made = threading.Event(), 0
    try:
        while made < 5000:
            threading.Thread(target=end.wait, daemon=True).start()
            made += 1
    except RuntimeError:
        pass
    end.set()
    return made


def descriptors(event):
    held = []
    try:
        while len(held) < 5000:
            held.append(os.dup(0))
    except OSError as error:
        return [len(held), errno.errorcode[error.errno]]
    finally:
        for one in held:
            os.close(one)


def orphan(event):
    """A process in a session of its own, that goes on after the answer."""
    subprocess.Popen(
        [sys.executable, "-c", f"import time\nwhile True: open('/tmp/orphan', 'a').write('.'); time.sleep(0.01)  # {event['mark']}"],
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not os.path.exists("/tmp/orphan"):
        time.sleep(0.01)
    return os.path.getsize("/tmp/orphan")


def orphan_size(event):
    return os.path.getsize("/tmp/orphan")


def stop_myself(event):
    os.kill(os.getpid(), signal.SIGSTOP)


def busy(event):
    """Processor seconds that so many threads of work get in a second."""
    began, end = os.times(), time.monotonic() + event["seconds"]
    children = []
    for _ in range(event["processes"]):
        pid = os.fork()
        if pid == 0:
            while time.monotonic() < end:
                pass
            os._exit(0)
        children.append(pid)
    for pid in children:
        os.waitpid(pid, 0)
    now = os.times()
    return (now.children_user + now.children_system - began.children_user - began.children_system) / event["seconds"]


def look_around(event):
    status = dict(line.split(":", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
    names = ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb", "NoNewPrivs", "Seccomp")
    options = {line.split()[1]: line.split()[3].split(",")[0] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()}
    return {"status": {n: status[n].strip() for n in names}, "ids": os.getresuid() + os.getresgid(), "groups": os.getgroups(),
            "namespaces": {n: os.readlink(f"/proc/self/ns/{n}") for n in ("pid", "mnt", "ipc", "uts", "net", "cgroup")},
            "mounts": options, "interfaces": [name for _, name in socket.if_nameindex()], "host": socket.gethostname()}
