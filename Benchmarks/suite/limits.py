"""What the machine can do at best, measured when first asked for and once per run."""
import functools
import os
import statistics
import subprocess
import tempfile
import time

from suite import load
from suite.server import free_port, until

FUNCTIONS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "functions")


class Limits:
    def __init__(self, root):
        self.root = root
        self.package = os.path.join(root, "Benchmarks/limits")

    def __enter__(self):
        build = subprocess.run(["swift", "build", "-c", "release", "--static-swift-stdlib", "--package-path", self.package],
                               capture_output=True, text=True)
        if build.returncode:
            raise SystemExit(build.stdout + build.stderr)
        self.binary = os.path.join(self.package, ".build/release/limits")
        self.scratch = tempfile.TemporaryDirectory(prefix="dewpoint-limits-")
        return self

    def __exit__(self, *_):
        self.scratch.cleanup()

    @functools.cache
    def echo(self, connections, seconds=3):
        """The rate at which a bare server gives back signed requests like those that Dewpoint gets."""
        port = free_port()
        server = subprocess.Popen([self.binary, "echo", str(port)])
        try:
            endpoint = f"http://127.0.0.1:{port}"
            connection = load.connection(endpoint)
            request = load.sqs_request(endpoint, "SendMessage", {"QueueUrl": endpoint + "/000000000000/bench", "MessageBody": "x" * 200})
            until("the echo answers", lambda: answers(connection, request))
            file = os.path.join(self.scratch.name, "echo")
            with open(file, "wb") as out:
                out.write(f"{len(request.wire)}\n".encode() + request.wire + b"\n")
            rate = load.replay(endpoint, file, connections, seconds)["rate"]
        finally:
            server.kill()
            server.wait()
        print(f"  limit: echo at {connections} connections: {rate:,.0f}/s", flush=True)
        return rate

    @functools.cache
    def synced_write(self, directory):
        """(median, 9th decile) in microseconds of a small write that reaches the disk: a send alone waits for one."""
        path = os.path.join(directory, "synced")
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        times = []
        for _ in range(300):
            began = time.perf_counter()
            os.write(file, b"x" * 300)
            os.fdatasync(file)
            times.append((time.perf_counter() - began) * 1e6)
        os.close(file)
        os.unlink(path)
        deciles = statistics.quantiles(times, n=10)
        return deciles[4], deciles[8]

    @functools.cache
    def runtime(self):
        """Invocations per second of one `awslambdaric` process that never has to wait for an event."""
        port = free_port()
        server = subprocess.Popen([self.binary, "runtime", str(port)], stdout=subprocess.PIPE, text=True)
        client = None
        try:
            counts = iter(server.stdout.readline, "")
            next(counts)  # it listens
            client = subprocess.Popen(
                [os.path.join(self.root, ".venv/bin/python"), "-m", "awslambdaric", "echo.handler"], cwd=FUNCTIONS,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={**os.environ, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}", "AWS_LAMBDA_FUNCTION_NAME": "echo",
                     "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
                     "AWS_LAMBDA_LOG_GROUP_NAME": "g", "AWS_LAMBDA_LOG_STREAM_NAME": "s", "_HANDLER": "echo.handler",
                     "LAMBDA_TASK_ROOT": FUNCTIONS, "AWS_REGION": "us-east-1"})
            rate = statistics.median([int(next(counts)) for _ in range(5)][1:])
        finally:
            for process in (client, server):
                if process:
                    process.kill()
                    process.wait()
        if not rate:
            raise RuntimeError("awslambdaric did not run")
        print(f"  limit: one awslambdaric process: {rate:,.0f}/s", flush=True)
        return rate


def answers(connection, request):
    try:
        return request.send(connection)
    except OSError:
        connection.close()
        return None
