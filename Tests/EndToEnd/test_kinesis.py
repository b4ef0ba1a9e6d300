"""Kinesis as its users see it: boto3, the AWS CLI, CBOR as Java speaks it, and pushed records over HTTP/1.1 and HTTP/2."""

import base64
import hashlib
import json
import shutil
import struct
import subprocess
import threading
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from harness import wait_until
from lambdas import policy

SHARD = "shardId-000000000000"
NODE = shutil.which("node")


def make_stream(cloud, name="clicks", shards=1, **options):
    kinesis = cloud.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=shards, **options)
    wait_active(kinesis, name)
    return kinesis


def wait_active(kinesis, name):
    wait_until(
        lambda: kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE",
        f"{name} is active")


def put(kinesis, *texts, stream="clicks", key="k"):
    return [kinesis.put_record(StreamName=stream, Data=text.encode(), PartitionKey=key)["SequenceNumber"] for text in texts]


def read(kinesis, kind="TRIM_HORIZON", shard=SHARD, stream="clicks", **position):
    """All that is in a shard from there on: [text]."""
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType=kind, **position)["ShardIterator"]
    found = []
    while iterator:
        page = kinesis.get_records(ShardIterator=iterator)
        found += [record["Data"].decode() for record in page["Records"]]
        if page["MillisBehindLatest"] == 0:
            return found
        iterator = page.get("NextShardIterator")
    return found


def stream_arn(cloud, name="clicks"):
    return f"arn:aws:kinesis:us-east-1:{cloud.account}:stream/{name}"


def make_consumer(cloud, name="reader", stream="clicks"):
    kinesis = cloud.client("kinesis")
    arn = kinesis.register_stream_consumer(StreamARN=stream_arn(cloud, stream), ConsumerName=name)["Consumer"]["ConsumerARN"]
    wait_until(
        lambda: kinesis.describe_stream_consumer(ConsumerARN=arn)["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE", "the consumer")
    return arn


def test_a_stream_lives_as_boto3_expects(cloud, refused):
    kinesis = cloud.client("kinesis")
    kinesis.create_stream(StreamName="clicks", ShardCount=2, Tags={"team": "a"})
    kinesis.get_waiter("stream_exists").wait(StreamName="clicks", WaiterConfig={"Delay": 1})
    with refused("ResourceInUseException", 400):
        kinesis.create_stream(StreamName="clicks", ShardCount=2)
    described = kinesis.describe_stream(StreamName="clicks")["StreamDescription"]
    assert [shard["HashKeyRange"]["StartingHashKey"] for shard in described["Shards"]] == ["0", str(2 ** 127)]
    assert kinesis.list_tags_for_stream(StreamName="clicks")["Tags"] == [{"Key": "team", "Value": "a"}]
    numbers = put(kinesis, "a", "b", "c")
    assert numbers == sorted(numbers, key=int)
    shard = f"shardId-{int(hashlib.md5(b'k').hexdigest(), 16) >> 127:012d}"
    assert read(kinesis, shard=shard) == ["a", "b", "c"]
    assert read(kinesis, "AFTER_SEQUENCE_NUMBER", shard=shard, StartingSequenceNumber=numbers[0]) == ["b", "c"]
    with refused("ResourceNotFoundException", 400, "Stream other under account"):
        put(kinesis, "x", stream="other")
    kinesis.delete_stream(StreamName="clicks")
    kinesis.get_waiter("stream_not_exists").wait(StreamName="clicks", WaiterConfig={"Delay": 1})


def test_many_records_at_once_keep_the_order_of_their_keys(cloud):
    kinesis = make_stream(cloud, shards=4)
    # As many as one shard takes in a second, whichever keys it has.
    for start, end in ((0, 500), (500, 950)):
        answer = kinesis.put_records(StreamName="clicks", Records=[
            {"Data": f"{n % 7}:{n}".encode(), "PartitionKey": str(n % 7)} for n in range(start, end)])
        assert answer["FailedRecordCount"] == 0 and len(answer["Records"]) == end - start
    found = [text for n in range(4) for text in read(kinesis, shard=f"shardId-{n:012d}")]
    assert len(found) == 950
    for key in range(7):
        numbers = [int(text.split(":")[1]) for text in found if text.startswith(f"{key}:")]
        assert numbers == sorted(numbers) and len(numbers) == len(range(key, 950, 7))


def test_a_shard_that_is_too_busy_refuses_records_one_by_one(own_cloud):
    own_cloud.clock.freeze()
    kinesis = make_stream(own_cloud)
    # The real time goes on, so the shard takes a few more than a thousand.
    failed = 0
    for _ in range(6):
        answer = kinesis.put_records(StreamName="clicks", Records=[{"Data": b"x", "PartitionKey": "k"}] * 500)
        failed += answer["FailedRecordCount"]
        wrong = [record for record in answer["Records"] if "ErrorCode" in record]
        assert len(wrong) == answer["FailedRecordCount"]
        assert {record["ErrorCode"] for record in wrong} <= {"ProvisionedThroughputExceededException"}
        assert all("Rate exceeded for shard shardId-000000000000 in stream clicks" in record["ErrorMessage"] for record in wrong)
    assert failed > 0
    own_cloud.clock.advance("2s")
    assert kinesis.put_records(StreamName="clicks", Records=[{"Data": b"x", "PartitionKey": "k"}] * 500)["FailedRecordCount"] == 0


def test_shards_are_split_and_merged_and_their_records_stay_in_order(cloud):
    kinesis = make_stream(cloud)
    put(kinesis, "before")
    kinesis.split_shard(StreamName="clicks", ShardToSplit=SHARD, NewStartingHashKey=str(2 ** 127))
    wait_active(kinesis, "clicks")
    put(kinesis, "after")
    iterator = kinesis.get_shard_iterator(StreamName="clicks", ShardId=SHARD, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    page = kinesis.get_records(ShardIterator=iterator)
    assert [record["Data"] for record in page["Records"]] == [b"before"] and "NextShardIterator" not in page
    assert [child["ShardId"] for child in page["ChildShards"]] == ["shardId-000000000001", "shardId-000000000002"]
    kinesis.update_shard_count(StreamName="clicks", TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    wait_active(kinesis, "clicks")
    # The paginator of boto3 sends name and token together, which AWS refuses.
    page = kinesis.list_shards(StreamName="clicks", ShardFilter={"Type": "AT_LATEST"}, MaxResults=3)
    latest = page["Shards"] + kinesis.list_shards(NextToken=page["NextToken"])["Shards"]
    assert sorted(int(shard["HashKeyRange"]["StartingHashKey"]) for shard in latest) == [n * 2 ** 126 for n in range(4)]


def test_records_and_positions_outlive_a_kill(own_cloud):
    kinesis = make_stream(own_cloud)
    numbers = put(kinesis, "a", "b")
    iterator = kinesis.get_shard_iterator(
        StreamName="clicks", ShardId=SHARD, ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[0])["ShardIterator"]
    own_cloud.restart(kill=True)
    put(kinesis, "c")
    assert [record["Data"] for record in kinesis.get_records(ShardIterator=iterator)["Records"]] == [b"b", b"c"]


def test_nothing_that_was_acknowledged_is_lost_by_kills_and_all_is_in_order(own_cloud):
    kinesis = make_stream(own_cloud, shards=2)
    stop, acknowledged, errors = threading.Event(), {key: [] for key in "abc"}, []

    def write(key):
        client, number = own_cloud.client("kinesis"), 0
        while not stop.is_set():
            try:
                client.put_record(StreamName="clicks", Data=f"{key}{number}".encode(), PartitionKey=key)
                acknowledged[key].append(number)
                number += 1
            except client.exceptions.ClientError as error:
                errors.append(error)
                return
            except Exception:  # a dead server: the record may be there or not, so it is sent again
                stop.wait(0.02)
    threads = [threading.Thread(target=write, args=key) for key in "abc"]
    for thread in threads:
        thread.start()
    for round in range(3):
        before = sum(map(len, acknowledged.values()))
        wait_until(lambda: sum(map(len, acknowledged.values())) > before + 60, "some records", limit=60)
        own_cloud.restart(kill=True)
    stop.set()
    for thread in threads:
        thread.join()
    assert not errors
    found = read(kinesis) + read(kinesis, shard="shardId-000000000001")
    for key in "abc":
        numbers = [int(text[1:]) for text in found if text[0] == key]
        assert list(dict.fromkeys(numbers)) == sorted(set(numbers)), "out of order"
        assert set(acknowledged[key]) <= set(numbers), "an acknowledged record is lost"


def test_time_moves_iterators_and_retention(own_cloud, refused):
    kinesis = make_stream(own_cloud)
    own_cloud.clock.freeze()
    put(kinesis, "old")
    iterator = kinesis.get_shard_iterator(StreamName="clicks", ShardId=SHARD, ShardIteratorType="LATEST")["ShardIterator"]
    own_cloud.clock.advance("301s")
    with refused("ExpiredIteratorException", 400):
        kinesis.get_records(ShardIterator=iterator)
    own_cloud.clock.advance("12h")
    put(kinesis, "new")
    own_cloud.clock.advance("12h")
    assert read(kinesis) == ["new"]


# Who may


def test_a_policy_of_the_stream_lets_another_account_write(cloud, refused):
    kinesis = make_stream(cloud)
    other = cloud.client("kinesis", account="999999999999")
    record = {"StreamARN": stream_arn(cloud), "Data": b"x", "PartitionKey": "k"}
    with refused("AccessDeniedException", 400):
        other.put_record(**record)
    kinesis.put_resource_policy(ResourceARN=stream_arn(cloud), Policy=policy({
        "Effect": "Allow", "Principal": {"AWS": "999999999999"}, "Action": ["kinesis:PutRecord"], "Resource": stream_arn(cloud)}))
    assert other.put_record(**record)["ShardId"] == SHARD
    with refused("AccessDeniedException", 400):
        other.put_records(StreamARN=stream_arn(cloud), Records=[{"Data": b"x", "PartitionKey": "k"}])
    assert "kinesis:PutRecord" in kinesis.get_resource_policy(ResourceARN=stream_arn(cloud))["Policy"]
    kinesis.delete_resource_policy(ResourceARN=stream_arn(cloud))
    with refused("AccessDeniedException", 400):
        other.put_record(**record)


# Pushed records


def test_records_are_pushed_to_a_consumer(cloud, refused):
    kinesis = make_stream(cloud)
    arn = make_consumer(cloud)
    put(kinesis, "early")
    stream = kinesis.subscribe_to_shard(
        ConsumerARN=arn, ShardId=SHARD, StartingPosition={"Type": "TRIM_HORIZON"})["EventStream"]
    with refused("ResourceInUseException", 400):
        kinesis.subscribe_to_shard(ConsumerARN=arn, ShardId=SHARD, StartingPosition={"Type": "LATEST"})
    found, last, has_put = [], None, False
    for event in stream:
        event = event["SubscribeToShardEvent"]
        found += [record["Data"] for record in event["Records"]]
        last = event["ContinuationSequenceNumber"]
        if found == [b"early"] and not has_put:
            has_put = bool(put(cloud.client("kinesis"), "late"))
        if len(found) == 2:
            break
    stream.close()
    assert found == [b"early", b"late"]
    assert read(kinesis, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=last) == []


def test_a_subscription_ends_after_five_minutes_or_with_its_shard(own_cloud):
    kinesis = make_stream(own_cloud)
    arn = make_consumer(own_cloud)
    stream = kinesis.subscribe_to_shard(ConsumerARN=arn, ShardId=SHARD, StartingPosition={"Type": "LATEST"})["EventStream"]
    events = iter(stream)
    first = next(events)["SubscribeToShardEvent"]
    assert first["Records"] == [] and first["MillisBehindLatest"] == 0
    own_cloud.clock.advance("301s")
    for event in events:
        assert event["SubscribeToShardEvent"]["Records"] == []
    kinesis.split_shard(StreamName="clicks", ShardToSplit=SHARD, NewStartingHashKey=str(2 ** 127))
    stream = kinesis.subscribe_to_shard(ConsumerARN=arn, ShardId=SHARD, StartingPosition={"Type": "TRIM_HORIZON"})["EventStream"]
    *_, last = stream
    assert len(last["SubscribeToShardEvent"]["ChildShards"]) == 2
    assert "ContinuationSequenceNumber" not in last["SubscribeToShardEvent"]


SUBSCRIBE = """
const http2 = require("http2");
const {origin, path, headers, body} = JSON.parse(process.argv[2]);
const session = http2.connect(origin);
const request = session.request({":method": "POST", ":path": path, ...headers});
let bytes = Buffer.alloc(0);
request.on("response", h => console.log("STATUS " + h[":status"] + " " + h["content-type"]));
request.on("data", chunk => {
  bytes = Buffer.concat([bytes, chunk]);
  if (bytes.includes("cHVzaGVk")) { console.log("PUSHED"); request.close(); session.close(); }
});
request.end(Buffer.from(body, "base64"));
"""


def signed(cloud, operation, body, content_type="application/x-amz-json-1.1"):
    """Headers of a signed request."""
    request = botocore.awsrequest.AWSRequest("POST", cloud.server.endpoint + "/", data=body, headers={
        "content-type": content_type, "x-amz-target": f"Kinesis_20131202.{operation}"})
    key = botocore.credentials.Credentials(cloud.account, "secret")
    botocore.auth.SigV4Auth(key, "kinesis", "us-east-1").add_auth(request)
    return dict(request.prepare().headers)


@pytest.mark.skipif(NODE is None, reason="there is no node")
def test_records_are_pushed_over_http2(cloud, tmp_path):
    kinesis = make_stream(cloud)
    arn = make_consumer(cloud)
    put(kinesis, "pushed")
    body = json.dumps({"ConsumerARN": arn, "ShardId": SHARD, "StartingPosition": {"Type": "TRIM_HORIZON"}}).encode()
    headers = {name.lower(): value for name, value in signed(cloud, "SubscribeToShard", body).items() if name.lower() != "content-length"}
    script = tmp_path / "subscribe.js"
    script.write_text(SUBSCRIBE)
    given = {"origin": cloud.server.endpoint, "path": "/", "headers": headers, "body": base64.b64encode(body).decode()}
    done = subprocess.run([NODE, script, json.dumps(given)], capture_output=True, text=True, timeout=60)
    assert "STATUS 200 application/vnd.amazon.eventstream" in done.stdout and "PUSHED" in done.stdout, done


# CBOR as the Java clients speak it


def cbor(value):
    """As much of CBOR as a request needs."""
    def head(kind, number):
        return bytes([kind << 5 | number]) if number < 24 else struct.pack(">BI", kind << 5 | 26, number)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(name) + cbor(item) for name, item in value.items())


def test_cbor_is_spoken_both_ways(cloud):
    kinesis = make_stream(cloud)

    def call(operation, given):
        body, kind = cbor(given), "application/x-amz-cbor-1.1"
        request = urllib.request.Request(cloud.server.endpoint + "/", body, signed(cloud, operation, body, kind))
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers["content-type"], answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["content-type"], error.read()
    status, kind, answer = call("PutRecord", {"StreamName": "clicks", "Data": b"\x00\xff", "PartitionKey": "k"})
    assert (status, kind) == (200, "application/x-amz-cbor-1.1") and b"shardId-000000000000" in answer
    assert kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(
        StreamName="clicks", ShardId=SHARD, ShardIteratorType="TRIM_HORIZON")["ShardIterator"])["Records"][0]["Data"] == b"\x00\xff"
    iterator = kinesis.get_shard_iterator(StreamName="clicks", ShardId=SHARD, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    status, _, answer = call("GetRecords", {"ShardIterator": iterator, "Limit": 5})
    # A blob of two bytes, and a time in milliseconds with tag 1.
    assert status == 200 and b"\x42\x00\xff" in answer and b"\xc1\x1b\x00\x00\x01" in answer
    status, kind, answer = call("PutRecord", {"StreamName": "other", "Data": b"", "PartitionKey": "k"})
    assert (status, kind) == (400, "application/x-amz-cbor-1.1") and b"ResourceNotFoundException" in answer


def test_the_cli_works(cloud):
    cloud.cli("kinesis", "create-stream", "--stream-name", "clicks", "--shard-count", "1")
    cloud.cli("kinesis", "wait", "stream-exists", "--stream-name", "clicks")
    made = cloud.cli_json("kinesis", "put-record", "--stream-name", "clicks", "--partition-key", "k", "--data", "hello")
    assert made["ShardId"] == SHARD
    iterator = cloud.cli_json(
        "kinesis", "get-shard-iterator", "--stream-name", "clicks", "--shard-id", SHARD, "--shard-iterator-type", "TRIM_HORIZON")
    page = cloud.cli_json("kinesis", "get-records", "--shard-iterator", iterator["ShardIterator"])
    assert base64.b64decode(page["Records"][0]["Data"]) == b"hello"


def test_cloudwatch_shows_what_streams_do(cloud):
    kinesis = make_stream(cloud)
    put(kinesis, "a", "b")
    read(kinesis)
    watch, now = cloud.client("cloudwatch"), cloud.clock.now_ms() / 1000

    def total(name):
        found = watch.get_metric_statistics(
            Namespace="AWS/Kinesis", MetricName=name, Dimensions=[{"Name": "StreamName", "Value": "clicks"}], StartTime=now - 600,
            EndTime=now + 600, Period=3600, Statistics=["Sum"])["Datapoints"]
        return sum(point["Sum"] for point in found)
    wait_until(lambda: total("IncomingRecords") == 2 and total("GetRecords.Records") == 2, "the metrics")
