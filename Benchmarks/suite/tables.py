"""A large table: what one operation costs in it, compared with a small one, and how soon the server is there again."""
import json
import multiprocessing
import os
import random
import socket
import time

from suite import load
from suite.server import Key

# `BENCH_ITEMS=100000 Benchmarks/run tables` tries it out.
ITEMS = int(os.environ.get("BENCH_ITEMS", 10_000_000))
SMALL = 1000
# Items of a partition, and of a request.
PARTITION = 10
BATCH = 25
LOADERS = 4
VALUE = "x" * 100


def run(server, machine, report):
    print("Large tables")
    client = server.client("dynamodb")
    client.create_table(
        TableName="large", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}])
    fill(server, 0, SMALL)
    small = costs(server, SMALL)
    began = time.monotonic()
    fill(server, SMALL, ITEMS)
    rate = (ITEMS - SMALL) / (time.monotonic() - began)
    report.at_most(f"BatchWriteItem of {BATCH}, {LOADERS} conn., up to {ITEMS:,} items", rate, "items/s")
    large = costs(server, ITEMS)
    for operation in small:
        report.ratio(f"{operation}, processor time with {ITEMS:,} items", large[operation], small[operation], f"{SMALL:,} items", 2)
    found = client.describe_table(TableName="large")["Table"]["ItemCount"]
    if found != ITEMS:
        raise RuntimeError(f"{found:,} of {ITEMS:,} items are there")
    server.kill()
    last = request(server, "GetItem", {"TableName": "large", "Key": key(ITEMS - 1)})
    began = time.monotonic()
    server.start()
    answer = json.loads(last.send(load.connection(server.endpoint)))
    first = (time.monotonic() - began) * 1000
    if answer.get("Item", {}).get("v") != {"S": VALUE}:
        raise RuntimeError("the last item is not there after the kill")
    report.at_most(f"start after a kill with {ITEMS:,} items, to the first answer", first, "ms", 200)
    server.client("dynamodb").delete_table(TableName="large")


def key(number):
    return {"p": {"S": f"p{number // PARTITION}"}, "s": {"N": str(number)}}


def request(server, operation, given):
    return load.Request("dynamodb", server.endpoint, "/", json.dumps(given).encode(), {
        "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}"}, Key())


def costs(server, items):
    """Seconds of processor time by operation, on items from all over the table."""
    numbers = random.Random(1).choices(range(items), k=2000)
    given = {
        "GetItem": [{"TableName": "large", "Key": key(n)} for n in numbers],
        "PutItem": [{"TableName": "large", "Item": {**key(n), "v": {"S": VALUE}, "n": {"N": "1"}}} for n in numbers],
        "Query of 10": [{"TableName": "large", "KeyConditionExpression": "p = :p",
                         "ExpressionAttributeValues": {":p": key(n)["p"]}} for n in numbers],
    }
    found = {}
    for operation, inputs in given.items():
        file = load.request_file(server, operation.split()[0], [request(server, operation.split()[0], one) for one in inputs])
        load.replay(server.endpoint, file, 16, 1)  # warms up
        before = load.processor_time(server)
        result = load.replay(server.endpoint, file, 16, 3)
        found[operation] = (load.processor_time(server) - before) / result["requests"]
    return found


def fill(server, start, end):
    """Puts the items with these numbers, several clients at a time; each must be taken."""
    step = (end - start + LOADERS - 1) // LOADERS
    ranges = [(server.endpoint, first, min(end, first + step)) for first in range(start, end, step)]
    with multiprocessing.get_context("fork").Pool(LOADERS) as pool:
        pool.starmap(put, ranges)


def put(endpoint, start, end):
    host, port = endpoint.split("//")[1].rsplit(":", 1)
    with socket.create_connection((host, int(port))) as connection, connection.makefile("rb") as answers:
        for number, first in enumerate(range(start, end, BATCH)):
            if number % 5000 == 0:
                head = heading(endpoint)
            puts = ",".join(
                f'{{"PutRequest":{{"Item":{{"p":{{"S":"p{n // PARTITION}"}},"s":{{"N":"{n}"}},"v":{{"S":"{VALUE}"}}}}}}}}'
                for n in range(first, min(end, first + BATCH)))
            body = f'{{"RequestItems":{{"large":[{puts}]}}}}'
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            answer = read(answers)
            if answer != b'{"UnprocessedItems":{}}':
                raise RuntimeError(f"not all was written: {answer[:500]!r}")


def heading(endpoint):
    """Nobody's key is root in the local mode, whatever the signature: one head serves for many, until its date is old."""
    signed = load.Request("dynamodb", endpoint, "/", b"", {
        "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem"}).headers
    return "POST / HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in signed.items() if name != "Content-Length")


def read(answers):
    """The body of the next answer."""
    status, length = answers.readline(), 0
    while (line := answers.readline()) != b"\r\n":
        name, value = line.split(b":", 1)
        if name.lower() == b"content-length":
            length = int(value)
    body = answers.read(length)
    return body if b" 200 " in status else status + body
