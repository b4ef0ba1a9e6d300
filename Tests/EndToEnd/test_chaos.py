"""Faults that the operator asks for: what is delivered twice, reordered, failed, throttled or slowed, and that nothing is lost by it."""

import json
import time
import urllib.error
import urllib.request

import boto3
import botocore.config
import pytest

from harness import wait_until
from lambdas import ECHO, LOGS, QUEUES, deploy, make_queue, make_role, policy, receive_all
from test_dynamodb import make
from test_mappings import attach, depth, send_all
from test_powertools import package
from test_trace import follow, hops, let, new_root, send, topic_of, traces

TABLES = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
STREAMS = {"Effect": "Allow", "Action": "kinesis:*", "Resource": "*"}
# Says what it was given, and under which request id.
SHOW = """
def handler(event, context):
    print("RAN " + context.aws_request_id)
    return {}
"""
NAIVE = """
import boto3, json
charges = boto3.resource("dynamodb").Table("charges")
def handler(event, context):
    for record in event["Records"]:
        order = json.loads(record["body"])["order"]
        charges.update_item(Key={"p": order}, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": 1})
"""
IDEMPOTENT = """
import boto3, json
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
charges = boto3.resource("dynamodb").Table("charges")
config = IdempotencyConfig(event_key_jmespath="messageId")

@idempotent_function(data_keyword_argument="record", config=config, persistence_store=DynamoDBPersistenceLayer(table_name="idempotency"))
def charge(record):
    order = json.loads(record["body"])["order"]
    charges.update_item(Key={"p": order}, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": 1})

def handler(event, context):
    config.register_lambda_context(context)
    for record in event["Records"]:
        charge(record=record)
"""


class Rules:
    """The rules that a test makes, for its account alone."""

    def __init__(self, cloud):
        self.cloud, self.ids = cloud, []

    def add(self, fault, service, **members):
        body = {"fault": fault, "service": service, "account": self.cloud.account, "seed": 1} | members
        status, rule = self.cloud.server.page("/_dewpoint/chaos", "POST", body=json.dumps(body).encode())
        assert status == 201, rule
        self.ids.append(rule["id"])
        return rule["id"]

    def __getitem__(self, number):
        status, rule = self.cloud.server.page(f"/_dewpoint/chaos/{number}")
        assert status == 200, rule
        return rule

    def stop(self):
        for number in self.ids:
            self.cloud.server.page(f"/_dewpoint/chaos/{number}", "DELETE")
        self.ids = []


@pytest.fixture
def rules(cloud):
    rules = Rules(cloud)
    yield rules
    rules.stop()


@pytest.fixture
def frozen(timed_cloud):
    timed_cloud.clock.freeze()
    timed_cloud.rules = Rules(timed_cloud)
    yield timed_cloud
    timed_cloud.rules.stop()


def once(cloud, service):
    """A client that does not try again."""
    return boto3.client(
        service, region_name="us-east-1", endpoint_url=cloud.server.endpoint, aws_access_key_id=cloud.account,
        aws_secret_access_key="secret", config=botocore.config.Config(retries={"mode": "standard", "total_max_attempts": 1}))


def reasons(cloud, root):
    return [hop["reason"] for hop in hops(cloud, root) if (hop.get("reason") or "").startswith("chaos rule")]


# What is delivered twice


def test_a_naive_function_charges_twice_and_one_with_powertools_once(cloud):
    dynamodb, sqs = cloud.client("dynamodb"), cloud.client("sqs")
    make(dynamodb, "charges", sort=False)
    dynamodb.create_table(
        TableName="idempotency", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    role = make_role(cloud, "cashier", LOGS, QUEUES, TABLES)
    urls, functions = {}, []
    for name, source in (("naive", NAIVE), ("once", IDEMPOTENT)):
        url, arn = make_queue(cloud, name, VisibilityTimeout=60)
        functions.append(deploy(cloud, package(source), name=name, role=role, Timeout=25))
        attach(functions[-1], arn, BatchSize=1)
        urls[name] = url
    said = cloud.server.command("chaos", "duplicate", "--service", "sqs", "--rate", "100%", "--account", cloud.account, "--seed", "7").stdout
    number = said.split()[0]
    assert "duplicate sqs" in said and "seed 7" in said
    try:
        for name, url in urls.items():
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"order": f"of-{name}"}))

        def counts():
            return {item["p"]["S"]: int(item["n"]["N"]) for item in dynamodb.scan(TableName="charges", ConsistentRead=True)["Items"]}

        def charged():
            assert counts() == {"of-naive": 2, "of-once": 1}, (counts(), [text for f in functions for _, text in f.log()])
            return True
        wait_until(charged, "both orders are charged, one of them twice", limit=60)

        # The copy of the message has come to the idempotent function, too.
        sent = wait_until(lambda: traces(cloud, resource="once"), "the trace")[-1]["trace"]
        found = wait_until(lambda: [h for h in hops(cloud, sent) if h["action"] == "invoke" and len(
            [h for h in hops(cloud, sent) if h["action"] == "invoke"]) == 2], "it ran twice", limit=30)
        assert [hop["outcome"] for hop in found] == ["delivered", "delivered"]
        assert reasons(cloud, sent) == [f"chaos rule {number}: duplicate sqs deliver"]
        assert f"chaos rule {number}: duplicate" in cloud.server.command("trace", sent).stdout
        assert counts() == {"of-naive": 2, "of-once": 1}
        listed = cloud.server.command("chaos", "list").stdout
        assert [line for line in listed.splitlines() if line.startswith(f"{number}  duplicate sqs") and "struck 2 of 2" in line], listed
    finally:
        cloud.server.command("chaos", "stop", number)


def made_by_sns(cloud, url, arn):
    topic = topic_of(cloud, "news")
    let(cloud, url, arn, "sns.amazonaws.com", topic)
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return lambda: cloud.client("sns").publish(TopicArn=topic, Message="x")


def made_by_s3(cloud, url, arn):
    bucket = f"uploads-{cloud.account}"
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=bucket)
    let(cloud, url, arn, "s3.amazonaws.com", f"arn:aws:s3:::{bucket}")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]})
    wait_until(lambda: receive_all(cloud.client("sqs"), url), "the test event")
    return lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x")


def made_by_events(cloud, url, arn, **target):
    events = cloud.client("events")
    rule = events.put_rule(Name="all", EventPattern=json.dumps({"source": ["shop"]}))["RuleArn"]
    let(cloud, url, arn, "events.amazonaws.com", rule)
    events.put_targets(Rule="all", Targets=[{"Id": "q", "Arn": arn} | target])
    return lambda: events.put_events(Entries=[{"Source": "shop", "DetailType": "x", "Detail": "{}"}])


def made_by_pipes(cloud, url, arn):
    source_url, source = make_queue(cloud, "source")
    role = make_role(cloud, "pipe", QUEUES, trust=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "pipes.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
    pipes = cloud.client("pipes")
    pipes.create_pipe(Name="p", RoleArn=role, Source=source, Target=arn)
    wait_until(lambda: pipes.describe_pipe(Name="p")["CurrentState"] == "RUNNING", "the pipe runs", limit=30)
    return lambda: cloud.client("sqs").send_message(QueueUrl=source_url, MessageBody="x")


@pytest.mark.parametrize("service, make_source", [
    ("sns", made_by_sns), ("s3", made_by_s3), ("events", made_by_events), ("pipes", made_by_pipes)])
def test_what_a_service_delivers_comes_twice(cloud, rules, service, make_source):
    url, arn = make_queue(cloud, "target")
    emit = make_source(cloud, url, arn)
    number = rules.add("duplicate", service, count=1)
    emit()
    wait_until(lambda: depth(cloud.client("sqs"), url) == (2, 0), "it has come twice")
    emit()
    wait_until(lambda: depth(cloud.client("sqs"), url) == (3, 0), "the next comes once")
    assert rules[number]["hits"] == 1 and rules[number]["isOver"]


def test_an_asynchronous_event_runs_twice_under_one_request_id(cloud, rules):
    function = deploy(cloud, SHOW)
    rules.add("duplicate", "lambda", resource="worker", count=1)
    request = function.send({})
    wait_until(lambda: len(function.log("RAN")) == 2, "it ran twice", limit=30)
    assert [text.split()[1] for _, text in function.log("RAN")] == [request, request]


def test_a_batch_of_a_shard_comes_twice_and_keeps_its_order(cloud, rules):
    kinesis = cloud.client("kinesis")
    kinesis.create_stream(StreamName="clicks", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="clicks", WaiterConfig={"Delay": 1})
    function = deploy(cloud, """
        import base64
        def handler(event, context):
            print("GOT " + "".join(base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]))
        """, role=make_role(cloud, "reader", LOGS, STREAMS))
    rules.add("duplicate", "kinesis")
    arn = kinesis.describe_stream_summary(StreamName="clicks")["StreamDescriptionSummary"]["StreamARN"]
    attach(function, arn, StartingPosition="TRIM_HORIZON", BatchSize=1)
    for n in range(4):
        kinesis.put_record(StreamName="clicks", PartitionKey="k", Data=str(n))
    wait_until(lambda: "".join(text.split()[1] for _, text in function.log("GOT")) == "00112233", "each twice, in order", limit=60)


# Another order


def test_a_standard_queue_gives_another_order_and_a_fifo_queue_keeps_its_own(cloud, rules):
    sqs = cloud.client("sqs")
    rules.add("reorder", "sqs")
    for name, attributes, group in (("plain", {}, {}), ("line.fifo", {"FifoQueue": "true", "ContentBasedDeduplication": "true"}, {"MessageGroupId": "g"})):
        url, _ = make_queue(cloud, name, **attributes)
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": str(n), **group} for n in range(10)])
        found = [m["Body"] for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]]
        assert sorted(found) == [str(n) for n in range(10)]
        assert (found == sorted(found)) == bool(group)


def test_a_mapping_gives_its_function_another_order(cloud, rules):
    function = deploy(cloud, """
        def handler(event, context):
            print("GOT " + "".join(r["body"] for r in event["Records"]))
        """)
    url, arn = make_queue(cloud, VisibilityTimeout=60)
    send_all(cloud.client("sqs"), url, [str(n) for n in range(10)])
    rules.add("reorder", "lambda", operation="deliver")
    attach(function, arn, BatchSize=10)
    wait_until(lambda: depth(cloud.client("sqs"), url) == (0, 0), "all are handled", limit=60)
    orders = [text.split()[1] for _, text in function.log("GOT")]
    assert sorted("".join(orders)) == [str(n) for n in range(10)]
    assert any(order != "".join(sorted(order)) for order in orders)


# Throttled and failing calls


def calls(cloud):
    def table(client):
        make(client, "things", sort=False)
        return lambda client: client.put_item(TableName="things", Item={"p": {"S": "a"}})

    def queue(client):
        url = client.create_queue(QueueName="q")["QueueUrl"]
        return lambda client: client.send_message(QueueUrl=url, MessageBody="x")

    def bucket(client):
        client.create_bucket(Bucket=f"b-{cloud.account}")
        return lambda client: client.put_object(Bucket=f"b-{cloud.account}", Key="k", Body=b"x")
    return {"dynamodb": table, "sqs": queue, "s3": bucket}


CALLS = [
    ("dynamodb", "PutItem", "ProvisionedThroughputExceededException", "InternalServerError"),
    ("sqs", "SendMessage", "RequestThrottled", "ServiceUnavailable"), ("s3", "PutObject", "SlowDown", "InternalError"),
    ("lambda", "ListFunctions", "TooManyRequestsException", "ServiceException"), ("sns", "ListTopics", "Throttling", "InternalError"),
    ("kinesis", "ListStreams", "LimitExceededException", "InternalFailure"), ("iam", "ListRoles", "Throttling", "ServiceFailure"),
    ("events", "ListRules", "ThrottlingException", "InternalException"),
    ("scheduler", "ListSchedules", "ThrottlingException", "InternalServerException"),
    ("firehose", "ListDeliveryStreams", "ServiceUnavailableException", "ServiceUnavailableException"),
    ("logs", "DescribeLogGroups", "ThrottlingException", "ServiceUnavailableException"),
]


@pytest.mark.parametrize("service, operation, throttled, failed", CALLS)
def test_a_client_sees_the_errors_of_the_service_and_tries_again(cloud, rules, refused, service, operation, throttled, failed):
    client, impatient = cloud.client(service), once(cloud, service)
    prepare = calls(cloud).get(service)
    name = "".join("_" + c.lower() if c.isupper() else c for c in operation).lstrip("_")
    call = prepare(client) if prepare else lambda client: getattr(client, name)()
    for fault, code in (("throttle", throttled), ("fail", failed)):
        number = rules.add(fault, service, operation=operation, count=2)
        with refused(code):
            call(impatient)
        assert call(client)["ResponseMetadata"]["RetryAttempts"] == 1
        assert call(client)["ResponseMetadata"]["RetryAttempts"] == 0
        assert rules[number]["hits"] == 2


def test_what_the_cli_and_functions_call_is_struck_and_other_resources_are_not(cloud, rules):
    sqs = cloud.client("sqs")
    struck, _ = make_queue(cloud, "struck")
    spared, _ = make_queue(cloud, "spared")
    rules.add("throttle", "sqs", operation="SendMessage", resource="struck")
    assert "RequestThrottled" in cloud.cli("sqs", "send-message", "--queue-url", struck, "--message-body", "x", check=False).stderr
    sqs.send_message(QueueUrl=spared, MessageBody="x")
    function = deploy(cloud, f"""
        import boto3
        def handler(event, context):
            boto3.client("sqs").send_message(QueueUrl={struck!r}, MessageBody="x")
        """)
    assert "RequestThrottled" in function.invoke({}).failure["errorMessage"]
    assert depth(sqs, struck) == (0, 0)


def test_a_refused_call_is_in_the_trace(cloud, rules, refused):
    url, arn = make_queue(cloud, "traced")
    number = rules.add("throttle", "sqs", operation="SendMessage", count=1)
    root = new_root(f"c{cloud.account}")
    client = once(cloud, "sqs")
    client.meta.events.register(
        "before-sign.sqs", lambda request, **_: request.headers.add_header("X-Amzn-Trace-Id", f"Root={root}"))
    with refused("RequestThrottled"):
        client.send_message(QueueUrl=url, MessageBody="x")
    [hop] = hops(cloud, root)
    assert (hop["service"], hop["action"], hop["target"], hop["outcome"]) == ("sqs", "SendMessage", arn, "failed")
    assert hop["reason"] == f"chaos rule {number}: throttle sqs SendMessage"


def test_the_same_seed_strikes_the_same_calls(cloud, rules):
    url, _ = make_queue(cloud)
    client = once(cloud, "sqs")

    def pattern(seed):
        number = rules.add("fail", "sqs", operation="GetQueueUrl", rate=0.5, seed=seed)
        found = ""
        for _ in range(40):
            try:
                client.get_queue_url(QueueName="queue")
                found += "."
            except client.exceptions.ClientError:
                found += "x"
        assert rules[number]["hits"] == found.count("x") and rules[number]["seen"] == 40
        rules.stop()
        return found
    first = pattern(11)
    assert pattern(11) == first and pattern(12) != first and 8 < first.count("x") < 32


# Failing deliveries


def test_an_event_whose_function_crashes_ends_at_its_destination(frozen):
    bad_url, bad = make_queue(frozen, "bad")
    function = deploy(frozen, SHOW)
    frozen.client("lambda").put_function_event_invoke_config(
        FunctionName="worker", DestinationConfig={"OnFailure": {"Destination": bad}})
    frozen.rules.add("fail", "lambda", operation="deliver")
    # Nothing that was given up may be lost: destinations are spared.
    frozen.rules.add("fail", "sqs", operation="SendMessage")
    request = function.send({"a": 1})
    for step in ("1m", "2m"):
        wait_until(lambda: [t for t in traces(frozen, outcome="retried")], "the attempt failed")
        frozen.clock.advance(step)
    sqs = frozen.client("sqs")

    def arrived():
        frozen.clock.advance("30s")
        return depth(sqs, bad_url) == (1, 0)
    wait_until(arrived, "the record is at the destination", limit=60)
    [message] = receive_all(sqs, bad_url)
    record = json.loads(message["Body"])
    assert record["requestContext"]["requestId"] == request and record["requestPayload"] == {"a": 1}
    assert record["requestContext"]["condition"] == "RetriesExhausted" and record["requestContext"]["approximateInvokeCount"] == 3
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorType"] == "Runtime.ExitError"
    assert record["responsePayload"]["errorMessage"] == f"RequestId: {request} Error: Runtime exited with error: exit status 1"
    assert not function.log("RAN")


def test_a_rule_of_events_gives_up_into_its_dead_letter_queue(frozen):
    url, arn = make_queue(frozen, "target")
    dead_url, dead = make_queue(frozen, "dead")
    sqs = frozen.client("sqs")
    emit = made_by_events(frozen, url, arn, RetryPolicy={"MaximumRetryAttempts": 1}, DeadLetterConfig={"Arn": dead})
    let(frozen, dead_url, dead, "events.amazonaws.com", f"arn:aws:events:us-east-1:{frozen.account}:rule/all")
    number = frozen.rules.add("fail", "events", operation="deliver")
    frozen.rules.add("throttle", "sqs", operation="SendMessage")
    emit()

    def arrived():
        frozen.clock.advance("5m")
        return depth(sqs, dead_url) == (1, 0)
    wait_until(arrived, "the dead letter", limit=60)
    message = sqs.receive_message(QueueUrl=dead_url, MessageAttributeNames=["All"])["Messages"][0]
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes["RETRY_ATTEMPTS"] == "1" and attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert attributes["ERROR_CODE"] == "INTERNAL_ERROR" and json.loads(message["Body"])["source"] == "shop"
    assert depth(sqs, url) == (0, 0) and frozen.rules[number]["hits"] == 2


def test_a_batch_of_a_queue_fails_until_redrive_takes_its_message(frozen):
    dead_url, dead = make_queue(frozen, "dead")
    url, arn = make_queue(frozen, "work", VisibilityTimeout=30, RedrivePolicy=json.dumps({
        "deadLetterTargetArn": dead, "maxReceiveCount": 2}))
    function = deploy(frozen, SHOW)
    root = new_root(f"d{frozen.account}")
    number = frozen.rules.add("fail", "lambda", resource="work")
    attach(function, arn)
    send(frozen, url, "x", root)
    sqs = frozen.client("sqs")

    def moved():
        frozen.clock.advance("31s")
        return depth(sqs, dead_url) == (1, 0)
    wait_until(moved, "the dead letter", limit=60)
    found = wait_until(lambda: [h for h in hops(frozen, root) if h["action"] == "redrive"] and hops(frozen, root), "the redrive", limit=30)
    assert [h["outcome"] for h in found if h["action"] == "invoke"] == ["failed", "failed"]
    assert reasons(frozen, root) == [f"chaos rule {number}: fail lambda deliver"] * 2
    assert not function.log("RAN")


def test_a_throttled_hop_inside_is_tried_again(frozen):
    url, arn = make_queue(frozen, "target")
    publish = made_by_sns(frozen, url, arn)
    number = frozen.rules.add("throttle", "sqs", operation="SendMessage", count=2)
    publish()
    sqs = frozen.client("sqs")

    def arrived():
        frozen.clock.advance("20s")
        return depth(sqs, url) == (1, 0)
    wait_until(arrived, "the message", limit=60)
    assert frozen.rules[number]["hits"] == 2
    root = traces(frozen, resource="target", outcome="retried")[0]["trace"]
    found = [h for h in hops(frozen, root) if h["action"] == "deliver"]
    assert [h["outcome"] for h in found] == ["retried", "retried", "delivered"]
    assert reasons(frozen, root) == [f"chaos rule {number}: throttle sqs SendMessage"] * 2


def test_nothing_that_was_accepted_is_lost(frozen):
    """From a topic by a queue into a function, where a third of everything fails."""
    frozen.clock.resume()
    out_url, _ = make_queue(frozen, "out")
    url, arn = make_queue(frozen, "target", VisibilityTimeout=30)
    made_by_sns(frozen, url, arn)
    topic = topic_of(frozen, "news")
    function = deploy(frozen, f"""
        import boto3, json
        sqs = boto3.client("sqs")
        def handler(event, context):
            for record in event["Records"]:
                sqs.send_message(QueueUrl={out_url!r}, MessageBody=json.loads(record["body"])["Message"])
        """, Timeout=25)
    attach(function, arn, BatchSize=5)
    for service in ("sns", "lambda"):
        frozen.rules.add("fail", service, operation="deliver", rate=0.3)
    for operation in ("SendMessage", "ReceiveMessage", "DeleteMessage"):
        frozen.rules.add("throttle", "sqs", operation=operation, rate=0.3)
    frozen.rules.add("duplicate", "sqs", rate=0.3)
    sns = frozen.client("sns")
    sent = {f"m{n}" for n in range(40)}
    for text in sent:
        sns.publish(TopicArn=topic, Message=text)
    sqs, found = once(frozen, "sqs"), set()

    def complete():
        frozen.clock.advance("31s")
        try:
            for message in sqs.receive_message(QueueUrl=out_url, MaxNumberOfMessages=10, VisibilityTimeout=43200).get("Messages", []):
                found.add(message["Body"])
        except sqs.exceptions.ClientError:
            pass
        return found == sent
    wait_until(complete, "all messages", limit=120)
    assert sum(frozen.rules[number]["hits"] for number in frozen.rules.ids) > 20


# What takes longer


def test_a_slow_call_takes_real_time(cloud, rules):
    url, _ = make_queue(cloud)
    client = cloud.client("sqs")
    client.get_queue_url(QueueName="queue")
    rules.add("slow", "sqs", operation="GetQueueUrl", delay="400ms", count=1)
    began = time.monotonic()
    client.get_queue_url(QueueName="queue")
    assert time.monotonic() - began >= 0.4


def test_a_slow_delivery_waits_for_the_clock_of_the_user(frozen):
    url, arn = make_queue(frozen, "target")
    publish = made_by_sns(frozen, url, arn)
    number = frozen.rules.add("slow", "sns", operation="deliver", delay="10m")
    publish()
    sqs = frozen.client("sqs")
    wait_until(lambda: frozen.rules[number]["hits"] == 1, "it is held up")
    frozen.clock.advance("9m")
    assert depth(sqs, url) == (0, 0)
    frozen.clock.advance("1m")
    wait_until(lambda: depth(sqs, url) == (1, 0), "it has come")


# The rules themselves


def test_there_are_no_rules_until_somebody_makes_one_and_a_reset_ends_them(own_cloud):
    server = own_cloud.server
    assert server.page("/_dewpoint/chaos") == (200, {"rules": []})
    assert "No rules" in server.command("chaos").stdout
    assert server.command("chaos", "fail", "--service", "sqs", "--rate", "0.2").stdout.startswith("1  fail sqs")
    assert server.command("chaos", "slow", "--service", "lambda", "--function", "worker", "--delay", "2s", "--count", "3").returncode == 0
    listed = json.loads(server.command("chaos", "list", "--json").stdout)["rules"]
    assert [rule["fault"] for rule in listed] == ["fail", "slow"]
    assert listed[1]["resource"] == "worker" and listed[1]["delayMilliseconds"] == 2000 and listed[1]["count"] == 3
    assert server.command("chaos", "stop", "1").stdout.startswith("stopped  1  fail sqs")
    assert server.command("chaos", "stop", "1", check=False).returncode != 0
    server.command("reset")
    assert server.page("/_dewpoint/chaos") == (200, {"rules": []})
    server.command("chaos", "fail", "--service", "sqs")
    own_cloud.restart(kill=True)
    assert server.page("/_dewpoint/chaos") == (200, {"rules": []})
    server.command("chaos", "fail", "--service", "sqs")
    assert server.command("chaos", "stop").stdout == "stopped 1\n"


def test_a_reset_of_an_account_ends_its_rules_and_no_others(own_cloud):
    server = own_cloud.server
    for account in ("111111111111", "222222222222"):
        server.command("chaos", "fail", "--service", "sns", "--account", account)
    server.command("reset", "--account", "111111111111")
    assert [rule["account"] for rule in server.page("/_dewpoint/chaos")[1]["rules"]] == ["222222222222"]


@pytest.mark.parametrize("arguments, words", [
    (["explode", "--service", "sqs"], ""), (["fail"], "--service"), (["fail", "--service", "rds"], "no service 'rds'"),
    (["fail", "--service", "sqs", "--operation", "PutItem"], "no operation 'PutItem'"),
    (["fail", "--service", "sqs", "--rate", "0"], "rate"), (["fail", "--service", "sqs", "--rate", "often"], "rate"),
    (["fail", "--service", "sqs", "--rate", "150%"], "rate"), (["fail", "--service", "sqs", "--count", "0"], "count"),
    (["slow", "--service", "sqs"], "delay"), (["slow", "--service", "sqs", "--delay", "1 h"], "delay"),
    (["slow", "--service", "sqs", "--delay", "2h"], "delay"), (["duplicate", "--service", "dynamodbstreams"], "never strike"),
    (["duplicate", "--service", "iam"], "never strike"), (["reorder", "--service", "kinesis"], "keep it"),
    (["reorder", "--service", "sqs", "--resource", "orders.fifo"], "FIFO"), (["stop", "12345"], "no chaos rule"),
    (["fail", "--service", "sqs", "--account", "1"], "twelve digits"), (["fail", "--service", "sqs", "--seed", "x"], "seed"),
])
def test_what_is_no_rule_is_refused_with_the_reason(cloud, arguments, words):
    before = cloud.server.page("/_dewpoint/chaos")
    done = cloud.server.command("chaos", *arguments, check=False)
    assert done.returncode != 0 and words in done.stderr and "Fatal" not in done.stderr, done.stderr
    assert cloud.server.page("/_dewpoint/chaos") == before


def test_pages_of_other_origins_change_nothing(cloud):
    request = urllib.request.Request(
        f"{cloud.server.endpoint}/_dewpoint/chaos", method="POST", data=b'{"fault":"fail","service":"sqs"}',
        headers={"Origin": "https://evil.example"})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request)
    assert refusal.value.code == 403


def test_where_keys_count_nobody_changes_rules_without_one(tmp_path, account):
    from harness import Server
    server = Server(tmp_path, "--root-key", "ROOTKEYID:a-secret-of-root").start()
    try:
        status, answer = server.page("/_dewpoint/chaos", "POST", body=b'{"fault":"fail","service":"sqs"}')
        assert status == 403 and "root key" in answer["message"]
        assert server.page("/_dewpoint/chaos") == (200, {"rules": []})
    finally:
        server.stop()
