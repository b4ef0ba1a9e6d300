"""Files that are not the function's."""

import os
import pathlib
import stat
import subprocess

from common import tell


def read(path):
    if os.path.isdir(path):
        return sorted(os.listdir(path))
    with open(path, "rb") as file:
        return file.read(200).decode("latin-1")


def write(path):
    with open(path, "r+b" if os.path.exists(path) else "wb", buffering=0) as file:
        file.write(b"1")
    return "written"


def files(event):
    return {"read": {p: tell(read, p) for p in event["read"]}, "write": {p: tell(write, p) for p in event["write"]},
            "chmod": tell(os.chmod, "/var/task", 0o777), "chown": tell(os.chown, "/var/task", os.getuid(), -1),
            "devices": sorted(os.listdir("/dev")), "root": sorted(os.listdir("/"))}


def setuid(event):
    """A program of root with the set-user-id bit, and what its processes are."""
    found = next((p for p in ("/usr/bin/su", "/bin/su", "/usr/bin/passwd", "/usr/bin/chsh") if os.access(p, os.X_OK)), None)
    if found is None or not os.stat(found).st_mode & stat.S_ISUID:
        return None
    process = subprocess.Popen([found], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    # By then it is the program: Popen returns after its execve.
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    process.kill()
    process.wait()
    ids = {line.split(":")[0]: line.split()[1:] for line in status.splitlines() if line.startswith(("Uid", "CapEff"))}
    return ids | {"mine": os.getuid()}
