"""EventBridge Pipes as its users see it: from a queue through filter and enrichment to its target."""

import json

import pytest

from harness import wait_until
from lambdas import deploy, make_queue, make_role, policy, receive_all

TRUST = policy({"Effect": "Allow", "Principal": {"Service": "pipes.amazonaws.com"}, "Action": "sts:AssumeRole"})


@pytest.fixture
def world(cloud):
    return World(cloud)


class World:
    def __init__(self, cloud):
        self.cloud = cloud
        self.pipes, self.sqs = cloud.client("pipes"), cloud.client("sqs")
        self.source_url, self.source = make_queue(cloud, "source", VisibilityTimeout=1)
        self.target_url, self.target = make_queue(cloud, "target")
        self.role = make_role(cloud, "mover", *(
            {"Effect": "Allow", "Action": action, "Resource": "*"} for action in ("sqs:*", "lambda:InvokeFunction", "kinesis:*", "events:PutEvents")), trust=TRUST)

    def create(self, name="p", **more):
        self.pipes.create_pipe(Name=name, **({"Source": self.source, "Target": self.target, "RoleArn": self.role} | more))
        return self.wait("RUNNING" if more.get("DesiredState") != "STOPPED" else "STOPPED", name)

    def wait(self, state, name="p"):
        return wait_until(
            lambda: (pipe := self.pipes.describe_pipe(Name=name))["CurrentState"] == state and pipe, f"the pipe is {state}")

    def send(self, *bodies):
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.source_url, MessageBody=body if isinstance(body, str) else json.dumps(body))

    def bodies(self, count):
        found = []
        wait_until(
            lambda: len(found.extend(m["Body"] for m in receive_all(self.sqs, self.target_url)) or found) >= count, f"{count} messages")
        return found

    def left(self):
        counts = self.sqs.get_queue_attributes(QueueUrl=self.source_url, AttributeNames=["All"])["Attributes"]
        return int(counts["ApproximateNumberOfMessages"]) + int(counts["ApproximateNumberOfMessagesNotVisible"])


def test_messages_go_through_as_records(world):
    world.create()
    world.send("hello")
    record = json.loads(world.bodies(1)[0])
    assert record["body"] == "hello" and record["eventSource"] == "aws:sqs" and record["eventSourceARN"] == world.source
    wait_until(lambda: world.left() == 0, "the message was deleted")


def test_filters_and_templates(world):
    world.create(
        SourceParameters={"FilterCriteria": {"Filters": [{"Pattern": '{"body": {"kind": ["order"], "n": [{"numeric": [">", 1]}]}}'}]}},
        TargetParameters={"InputTemplate": '{"order": <$.body.n>, "text": "n is <$.body.n> by <aws.pipes.pipe-name>", "all": <$.body>}'})
    world.send({"kind": "order", "n": 1}, {"kind": "gift", "n": 5}, "plain", {"kind": "order", "n": 2})
    assert [json.loads(body) for body in world.bodies(1)] == [
        {"order": 2, "text": "n is 2 by p", "all": {"kind": "order", "n": 2}}]
    wait_until(lambda: world.left() == 0, "what nobody wants was deleted")


def test_an_enrichment_changes_what_goes_on(world):
    function = deploy(world.cloud, """
        import json
        def handler(events, context):
            numbers = [json.loads(event["body"])["n"] for event in events]
            return [{"double": 2 * n} for n in numbers if n > 0]
    """)
    world.create(Enrichment=function.arn)
    world.send({"n": 4})
    assert [json.loads(body) for body in world.bodies(1)] == [{"double": 8}]
    world.send({"n": 0})
    wait_until(lambda: world.left() == 0, "an empty answer ends the batch")
    assert receive_all(world.sqs, world.target_url) == []


def test_a_function_gets_the_batch_and_may_fail_in_part(world):
    function = deploy(world.cloud, f"""
        import boto3, json
        def handler(events, context):
            assert isinstance(events, list)
            for event in events:
                if event["body"] != "bad":
                    boto3.client("sqs").send_message(QueueUrl={world.target_url!r}, MessageBody=event["body"])
            return {{"batchItemFailures": [{{"itemIdentifier": event["messageId"]}} for event in events if event["body"] == "bad"]}}
    """)
    dead_url, dead = make_queue(world.cloud, "dead")
    world.sqs.set_queue_attributes(QueueUrl=world.source_url, Attributes={
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 2}),
        # Longer than the first invocation takes.
        "VisibilityTimeout": "8"})
    world.create(Target=function.arn)
    world.send("good", "bad")
    assert world.bodies(1) == ["good"]
    letters = []
    wait_until(lambda: letters.extend(receive_all(world.sqs, dead_url)) or letters, "the bad one is in the dead-letter queue", 60)
    assert [letter["Body"] for letter in letters] == ["bad"]
    assert receive_all(world.sqs, world.target_url) == []


def test_a_pipe_is_stopped_started_changed_and_deleted(world, refused):
    world.create(DesiredState="STOPPED", Tags={"team": "a"})
    world.send("one")
    assert world.pipes.start_pipe(Name="p")["CurrentState"] == "STARTING"
    world.wait("RUNNING")
    assert len(world.bodies(1)) == 1
    assert world.pipes.stop_pipe(Name="p")["CurrentState"] == "STOPPING"
    world.wait("STOPPED")
    world.pipes.update_pipe(Name="p", RoleArn=world.role, TargetParameters={"InputTemplate": "<$.body>!"}, DesiredState="RUNNING")
    world.wait("RUNNING")
    world.send("two")
    assert world.bodies(1) == ["two!"]
    assert [pipe["Name"] for pipe in world.cloud.cli_json("pipes", "list-pipes")["Pipes"]] == ["p"]
    assert world.pipes.describe_pipe(Name="p")["Tags"] == {"team": "a"}
    assert world.pipes.delete_pipe(Name="p")["CurrentState"] == "DELETING"
    wait_until(lambda: world.pipes.list_pipes()["Pipes"] == [], "the pipe is gone")
    with refused("NotFoundException", 404, "Pipe p does not exist."):
        world.pipes.describe_pipe(Name="p")


@pytest.fixture
def stream(world):
    kinesis = world.cloud.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="s")
    return f"arn:aws:kinesis:us-east-1:{world.cloud.account}:stream/s"


def put(world, *bodies):
    world.cloud.client("kinesis").put_records(
        StreamName="s", Records=[{"Data": json.dumps(body).encode(), "PartitionKey": "k"} for body in bodies])


def test_records_of_a_stream_go_through(world, stream):
    put(world, *({"n": n} for n in range(5)))
    world.create(Source=stream, SourceParameters={
        "KinesisStreamParameters": {"StartingPosition": "TRIM_HORIZON"},
        "FilterCriteria": {"Filters": [{"Pattern": '{"data": {"n": [{"numeric": [">", 0]}]}}'}]}},
        TargetParameters={"InputTemplate": "<$.data.n> of <$.partitionKey>"})
    assert sorted(world.bodies(4)) == ["1 of k", "2 of k", "3 of k", "4 of k"]
    put(world, {"n": 9})
    assert world.bodies(1) == ["9 of k"]


def test_records_of_a_key_keep_their_order_in_parallel_batches(world, stream):
    world.create(Source=stream, SourceParameters={
        "KinesisStreamParameters": {"StartingPosition": "TRIM_HORIZON", "BatchSize": 3, "ParallelizationFactor": 4}},
        TargetParameters={"InputTemplate": "<$.partitionKey>:<$.data>"})
    world.cloud.client("kinesis").put_records(StreamName="s", Records=[
        {"Data": str(n).encode(), "PartitionKey": f"k{n % 5}"} for n in range(60)])
    bodies = world.bodies(60)
    assert sorted(bodies) == sorted(f"k{n % 5}:{n}" for n in range(60))


def test_a_record_that_cannot_be_delivered_is_told_and_the_shard_goes_on(world, stream):
    function = deploy(world.cloud, f"""
        import base64, boto3, json
        def handler(events, context):
            numbers = [json.loads(base64.b64decode(event["data"]))["n"] for event in events]
            if 2 in numbers:
                raise ValueError("two")
            for n in numbers:
                boto3.client("sqs").send_message(QueueUrl={world.target_url!r}, MessageBody=str(n))
    """)
    dead_url, dead = make_queue(world.cloud, "dead")
    put(world, *({"n": n} for n in range(4)))
    world.create(Source=stream, Target=function.arn, SourceParameters={"KinesisStreamParameters": {
        "StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": 0, "OnPartialBatchItemFailure": "AUTOMATIC_BISECT",
        "DeadLetterConfig": {"Arn": dead}}})
    letters = []
    wait_until(lambda: letters.extend(receive_all(world.sqs, dead_url)) or letters, "the dead letter", 60)
    letter = json.loads(letters[0]["Body"])
    assert letter["KinesisBatchInfo"]["batchSize"] == 1 and letter["KinesisBatchInfo"]["streamArn"] == stream
    assert letter["context"]["condition"] == "RetryAttemptsExhausted"
    assert set(world.bodies(3)) == {"0", "1", "3"}


def test_events_reach_a_bus(world):
    events = world.cloud.client("events")
    events.put_rule(Name="r", EventPattern='{"source": ["Pipe p"]}')
    world.sqs.set_queue_attributes(QueueUrl=world.target_url, Attributes={"Policy": policy({
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": world.target})})
    events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": world.target}])
    world.create(
        Target=f"arn:aws:events:us-east-1:{world.cloud.account}:event-bus/default",
        TargetParameters={"InputTemplate": '{"n": <$.body.n>}', "EventBridgeEventBusParameters": {"DetailType": "$.body.kind"}})
    world.send({"n": 1, "kind": "order"})
    event = json.loads(world.bodies(1)[0])
    assert (event["detail-type"], event["source"], event["detail"]) == ("order", "Pipe p", {"n": 1})


@pytest.mark.parametrize("more, text", [
    ({"Source": "arn:aws:mq:us-east-1:000000000000:broker:b"}, "is not supported by Dewpoint"),
    ({"Target": "arn:aws:ecs:us-east-1:000000000000:cluster/c"}, "is not supported by Dewpoint"),
    ({"Enrichment": "arn:aws:execute-api:us-east-1:000000000000:a/b/GET/c"}, "is not supported by Dewpoint"),
    ({"SourceParameters": {"SqsQueueParameters": {"BatchSize": 11}}}, "Maximum batch window"),
    ({"SourceParameters": {"FilterCriteria": {"Filters": [{"Pattern": '{"body": "x"}'}]}}}, "must be an object or an array"),
    ({"TargetParameters": {"KinesisStreamParameters": {"PartitionKey": "k"}}}, "KinesisStreamParameters is not supported"),
    ({"KmsKeyIdentifier": "key"}, "KmsKeyIdentifier is not supported by Dewpoint"),
])
def test_what_is_not_supported_is_refused(world, refused, more, text):
    with refused("ValidationException", 400, text):
        world.create(**more)
    assert world.pipes.list_pipes()["Pipes"] == []
