"""Kinesis: durable puts of one and of many, and the way of a record to a warm function."""
import base64
import json
import statistics
import time

from suite import functions, load
from suite.server import until

DATA = base64.b64encode(b"x" * 200).decode()
# Enough that their rates (1,000 records a second each) are not what is measured.
SHARDS = 200


def run(server, machine, report):
    print("Kinesis")
    kinesis = make_stream(server, "bench", SHARDS)
    rate = puts(server)
    report.rate("PutRecord, 200 bytes, 16 conn.", rate, machine.echo(16), "echo", 0.25)
    records = many(server)
    report.add("PutRecords of 500, 200 bytes", f"{records:,.0f} records/s", goal="≥ 100,000/s", met=records >= 100_000)
    kinesis.delete_stream(StreamName="bench")
    median, decile = way(server)
    report.at_most("record → warm function, p50", median, "ms", 20, f"p90 {decile:.1f} ms")


def make_stream(server, name, shards):
    kinesis = server.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    until("the stream is active", lambda: kinesis.describe_stream_summary(
        StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")
    return kinesis


def request(server, operation, given):
    return load.Request("kinesis", server.endpoint, "/", json.dumps(given).encode(), {
        "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Kinesis_20131202.{operation}"})


def puts(server, seconds=3):
    requests = [request(server, "PutRecord", {"StreamName": "bench", "Data": DATA, "PartitionKey": str(i)}) for i in range(2000)]
    file = load.request_file(server, "put", requests)
    load.replay(server.endpoint, file, 16, 1)  # warms up
    return load.replay(server.endpoint, file, 16, seconds)["rate"]


def many(server, seconds=4):
    """Records a second; each answer is looked at, since a batch may fail in part."""
    requests = [
        request(server, "PutRecords", {"StreamName": "bench", "Records": [
            {"Data": DATA, "PartitionKey": f"{batch}-{i}"} for i in range(500)]})
        for batch in range(20)]
    connection = load.connection(server.endpoint)
    for each in requests[:4]:
        answer = json.loads(each.send(connection))
        if answer["FailedRecordCount"]:
            raise RuntimeError(f"{answer['FailedRecordCount']} records of 500 failed")
    file = load.request_file(server, "many", requests)
    return load.replay(server.endpoint, file, 4, seconds)["rate"] * 500


# Writes when it got each record, and is read back from its log.
HANDLER = b"""
import base64, json, time
def handler(event, context):
    now = time.time()
    print("SEEN " + json.dumps([now - float(base64.b64decode(r["kinesis"]["data"])) for r in event["Records"]]))
"""


def way(server, times=200):
    """Milliseconds from before the put to the first line of the function."""
    kinesis = make_stream(server, "bench-way", 1)
    arn = kinesis.describe_stream_summary(StreamName="bench-way")["StreamDescriptionSummary"]["StreamARN"]
    role = functions.role(server, "bench-way", "kinesis:*", "logs:*")
    client = functions.make(server, "bench-way", "python3.11", "echo.handler", {"echo.py": HANDLER}, role)
    mapping = client.create_event_source_mapping(
        EventSourceArn=arn, FunctionName="bench-way", BatchSize=10, StartingPosition="TRIM_HORIZON")["UUID"]
    until("the mapping is enabled", lambda: client.get_event_source_mapping(UUID=mapping)["State"] == "Enabled")
    logs = server.client("logs")

    def seen():
        try:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/aws/lambda/bench-way", filterPattern="SEEN")
            lines = [event["message"] for page in pages for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [value * 1000 for line in lines for value in json.loads(line.removeprefix("SEEN "))]
    put = lambda: kinesis.put_record(StreamName="bench-way", Data=str(time.time()).encode(), PartitionKey="k")
    put()
    until("the function is warm", seen, limit=30)
    for _ in range(times):
        put()
        time.sleep(0.02)
    found = until("all records", lambda: (got := seen()) and len(got) >= times + 1 and got, limit=60)[1:]
    client.delete_event_source_mapping(UUID=mapping)
    client.delete_function(FunctionName="bench-way")
    return statistics.median(found), statistics.quantiles(found, n=10)[-1]
