"""S3: small objects at a rate, large ones through the disk."""
import hashlib
import os
import statistics
import time

from suite import load
from suite.server import Key

SMALL = 1024
LARGE = 8 << 20


def run(server, machine, report):
    print("S3")
    s3, key = server.client("s3"), Key()
    s3.create_bucket(Bucket="bench")
    put = small(server, key, "PUT")
    report.rate("PutObject, 1 KB, 16 conn., root", put, machine.echo(16), "echo", 1 / 6)
    got = small(server, key, "GET")
    report.rate("GetObject, 1 KB, 16 conn., root", got, machine.echo(16), "echo", 1 / 3)
    copied, written, read = copy_time(server.scratch), put_time(server, key), get_time(server, key)
    for what, seconds in (("PutObject", written), ("GetObject", read)):
        report.rate(f"{what}, 8 MB, 1 conn., MB/s", LARGE / seconds / 1e6, LARGE / copied / 1e6, "cp with sync", 0.5)
    report.at_most("memory of the server afterwards", server.memory()[0], "MB", 64)


def small(server, key, method, seconds=3):
    """Requests per second. Half a thousand keys, so that objects are made and replaced."""
    requests = [s3_request(server.endpoint, method, f"/bench/small/{i}", os.urandom(SMALL) if method == "PUT" else b"", key) for i in range(500)]
    file = load.request_file(server, f"s3-{method}", requests)
    load.replay(server.endpoint, file, 16, 1)  # warms up
    return load.replay(server.endpoint, file, 16, seconds)["rate"]


def s3_request(endpoint, method, path, body, key):
    return load.Request("s3", endpoint, path, body, {"x-amz-content-sha256": hashlib.sha256(body).hexdigest()}, key, method)


def median(body, times=9):
    """Seconds, the best that is not luck."""
    spent = []
    for number in range(times):
        began = time.perf_counter()
        body(number)
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def copy_time(directory):
    source, target = os.path.join(directory, "source"), os.path.join(directory, "target")
    with open(source, "wb") as file:
        file.write(os.urandom(LARGE))

    def copy(number):
        with open(source, "rb") as reading, open(f"{target}{number}", "wb") as writing:
            while piece := reading.read(1 << 20):
                writing.write(piece)
            writing.flush()
            os.fsync(writing.fileno())

    spent = median(copy)
    for number in range(9):
        os.unlink(f"{target}{number}")
    return spent


def put_time(server, key):
    requests = [s3_request(server.endpoint, "PUT", f"/bench/large/{i}", os.urandom(LARGE), key) for i in range(9)]
    connection = load.connection(server.endpoint)
    return median(lambda number: requests[number].send(connection))


def get_time(server, key):
    connection = load.connection(server.endpoint)

    def get(number):
        body = s3_request(server.endpoint, "GET", f"/bench/large/{number}", b"", key).send(connection)
        if len(body) != LARGE:
            raise RuntimeError(f"{len(body)} bytes came back")

    return median(get)
