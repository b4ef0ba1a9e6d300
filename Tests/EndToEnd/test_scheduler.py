"""EventBridge Scheduler as its users see it: boto3 and the AWS CLI, on a clock that is frozen and advanced."""

import datetime
import json

import pytest

from harness import wait_until
from lambdas import deploy, make_queue, make_role, policy, receive_all

TRUST = policy({"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"})
OFF = {"Mode": "OFF"}


@pytest.fixture
def world(timed_cloud):
    return World(timed_cloud)


class World:
    """A queue that schedules send to, and a role that may."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.scheduler, self.sqs = cloud.client("scheduler"), cloud.client("sqs")
        self.url, self.arn = make_queue(cloud)
        self.role = make_role(cloud, "sender", {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}, {
            "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}, trust=TRUST)

    def create(self, expression, name="s", target=None, **more):
        return self.scheduler.create_schedule(
            Name=name, ScheduleExpression=expression, **({"FlexibleTimeWindow": OFF} | more),
            Target={"Arn": self.arn, "RoleArn": self.role, "Input": "hello"} | (target or {}))

    def messages(self, count, url=None):
        """What comes, as soon as it is so much; then a look whether more has come."""
        found = []
        wait_until(lambda: len(found.extend(receive_all(self.sqs, url or self.url)) or found) >= count, f"{count} messages")
        return found

    def bodies(self, count):
        return [message["Body"] for message in self.messages(count)]

    def local(self, seconds):
        """`yyyy-mm-ddThh:mm:ss` so many seconds from now, in UTC."""
        moment = datetime.datetime.fromtimestamp(self.cloud.clock.now_ms() / 1000 + seconds, datetime.UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S")


def test_schedules_come_due_on_the_clock(world):
    world.cloud.clock.freeze()
    when = world.local(6 * 3600)
    world.create(f"at({when})", ActionAfterCompletion="DELETE", target={"Input": "<aws.scheduler.scheduled-time>"})
    world.create("rate(4 hours)", "steady", target={"Input": "steady"})
    assert world.bodies(1) == ["steady"]
    world.cloud.clock.advance("3h59m")
    assert receive_all(world.sqs, world.url) == []
    world.cloud.clock.advance("1m")
    assert world.bodies(1) == ["steady"]
    world.cloud.clock.advance("2h")
    assert world.bodies(1) == [when + "Z"]
    with pytest.raises(world.scheduler.exceptions.ResourceNotFoundException):
        world.scheduler.get_schedule(Name="s")
    # A week in one step: what was missed comes once.
    world.cloud.clock.advance("7d")
    assert world.bodies(1) == ["steady"]


def test_the_command_line_makes_shows_and_removes_schedules(world):
    cli = world.cloud.cli_json
    made = cli(
        "scheduler", "create-schedule", "--name", "nightly", "--schedule-expression", "cron(30 2 * * ? *)",
        "--schedule-expression-timezone", "Europe/Berlin", "--flexible-time-window", "Mode=FLEXIBLE,MaximumWindowInMinutes=15",
        "--target", json.dumps({"Arn": world.arn, "RoleArn": world.role, "Input": "night"}))
    assert made["ScheduleArn"] == f"arn:aws:scheduler:us-east-1:{world.cloud.account}:schedule/default/nightly"
    shown = cli("scheduler", "get-schedule", "--name", "nightly")
    assert shown["ScheduleExpressionTimezone"] == "Europe/Berlin" and shown["State"] == "ENABLED"
    assert shown["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    assert [s["Name"] for s in cli("scheduler", "list-schedules")["Schedules"]] == ["nightly"]
    cli("scheduler", "create-schedule-group", "--name", "g", "--tags", "Key=team,Value=a")
    assert [g["Name"] for g in cli("scheduler", "list-schedule-groups")["ScheduleGroups"]] == ["default", "g"]
    world.cloud.cli("scheduler", "delete-schedule", "--name", "nightly")
    world.cloud.cli("scheduler", "delete-schedule-group", "--name", "g")
    wait_until(lambda: len(world.scheduler.list_schedule_groups()["ScheduleGroups"]) == 1, "the group is gone")


def test_a_universal_target_is_called_as_the_role(world, refused):
    sdk = "arn:aws:scheduler:::aws-sdk:sqs:"
    body = {"QueueUrl": world.url, "MessageBody": "attempt <aws.scheduler.attempt-number> of <aws.scheduler.schedule-arn>"}
    world.create("rate(1 day)", target={"Arn": sdk + "sendMessage", "Input": json.dumps(body)})
    assert world.bodies(1) == [f"attempt 1 of arn:aws:scheduler:us-east-1:{world.cloud.account}:schedule/default/s"]
    # The role may send, and make no queues: the attempt fails, and its dead letter says why.
    dead, dead_arn = make_queue(world.cloud, "dead")
    world.create(
        "rate(1 day)", "maker",
        target={"Arn": sdk + "createQueue", "Input": '{"QueueName":"new"}', "DeadLetterConfig": {"Arn": dead_arn}})
    letter = world.messages(1, dead)[0]
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert letter["Body"] == '{"QueueName":"new"}' and "AccessDenied" in attributes["ERROR_CODE"]
    assert "sqs:createqueue" in attributes["ERROR_MESSAGE"].lower() and attributes["TARGET_ARN"] == sdk + "createQueue"
    with refused("ValidationException", 400, "Invalid RequestJson provided."):
        world.create("rate(1 day)", "wrong", target={"Arn": sdk + "sendMessage", "Input": '{"Wings":2}'})
    with refused("ValidationException", 400, "it only reads"):
        world.create("rate(1 day)", "wrong", target={"Arn": sdk + "receiveMessage", "Input": "{}"})


def test_a_function_gets_the_input_of_its_schedule(world):
    function = deploy(world.cloud, f"""
        import boto3, json
        def handler(event, context):
            boto3.client("sqs").send_message(QueueUrl={world.url!r}, MessageBody=json.dumps(event))
    """)
    world.create("rate(1 day)", target={"Arn": function.arn, "Input": '{"n": 1}'})
    assert [json.loads(body) for body in world.bodies(1)] == [{"n": 1}]


def test_topics_buses_and_streams_are_targets(world):
    cloud, account = world.cloud, world.cloud.account
    cloud.client("iam").put_role_policy(RoleName="sender", PolicyName="more", PolicyDocument=policy(
        *({"Effect": "Allow", "Action": action, "Resource": "*"} for action in ("sns:Publish", "events:PutEvents", "kinesis:PutRecord"))))
    world.sqs.set_queue_attributes(QueueUrl=world.url, Attributes={"Policy": policy({
        "Effect": "Allow", "Principal": {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}, "Action": "sqs:SendMessage",
        "Resource": world.arn})})
    topic = cloud.client("sns").create_topic(Name="t")["TopicArn"]
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=world.arn, Attributes={"RawMessageDelivery": "true"})
    world.create("rate(1 day)", "topic", target={"Arn": topic, "Input": "by the topic"})
    assert world.bodies(1) == ["by the topic"]

    events = cloud.client("events")
    events.put_rule(Name="r", EventPattern='{"source": ["clock"]}')
    events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": world.arn}])
    world.create("rate(1 day)", "bus", target={
        "Arn": f"arn:aws:events:us-east-1:{account}:event-bus/default", "Input": '{"n": 1}',
        "EventBridgeParameters": {"Source": "clock", "DetailType": "tick"}})
    event = json.loads(world.bodies(1)[0])
    assert (event["detail-type"], event["detail"]) == ("tick", {"n": 1})

    kinesis = cloud.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="s")
    world.create("rate(1 day)", "stream", target={
        "Arn": f"arn:aws:kinesis:us-east-1:{account}:stream/s", "Input": "by the stream", "KinesisParameters": {"PartitionKey": "k"}})
    iterator = kinesis.get_shard_iterator(
        StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    records = wait_until(lambda: kinesis.get_records(ShardIterator=iterator)["Records"], "the record")
    assert [(record["Data"], record["PartitionKey"]) for record in records] == [(b"by the stream", "k")]


def test_what_is_wrong_is_refused(world, refused):
    with refused("ValidationException", 400) as error:
        world.create("rate(10 seconds)")
    assert error.message == "Invalid Schedule Expression rate(10 seconds)."
    stranger = make_role(world.cloud, "stranger")
    with refused("ValidationException", 400, "must allow AWS EventBridge Scheduler to assume the role"):
        world.create("rate(1 day)", target={"RoleArn": stranger})
    world.create("rate(1 day)")
    with refused("ConflictException", 409, "Schedule s already exists."):
        world.create("rate(1 day)")
    with refused("ResourceNotFoundException", 404, "Schedule group x does not exist."):
        world.create("rate(1 day)", GroupName="x")


def test_a_role_may_trust_one_group_only(world, refused):
    trust = policy({
        "Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {
            "aws:SourceArn": f"arn:aws:scheduler:us-east-1:{world.cloud.account}:schedule-group/g",
            "aws:SourceAccount": world.cloud.account}}})
    role = make_role(world.cloud, "bound", {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}, trust=trust)
    with refused("ValidationException", 400, "to assume the role"):
        world.create("rate(1 day)", target={"RoleArn": role})
    world.scheduler.create_schedule_group(Name="g")
    world.create("rate(1 day)", GroupName="g", target={"RoleArn": role})
    assert world.bodies(1) == ["hello"]


def test_schedules_survive_a_kill_and_invoke_once(own_cloud):
    """Killed again and again while schedules come due: each is invoked, and what was due meanwhile comes after the restart."""
    world = World(own_cloud)
    clock = own_cloud.clock
    clock.freeze()
    count = 60
    for number in range(count):
        world.create(f"at({world.local(600 + number)})", f"s{number}", ActionAfterCompletion="DELETE", target={"Input": str(number)})
    seen = []

    def collect():
        seen.extend(message["Body"] for message in receive_all(world.sqs, world.url))
        return len(set(seen)) == count

    for step in ("630s", "10s", "10s", "10s"):
        clock.advance(step)
        own_cloud.restart(kill=True)
        collect()
    clock.advance("1h")
    wait_until(collect, "every schedule was invoked", 60)
    assert world.scheduler.list_schedules()["Schedules"] == []
