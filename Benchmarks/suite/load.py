"""Requests made and signed beforehand, and wrk to send them."""
import http.client
import json
import os
import subprocess

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from suite.server import REGION, Key

SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "load")


class Request:
    """A signed request in the form that clients send."""

    def __init__(self, service, endpoint, path, body, headers, key=Key(), method="POST"):
        signed = AWSRequest(method, endpoint + path, data=body, headers={"Host": endpoint.split("//")[1], **headers})
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(Credentials(key.id, key.secret), service, REGION).add_auth(signed)
        self.method, self.path, self.body, self.headers = method, path, body, {**dict(signed.headers.items()), "Content-Length": str(len(body))}

    @property
    def wire(self):
        head = f"{self.method} {self.path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return head.encode() + b"\r\n" + self.body

    def send(self, connection):
        connection.request(self.method, self.path, self.body, self.headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != 200 or response.getheader("x-amz-function-error"):
            raise RuntimeError(f"{self.path}: {response.status} {body[:500]!r}")
        return body


def sqs_request(endpoint, operation, input, key=Key()):
    return Request("sqs", endpoint, "/", json.dumps(input).encode(),
                   {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{operation}"}, key)


def invoke_request(endpoint, function, body=b'{"a":1}', key=Key()):
    return Request("lambda", endpoint, f"/2015-03-31/functions/{function}/invocations", body,
                   {"Content-Type": "application/json"}, key)


def processor_time(server):
    """Seconds that the server's process has computed so far."""
    with open(f"/proc/{server.process.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connection(endpoint):
    return http.client.HTTPConnection(endpoint.split("//")[1], timeout=60)


def request_file(server, name, requests):
    return server.file(name, b"".join(f"{len(r.wire)}\n".encode() + r.wire + b"\n" for r in requests))


def replay(endpoint, file, connections, seconds, threads=2):
    """Rate and latency; every answer has a good status. One thread sends each request of the file once before it begins anew."""
    return wrk(endpoint, "replay.lua", file, connections, min(connections, threads), seconds)


def cycles(endpoint, file, connections, seconds):
    return wrk(endpoint, "cycle.lua", file, connections, connections, seconds)


def wrk(endpoint, script, file, connections, threads, seconds):
    out = subprocess.run(
        ["wrk", f"-c{connections}", f"-t{threads}", f"-d{seconds}s", "--timeout", "10s", "-s", os.path.join(SCRIPTS, script),
         endpoint, "--", file], capture_output=True, text=True, check=True).stdout
    lines = dict(line.split(" ", 1) for line in out.splitlines() if line.startswith(("RESULT ", "FAILURE ")))
    if "RESULT" not in lines:
        raise RuntimeError(f"wrk printed no result:\n{out}")
    result = json.loads(lines["RESULT"])
    if result["failed"]:
        raise RuntimeError(f"{result['failed']} of {result['requests']} requests failed. {lines.get('FAILURE', '')}\n{out}")
    result["rate"] = result["requests"] / result["microseconds"] * 1e6
    return result
