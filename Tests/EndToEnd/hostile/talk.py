"""Words for others than those who asked."""

import errno
import os
import socket
import sys
import time
import urllib.error
import urllib.request


ENDPOINT = ("127.0.0.1", 4566)
RUNTIME_API = ("127.0.0.1", 9001)



def ask(address, method, path, body=None, headers={}):
    request = urllib.request.Request(f"http://{address[0]}:{address[1]}{path}", data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return [answer.status, answer.read(300).decode("latin-1")]
    except urllib.error.HTTPError as error:
        return [error.code, error.read(300).decode("latin-1")]
    except OSError as error:
        return [0, type(error).__name__]


def runtime_api(event):
    base = "/2018-06-01/runtime/"
    return {
        "other": ask(RUNTIME_API, "POST", f"{base}invocation/{event['id']}/response", b'"stolen"'),
        "other's error": ask(RUNTIME_API, "POST", f"{base}invocation/{event['id']}/error", b"{}"),
        "made up": ask(RUNTIME_API, "POST", f"{base}invocation/../../x/response", b'"x"'),
        "init": ask(RUNTIME_API, "POST", f"{base}init/error", b"{}"),
        "next": ask(RUNTIME_API, "GET", f"{base}invocation/next"),
        "elsewhere": ask(RUNTIME_API, "GET", "/_dewpoint/reset"),
    }


def pages(event):
    return {path: ask(ENDPOINT, method, path, b"" if method == "POST" else None) for method, path in event["pages"]}


def keys(event):
    import boto3
    import botocore.exceptions
    found = {}
    for key in event["keys"]:
        client = boto3.client("lambda", aws_access_key_id=key, aws_secret_access_key="secret", aws_session_token=None)
        try:
            found[key] = [f["FunctionName"] for f in client.list_functions()["Functions"]]
        except botocore.exceptions.ClientError as error:
            found[key] = error.response["Error"]["Code"]
    return found


def flood(event):
    """Connections that are opened and left, by several processes, to the two sockets that lead out."""
    def hold():
        held, refused = [], 0
        for number in range(900):
            try:
                one = socket.create_connection(ENDPOINT if number % 2 else RUNTIME_API, timeout=1)
                one.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6000000\r\n\r\n" + bytes(1000))
                held.append(one)
            except OSError:
                refused += 1
                if refused > 5:
                    break
        time.sleep(60)
    for _ in range(event["processes"]):
        if os.fork() == 0:
            try:
                hold()
            finally:
                os._exit(0)
    time.sleep(event["seconds"])
    return "flooded"


def reach(event):
    """Which of these addresses answer to a connection."""
    seen = {}
    for kind, address in event["addresses"]:
        family = {"abstract": socket.AF_UNIX, "unix": socket.AF_UNIX, "4": socket.AF_INET, "6": socket.AF_INET6}[kind]
        target = "\0" + address if kind == "abstract" else address if kind == "unix" else tuple(address)
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.settimeout(event.get("limit", 2))
            try:
                one.connect(target)
                seen[str(address)] = "connected"
            except TimeoutError:
                seen[str(address)] = "ETIMEDOUT"
            except OSError as error:
                seen[str(address)] = errno.errorcode.get(error.errno, str(error))
    return seen


def socket_buffers(event):
    """Loopback connections whose bytes nobody reads: memory of the kernel, not of a process."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2000)
    total = 0
    for _ in range(event["processes"]):
        if os.fork() == 0:
            held = []
            while True:
                try:
                    one = socket.create_connection(listener.getsockname())
                    held += [one, listener.accept()[0]]
                    one.setblocking(False)
                    while True:
                        total += one.send(bytes(65536))
                except BlockingIOError:
                    continue
                except OSError:
                    time.sleep(60)
    time.sleep(event["seconds"])
    return "filled"


def log_lines(event):
    line, end, count = "x" * 200 + "\n", time.monotonic() + event["seconds"], 0
    while time.monotonic() < end:
        sys.stdout.write(line)
        count += 1
    return count


def log_without_end(event):
    end, count = time.monotonic() + event["seconds"], 0
    while time.monotonic() < end:
        count += os.write(1, b"y" * 65536)
    return count


def log_frames(event):
    """Frames of the log protocol that promise more than they bring, and nonsense between them."""
    for length in (8 << 20, 0xffffffff, 0, 1):
        os.write(1, b"\xa5\x5a\x00\x03" + length.to_bytes(4, "big") + bytes(8) + b"short\n")
    for _ in range(200):
        os.write(1, os.urandom(4096))
    return "written"


def large(event):
    return "x" * event["bytes"]


def close_runtime_api(event):
    for one in range(3, 200):
        try:
            os.close(one)
        except OSError:
            pass
    return "closed"
