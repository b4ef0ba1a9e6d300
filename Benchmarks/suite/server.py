"""A server of our own: start, stop, clients."""
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

import boto3
import botocore.config

REGION = "us-east-1"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Key:
    """An access key. The default one is nobody's, which in the local mode is root of the account."""

    def __init__(self, id="test", secret="test"):
        self.id, self.secret = id, secret


class Server:
    # AWS's ten requests a second for each concurrent execution would be the limit that is measured.
    options = ["--lambda-concurrency", "10000"]

    def __init__(self, root):
        self.root = root
        self.binary = os.environ.get("DEWPOINT_BINARY", os.path.join(root, ".build/release/dewpoint"))
        self.process = None
        self.port = free_port()

    def __enter__(self):
        if not os.path.exists(self.binary):
            raise SystemExit(f"There is no {self.binary}: run make build first.")
        self.scratch = tempfile.mkdtemp(prefix="dewpoint-bench-")
        # Functions run as other users.
        os.chmod(self.scratch, 0o711)
        self.log = open(os.path.join(self.scratch, "server.log"), "ab")
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.stop()
        self.log.close()
        if kind and kind is not SystemExit:
            with open(self.log.name) as log:
                print("The server's last words:\n" + "".join(log.readlines()[-20:]))
        shutil.rmtree(self.scratch, ignore_errors=True)

    def start(self):
        """Returns when the server says that it is ready."""
        self.process = subprocess.Popen(
            [self.binary, "up", "--port", str(self.port), "--data", os.path.join(self.scratch, "data"), "--log-level", "warning",
             "--python", os.path.join(self.root, ".venv"), *self.options], stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if line.rstrip().endswith("Ready."):
                self.endpoint = re.search(r"endpoint=(\S+)", line)[1]
                return
        raise RuntimeError(f"the server ended with {self.process.wait()} before it was ready")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise RuntimeError("the server did not stop within 30 s of SIGTERM") from None
        self.process = None

    def kill(self):
        """As a crash would end it."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def client(self, service, key=Key()):
        return boto3.client(
            service, REGION, endpoint_url=self.endpoint, aws_access_key_id=key.id, aws_secret_access_key=key.secret,
            config=botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=60))

    def file(self, name, content):
        path = os.path.join(self.scratch, name)
        with open(path, "wb") as out:
            out.write(content)
        return path

    def memory(self):
        """(resident, proportional) megabytes of the server's own process."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as rollup:
            values = dict(re.findall(r"^(Rss|Pss):\s+(\d+) kB", rollup.read(), re.M))
        return int(values["Rss"]) / 1024, int(values["Pss"]) / 1024


def until(what, condition, limit=60.0, pause=0.02):
    """Waits for a condition to give something."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(pause)
    raise RuntimeError(f"{what}: not within {limit:.0f} s")
