"""Starts the real server and talks to it as its users do."""

import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials

ROOT = pathlib.Path(__file__).resolve().parents[2]
# "Ready." stands at one end of the line; what counts are the endpoint and the directory.
READY = re.compile(r"^(?=.*\bReady\.).*\bendpoint=(?P<endpoint>http://[\d.]+:(?P<port>\d+)) data=(?P<data>.+?)(?: Ready\.)?$")
# The package awscli of Debian: `aws logs tail` is only in version 2, which is not on PyPI.
CLI_2 = pathlib.Path("/usr/bin/aws")
START_LIMIT = 20
# The server itself gives running invocations 20 s.
STOP_LIMIT = 40


def wait_until(condition, what, limit=15):
    """Calls the condition until it answers something true, and returns that; fails when the limit (seconds) is over.

    An AssertionError inside the condition counts as "not yet", and is shown when the time is over.
    """
    deadline = time.monotonic() + limit
    pause = 0.005
    reason = None
    while True:
        try:
            value = condition()
            if value:
                return value
            reason = f"last answer: {value!r}"
        except AssertionError as error:
            reason = str(error)
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit} s: {what}; {reason}")
        time.sleep(pause)  # check-sources: between two looks at a condition
        pause = min(pause * 1.5, 0.2)


class Server:
    """One dewpoint process on its own data directory, or in memory. A restart keeps directory and port."""

    def __init__(self, directory, *arguments, ephemeral=False, environment=None):
        self.arguments = arguments
        self.environment = os.environ | (environment or {})
        self.ephemeral = ephemeral
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.log_path = self.directory / "dewpoint.log"
        self.port = 0
        self.process = None
        self.endpoint = None

    @staticmethod
    def binary():
        return pathlib.Path(os.environ.get("DEWPOINT_BINARY", ROOT / ".build" / "release" / "dewpoint"))

    def start(self, *more):
        """Further arguments count for this start only."""
        assert self.process is None, "the server runs already"
        place = ["--ephemeral"] if self.ephemeral else ["--data", self.data]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                # Functions run on the environment that the tests themselves run in.
                [self.binary(), "up", "--port", str(self.port), *place, "--python", sys.prefix, *self.arguments, *more],
                env=self.environment, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True)
        lines = queue.Queue()
        threading.Thread(target=self._read, args=(self.process.stdout, lines), daemon=True).start()
        deadline = time.monotonic() + START_LIMIT
        seen = []
        while True:
            try:
                line = lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                self.kill()
                raise AssertionError(f"no ready line within {START_LIMIT} s; stdout: {seen}; log:\n{self.log()[-4000:]}")
            if line is None:
                status = self.process.wait()
                self.process = None
                raise AssertionError(f"the server ended with status {status}; stdout: {seen}; log:\n{self.log()[-4000:]}")
            seen.append(line)
            ready = READY.match(line.rstrip("\n"))
            if ready:
                self.endpoint, self.port = ready["endpoint"], int(ready["port"])
                return self

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.put(line)
        lines.put(None)

    def stop(self):
        """SIGTERM; the exit status must be 0."""
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        try:
            status = process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the server did not stop within {STOP_LIMIT} s; log:\n{self.log()[-4000:]}")
        assert status == 0, f"the server ended with status {status}; log:\n{self.log()[-4000:]}"

    def kill(self):
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()

    def restart(self, kill=True):
        if kill:
            self.kill()
        else:
            self.stop()
        return self.start()

    def command(self, *arguments, check=True):
        """Runs `dewpoint …` against this server."""
        done = subprocess.run(
            [self.binary(), *arguments], capture_output=True, text=True, timeout=60,
            env=os.environ | {"DEWPOINT_ENDPOINT": self.endpoint or "http://127.0.0.1:1"})
        assert not check or done.returncode == 0, f"dewpoint {arguments}: {done.stdout}{done.stderr}"
        return done

    def page(self, path, method="GET", headers=None, body=None):
        """The status and the JSON of a page of the server itself."""
        status, answer, _ = send(self.endpoint + path, method, headers, body)
        return status, json.loads(answer)

    def log(self, start=0):
        if not self.log_path.exists():
            return ""
        with open(self.log_path, "rb") as file:
            file.seek(start)
            return file.read().decode("utf-8", "replace")

    def log_size(self):
        return self.log_path.stat().st_size if self.log_path.exists() else 0


class Clock:
    """The adjustable clock of a server."""

    def __init__(self, server):
        self.server = server

    def _ask(self, change=None):
        request = urllib.request.Request(
            self.server.endpoint + "/_dewpoint/clock",
            data=None if change is None else json.dumps(change).encode(),
            method="GET" if change is None else "POST",
            headers={} if change is None else {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def state(self):
        return self._ask()

    def now_ms(self):
        return self._ask()["epochMilliseconds"]

    def freeze(self):
        return self._ask({"freeze": True})

    def advance(self, duration):
        """`90s`, `6h`, `1d12h`."""
        return self._ask({"advance": duration})

    def resume(self):
        return self._ask({"resume": True})


# One for all clients: it keeps the service models, which take long to read.
_session = boto3.session.Session()


class Cloud:
    """A server as one account sees it."""

    def __init__(self, server, account):
        self.server = server
        self.account = account
        self.clock = Clock(server)

    def client(self, service, region="us-east-1", account=None, credentials=None):
        """A boto3 client: root of the account, or with `(key, secret)` or `(key, secret, token)`."""
        key, secret, token = self._keys(account, credentials)
        return _session.client(
            service, region_name=region, endpoint_url=self.server.endpoint, aws_access_key_id=key,
            aws_secret_access_key=secret, aws_session_token=token,
            config=botocore.config.Config(retries={"mode": "standard", "total_max_attempts": 2}, read_timeout=40))

    def _keys(self, account, credentials):
        if credentials is None:
            return (account or self.account, "secret", None)
        return tuple(credentials) if len(credentials) == 3 else (*credentials, None)

    def restart(self, kill=True):
        self.server.restart(kill)

    def cli(self, *arguments, region="us-east-1", account=None, credentials=None, check=True):
        """Runs the AWS CLI and returns its standard output, or with check=False the finished process."""
        # Version 1 of the CLI takes no notice of AWS_ENDPOINT_URL for SQS; only the option always counts.
        done = subprocess.run(
            [self.aws(), "--endpoint-url", self.server.endpoint, *arguments], env=self.cli_environment(region, account, credentials),
            capture_output=True, text=True, timeout=60)
        if not check:
            return done
        assert done.returncode == 0, f"aws {' '.join(arguments)}: status {done.returncode}\n{done.stderr}"
        return done.stdout

    @staticmethod
    def aws():
        """Version 1 of the CLI, of the environment that the tests run in."""
        return pathlib.Path(sys.executable).parent / "aws"

    def start_cli_2(self, *arguments, region="us-east-1"):
        """Starts version 2 of the CLI, which has `logs tail`; its output is a pipe of text lines."""
        environment = self.cli_environment(region) | {"PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(
            [CLI_2, "--endpoint-url", self.server.endpoint, *arguments], env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, bufsize=1)

    def cli_environment(self, region="us-east-1", account=None, credentials=None):
        key, secret, token = self._keys(account, credentials)
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.server.directory), "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": region, "AWS_PAGER": "",
            "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_MAX_ATTEMPTS": "1",
            "PYTHONIOENCODING": "utf-8",
        }
        if token:
            environment["AWS_SESSION_TOKEN"] = token
        return environment

    def cli_json(self, *arguments, **options):
        text = self.cli(*arguments, "--output", "json", **options)
        return json.loads(text) if text.strip() else None

    def signed(self, service, headers, body, region="us-east-1", account=None, credentials=None, path="/"):
        """A hand-made POST with a good signature. Returns the HTTP status and the body."""
        request = botocore.awsrequest.AWSRequest(method="POST", url=self.server.endpoint + path, data=body, headers=headers)
        keys = botocore.credentials.Credentials(*self._keys(account, credentials))
        botocore.auth.SigV4Auth(keys, service, region).add_auth(request)
        status, answer, _ = send(request.url, request.method, dict(request.headers.items()), request.data)
        return status, answer

    def query(self, service, parameters, region="us-east-1", account=None, credentials=None, path="/"):
        """A hand-made awsQuery request. Returns the HTTP status and the XML root, with namespaces taken off."""
        status, body = self.signed(
            service, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
            urllib.parse.urlencode(parameters).encode(), region, account, credentials, path)
        root = ElementTree.fromstring(body)
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        return status, root


def send(url, method="GET", headers=None, body=None):
    """A plain HTTP request: status, body, headers."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)
