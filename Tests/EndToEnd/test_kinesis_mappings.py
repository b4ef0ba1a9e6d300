"""Kinesis streams feed functions: order, retries, bisection, partial failures, windows, checkpoints, children after parents."""

import json
import threading

import pytest

from harness import wait_until
from lambdas import LOGS, QUEUES, deploy, make_queue, make_role, receive_all
from test_kinesis import SHARD, make_consumer, make_stream, put, stream_arn, wait_active
from test_mappings import attach, wait_state

STREAMS = {"Effect": "Allow", "Action": "kinesis:*", "Resource": "*"}
# Prints each batch as one line of JSON, and fails as the texts say.
BATCHES = """
    import base64, json
    def handler(event, context):
        texts = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
        print("BATCH " + json.dumps(texts))
        if any(text.startswith("explode") for text in texts):
            raise RuntimeError("exploded")
        bad = [r["kinesis"]["sequenceNumber"] for r, text in zip(event["Records"], texts) if text.startswith("bad")]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in bad]}
    """
EVENTS = """
    import json
    def handler(event, context):
        print("EVENT " + json.dumps(event))
        state = event.get("state", {})
        state["count"] = state.get("count", 0) + len(event["Records"])
        return {"state": state}
    """


def role(cloud):
    return make_role(cloud, "reader", LOGS, QUEUES, STREAMS)


def lines(function, word):
    return [json.loads(text.removeprefix(word + " ")) for _, text in function.log(word)]


def batches(function):
    return lines(function, "BATCH")


def seen(function):
    return [text for batch in batches(function) for text in batch]


def feed(cloud, function, source=None, start="TRIM_HORIZON", **options):
    return attach(function, source or stream_arn(cloud), StartingPosition=start, **options)


def result(function, uuid):
    return function.client.get_event_source_mapping(UUID=uuid)["LastProcessingResult"]


def test_a_function_gets_the_records_of_a_stream(cloud):
    kinesis = make_stream(cloud)
    numbers = put(kinesis, "one", "two")
    function = deploy(cloud, EVENTS, role=role(cloud))
    uuid = feed(cloud, function)
    events = wait_until(lambda: lines(function, "EVENT"), "an event")
    record = events[0]["Records"][0]
    assert record["eventSource"] == "aws:kinesis" and record["eventName"] == "aws:kinesis:record"
    assert record["eventID"] == f"{SHARD}:{numbers[0]}" and record["eventSourceARN"] == stream_arn(cloud)
    assert record["kinesis"]["sequenceNumber"] == numbers[0] and record["kinesis"]["partitionKey"] == "k"
    assert record["kinesis"]["kinesisSchemaVersion"] == "1.0" and record["kinesis"]["data"] == "b25l"
    assert abs(record["kinesis"]["approximateArrivalTimestamp"] * 1000 - cloud.clock.now_ms()) < 60_000
    wait_until(lambda: result(function, uuid) == "OK", "the result")
    watch, now = cloud.client("cloudwatch"), cloud.clock.now_ms() / 1000
    wait_until(lambda: watch.get_metric_statistics(
        Namespace="AWS/Lambda", MetricName="IteratorAge", Dimensions=[{"Name": "FunctionName", "Value": "worker"}], StartTime=now - 600,
        EndTime=now + 600, Period=3600, Statistics=["Maximum"])["Datapoints"], "the age of the iterator")


def test_the_role_must_be_allowed_to_read_and_the_stream_must_exist(cloud, refused):
    make_stream(cloud)
    function = deploy(cloud, BATCHES)
    with refused("InvalidParameterValueException", 400, "perform the GetRecords, GetShardIterator"):
        function.client.create_event_source_mapping(
            FunctionName="worker", EventSourceArn=stream_arn(cloud), StartingPosition="LATEST")
    cloud.client("iam").put_role_policy(RoleName="role-of-worker", PolicyName="streams", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [STREAMS]}))
    with refused("InvalidParameterValueException", 400, "Stream not found: "):
        function.client.create_event_source_mapping(
            FunctionName="worker", EventSourceArn=stream_arn(cloud, "nothing"), StartingPosition="LATEST")
    with refused("InvalidParameterValueException", 400):
        function.client.create_event_source_mapping(FunctionName="worker", EventSourceArn=stream_arn(cloud))
    feed(cloud, function, start="LATEST")


def test_latest_sees_only_what_comes_and_filters_pass_over_the_rest(cloud):
    kinesis = make_stream(cloud)
    put(kinesis, '{"n": 1, "kind": "wanted"}')
    function = deploy(cloud, BATCHES, role=role(cloud))
    feed(cloud, function, start="LATEST", FilterCriteria={"Filters": [{"Pattern": json.dumps({"data": {"kind": ["wanted"]}})}]})
    # The mapping notes where the shard ends after it is enabled, so what is put before that may not be seen.
    wait_until(lambda: put(kinesis, '{"n": 2, "kind": "wanted"}', '{"n": 3, "kind": "other"}', "plain") and seen(function), "a record")
    put(kinesis, '{"n": 4, "kind": "wanted"}')
    wait_until(lambda: '{"n": 4, "kind": "wanted"}' in seen(function), "the last")
    assert set(seen(function)) <= {'{"n": 2, "kind": "wanted"}', '{"n": 4, "kind": "wanted"}'}


def test_a_failing_batch_is_bisected_and_its_bad_record_goes_to_the_destination(cloud):
    kinesis = make_stream(cloud)
    url, target = make_queue(cloud, "failed")
    numbers = put(kinesis, "a", "b", "explode", "c")
    function = deploy(cloud, BATCHES, role=role(cloud))
    feed(cloud, function, BatchSize=4, MaximumRetryAttempts=1, BisectBatchOnFunctionError=True,
         DestinationConfig={"OnFailure": {"Destination": target}})
    wait_until(lambda: "c" in [text for batch in batches(function) if "explode" not in batch for text in batch], "what is behind it",
               limit=60)
    sqs = cloud.client("sqs")
    messages = wait_until(lambda: receive_all(sqs, url), "the message")
    told = json.loads(messages[0]["Body"])
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted" and told["responseContext"]["functionError"] == "Unhandled"
    assert told["KinesisBatchInfo"]["startSequenceNumber"] == told["KinesisBatchInfo"]["endSequenceNumber"] == numbers[2]
    assert told["KinesisBatchInfo"]["shardId"] == SHARD and told["KinesisBatchInfo"]["streamArn"] == stream_arn(cloud)
    good = [text for batch in batches(function) if "explode" not in batch for text in batch]
    assert good == ["a", "b", "c"]


def test_a_bucket_keeps_the_failed_batch_with_its_event(cloud, s3, bucket):
    kinesis = make_stream(cloud)
    put(kinesis, "explode")
    arn = f"arn:aws:s3:::{bucket}"
    function = deploy(cloud, BATCHES, role=make_role(
        cloud, "reader", LOGS, STREAMS, {"Effect": "Allow", "Action": ["s3:PutObject", "s3:ListBucket"], "Resource": [arn, arn + "/*"]}))
    feed(cloud, function, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}})
    uuid = function.client.list_event_source_mappings(FunctionName="worker")["EventSourceMappings"][0]["UUID"]
    found = wait_until(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"), "the record", limit=60)
    assert found[0]["Key"].startswith(f"aws/lambda/{uuid}/{SHARD}/2")
    told = json.loads(s3.get_object(Bucket=bucket, Key=found[0]["Key"])["Body"].read())
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted" and told["KinesisBatchInfo"]["batchSize"] == 1
    event = json.loads(told["payload"])
    assert event["Records"][0]["kinesis"]["data"] == "ZXhwbG9kZQ==" and event["Records"][0]["invokeIdentityArn"].endswith(":role/reader")


def test_a_batch_that_fails_in_part_is_retried_from_there(cloud):
    kinesis = make_stream(cloud)
    put(kinesis, "a", "b", "bad", "c")
    function = deploy(cloud, BATCHES, role=role(cloud))
    feed(cloud, function, BatchSize=4, MaximumRetryAttempts=2, FunctionResponseTypes=["ReportBatchItemFailures"])
    wait_until(lambda: len(batches(function)) >= 3, "the retries", limit=60)
    assert batches(function)[:3] == [["a", "b", "bad", "c"], ["bad", "c"], ["bad", "c"]]


def test_records_of_a_key_keep_their_order_in_parallel_batches(cloud):
    kinesis = make_stream(cloud)
    kinesis.put_records(StreamName="clicks", Records=[
        {"Data": f"{n % 5}:{n}".encode(), "PartitionKey": str(n % 5)} for n in range(200)])
    function = deploy(cloud, BATCHES, role=role(cloud))
    feed(cloud, function, BatchSize=10, ParallelizationFactor=5)
    wait_until(lambda: len(seen(function)) == 200, "all records", limit=60)
    for key in range(5):
        numbers = [int(text.split(":")[1]) for text in seen(function) if text.startswith(f"{key}:")]
        assert numbers == list(range(key, 200, 5))


def test_children_are_read_after_their_parent(cloud):
    kinesis = make_stream(cloud)
    put(kinesis, *[f"p{n}" for n in range(20)])
    kinesis.split_shard(StreamName="clicks", ShardToSplit=SHARD, NewStartingHashKey=str(2 ** 127))
    wait_active(kinesis, "clicks")
    kinesis.put_records(StreamName="clicks", Records=[{"Data": f"c{n}".encode(), "PartitionKey": str(n)} for n in range(20)])
    function = deploy(cloud, BATCHES, role=role(cloud))
    feed(cloud, function, BatchSize=3)
    wait_until(lambda: len(seen(function)) == 40, "all records", limit=60)
    assert seen(function)[:20] == [f"p{n}" for n in range(20)]


def test_a_window_carries_state_to_its_end(own_cloud):
    own_cloud.clock.freeze()
    kinesis = make_stream(own_cloud)
    put(kinesis, "a", "b", "c")
    function = deploy(own_cloud, EVENTS, role=role(own_cloud))
    feed(own_cloud, function, BatchSize=2, TumblingWindowInSeconds=60)
    wait_until(lambda: len(lines(function, "EVENT")) >= 1, "the first batch")
    own_cloud.clock.advance("61s")
    last = wait_until(lambda: [event for event in lines(function, "EVENT") if event["isFinalInvokeForWindow"]], "the end of the window")
    assert last[0]["state"] == {"count": 3} and last[0]["Records"] == []
    assert last[0]["shardId"] == SHARD and not last[0]["isWindowTerminatedEarly"]


def test_records_that_are_too_old_are_given_up(own_cloud):
    own_cloud.clock.freeze()
    kinesis = make_stream(own_cloud)
    url, target = make_queue(own_cloud, "failed")
    function = deploy(own_cloud, BATCHES, role=role(own_cloud))
    put(kinesis, "explode")
    feed(own_cloud, function, MaximumRecordAgeInSeconds=60, DestinationConfig={"OnFailure": {"Destination": target}})
    wait_until(lambda: batches(function), "the first attempt")
    own_cloud.clock.advance("90s")
    sqs = own_cloud.client("sqs")
    told = json.loads(wait_until(lambda: receive_all(sqs, url), "the message", limit=60)[0]["Body"])
    assert told["requestContext"]["condition"] == "RecordAgeExceeded"
    put(kinesis, "fresh")
    wait_until(lambda: "fresh" in seen(function), "what comes after")


def test_a_mapping_goes_on_where_it_was_after_a_kill(own_cloud):
    kinesis = make_stream(own_cloud)
    function = deploy(own_cloud, BATCHES, role=role(own_cloud))
    feed(own_cloud, function, BatchSize=5)
    put(kinesis, *[f"n{n}" for n in range(10)])
    wait_until(lambda: len(seen(function)) == 10, "the first ten")
    uuid = function.client.list_event_source_mappings(FunctionName="worker")["EventSourceMappings"][0]["UUID"]
    wait_until(lambda: result(function, uuid) == "OK", "the checkpoint")
    # Without a clean end: what runs at the kill may be seen twice, what was done before is not.
    wait_until(lambda: put(kinesis, "mark") and "mark" in seen(function), "a mark")
    own_cloud.restart(kill=True)
    put(kinesis, "after")
    wait_until(lambda: "after" in seen(function), "what comes after", limit=60)
    assert [text for text in seen(function) if text.startswith("n")] == [f"n{n}" for n in range(10)]


def test_a_consumer_can_be_the_source(cloud):
    kinesis = make_stream(cloud)
    consumer = make_consumer(cloud)
    put(kinesis, "a")
    function = deploy(cloud, BATCHES, role=role(cloud))
    feed(cloud, function, source=consumer)
    wait_until(lambda: seen(function) == ["a"], "the record")
