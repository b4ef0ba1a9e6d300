"""Every event can be followed: which way it went, what became of it and why."""

import json
import urllib.error
import urllib.request

import pytest

from harness import wait_until
from lambdas import ECHO, LOGS, QUEUES, deploy, make_queue, make_role, policy, python
from test_kinesis import make_stream, stream_arn

INVOKE = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}


@pytest.fixture
def frozen(timed_cloud):
    timed_cloud.clock.freeze()
    return timed_cloud


def traces(cloud, **filters):
    query = "&".join(f"{name}={value}" for name, value in (filters | {"account": cloud.account}).items())
    status, answer = cloud.server.page(f"/_dewpoint/trace?format=json&limit=200&{query}")
    assert status == 200, answer
    return answer["traces"]


def hops(cloud, trace):
    status, answer = cloud.server.page(f"/_dewpoint/trace/{trace}", headers={"Accept": "application/json"})
    assert status == 200, answer
    assert answer["isComplete"]
    return answer["hops"]


def shape(found):
    """The tree as text without times and names: depth, service, action, outcome."""
    return ["." * hop["depth"] + f"{hop['service']} {hop['action']} {hop['outcome']}" for hop in found]


def follow(cloud, root, wanted):
    def look():
        found = hops(cloud, root)
        assert shape(found) == wanted, "\n".join(shape(found))
        return found
    return wait_until(look, "the whole trace", limit=60)


def new_root(last):
    return f"1-6555e988-{last:0>24}"


def send(cloud, url, body, root):
    cloud.client("sqs").send_message(
        QueueUrl=url, MessageBody=body,
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": f"Root={root}"}})


def invoke(cloud, function, event, root):
    """Asynchronously, with a trace header as SDKs in other programs send it."""
    client = cloud.client("lambda")
    client.meta.events.register(
        "before-sign.lambda", lambda request, **_: request.headers.add_header("X-Amzn-Trace-Id", f"Root={root}"))
    client.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event))


def test_from_a_queue_through_a_function_and_its_sdk_to_another_queue(cloud):
    source_url, source = make_queue(cloud, "source")
    target_url, target = make_queue(cloud, "target")
    deploy(cloud, f"""
        import boto3, os
        sqs = boto3.client("sqs")
        def handler(event, context):
            for record in event["Records"]:
                sqs.send_message(QueueUrl={target_url!r}, MessageBody=record["body"])
        """)
    cloud.client("lambda").create_event_source_mapping(EventSourceArn=source, FunctionName="worker")
    cloud.client("sqs").send_message(QueueUrl=source_url, MessageBody="x")
    sent = wait_until(lambda: traces(cloud, resource="source"), "the first hop", limit=60)[0]
    found = follow(cloud, sent["trace"], ["sqs SendMessage accepted", ".lambda invoke delivered", "..sqs SendMessage accepted"])
    assert found[0]["source"] == f"arn:aws:iam::{cloud.account}:root" and found[0]["target"] == source
    assert found[1]["source"] == source and found[1]["target"].endswith(":function:worker")
    assert found[2]["source"].startswith(f"arn:aws:sts::{cloud.account}:assumed-role/") and found[2]["target"] == target
    text = cloud.server.command("trace", sent["trace"]).stdout
    assert "└─ lambda invoke  sqs:source → lambda:function:worker  delivered" in text
    assert "   └─ sqs SendMessage  sts:assumed-role/role-of-worker/worker → sqs:target  accepted" in text
    assert sent["trace"] in cloud.server.command("trace", "list", "--resource", "target", "--account", cloud.account).stdout
    # What we made ourselves is nothing that the receiver of a message is told.
    messages = cloud.client("sqs").receive_message(QueueUrl=source_url, AttributeNames=["All"]).get("Messages", [])
    assert not messages or "AWSTraceHeader" not in messages[0]["Attributes"]


def test_through_a_stream(cloud):
    make_stream(cloud)
    kinesis = {"Effect": "Allow", "Action": "kinesis:*", "Resource": "*"}
    url, source = make_queue(cloud, "source")
    deploy(cloud, """
        import boto3
        def handler(event, context):
            boto3.client("kinesis").put_record(StreamName="clicks", Data=b"x", PartitionKey="k")
        """, role=make_role(cloud, "putter", LOGS, QUEUES, kinesis))
    reader = deploy(cloud, ECHO, name="reader", role=make_role(cloud, "taker", LOGS, kinesis))
    for function, arn, more in [("worker", source, {}), ("reader", stream_arn(cloud), {"StartingPosition": "TRIM_HORIZON"})]:
        cloud.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName=function, **more)
    cloud.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    sent = wait_until(lambda: traces(cloud, resource="source"), "the first hop", limit=60)[0]
    found = follow(cloud, sent["trace"], [
        "sqs SendMessage accepted", ".lambda invoke delivered", "..kinesis PutRecord accepted", "...lambda invoke delivered"])
    assert found[2]["target"] == found[3]["source"] == stream_arn(cloud) and found[3]["target"] == reader.arn


def test_an_asynchronous_event_its_retries_and_its_destination(frozen):
    bad_url, bad = make_queue(frozen, "bad")
    dead_url, dead = make_queue(frozen, "dead")
    deploy(frozen, "def handler(event, context):\n    raise ValueError('told to fail')\n", DeadLetterConfig={"TargetArn": dead})
    frozen.client("lambda").put_function_event_invoke_config(
        FunctionName="worker", DestinationConfig={"OnFailure": {"Destination": bad}})
    root = new_root(1)
    invoke(frozen, "worker", {}, root)
    for attempt, step in ((1, "1m"), (2, "2m")):
        follow(frozen, root, ["lambda Invoke accepted"] + [".lambda invoke retried"] * attempt)
        frozen.clock.advance(step)
    found = follow(frozen, root, [
        "lambda Invoke accepted", ".lambda invoke retried", ".lambda invoke retried", ".lambda invoke deadLettered",
        "..sqs SendMessage accepted", "..lambda destination delivered", "...sqs SendMessage accepted"])
    assert [hop["attempt"] for hop in found[1:4]] == [1, 2, 3]
    assert all(hop["reason"] == "ValueError: told to fail" for hop in found[1:3])
    assert found[1]["delayMilliseconds"] < 60_000 <= found[2]["delayMilliseconds"] < 180_000 <= found[3]["delayMilliseconds"]
    assert "all attempts failed, the last one with: told to fail" in found[3]["reason"]
    assert found[3]["deadLetter"] == dead and found[4]["target"] == dead and found[6]["target"] == bad
    assert [t["trace"] for t in traces(frozen, outcome="deadLettered")] == [root]
    assert "(attempt 3)" in frozen.server.command("trace", root).stdout


def test_success_goes_on_to_the_function_that_is_its_destination(cloud):
    role = make_role(cloud, "both", LOGS, INVOKE)
    deploy(cloud, ECHO, name="second", role=role)
    function = deploy(cloud, ECHO, name="first", role=role)
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName="first", DestinationConfig={"OnSuccess": {"Destination": f"arn:aws:lambda:us-east-1:{cloud.account}:function:second"}})
    root = new_root(2)
    invoke(cloud, "first", {"a": 1}, root)
    follow(cloud, root, [
        "lambda Invoke accepted", ".lambda invoke delivered", "..lambda destination delivered", "...lambda invoke delivered"])
    # The function itself sees the hop under which it runs.
    function.update_code(python("import os\ndef handler(event, context):\n    return os.environ['_X_AMZN_TRACE_ID']\n"))
    header = function.invoke({}).value
    parts = dict(part.split("=") for part in header.split(";"))
    hop = hops(cloud, parts["Root"])[0]
    assert hop["id"] == parts["Parent"] and hop["action"] == "Invoke" and hop["outcome"] == "delivered"


def test_what_a_filter_keeps_out_says_by_which_pattern(cloud):
    url, arn = make_queue(cloud, "filtered")
    deploy(cloud, ECHO)
    cloud.client("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName="worker", FilterCriteria={"Filters": [{"Pattern": '{"body": {"kind": ["wanted"]}}'}]})
    root = new_root(3)
    send(cloud, url, '{"kind": "other"}', root)
    found = follow(cloud, root, ["sqs SendMessage accepted", ".lambda filter filtered"])
    assert '{"body": {"kind": ["wanted"]}}' in found[1]["reason"]
    assert [t["trace"] for t in traces(cloud, outcome="filtered")] == [root]


def test_what_was_received_too_often_says_after_how_many_receives(timed_cloud):
    dead_url, dead = make_queue(timed_cloud, "dead")
    url, arn = make_queue(timed_cloud, "work", VisibilityTimeout=1, RedrivePolicy=json.dumps({
        "deadLetterTargetArn": dead, "maxReceiveCount": 2}))
    root = new_root(4)
    send(timed_cloud, url, "x", root)
    sqs = timed_cloud.client("sqs")
    for _ in range(2):
        assert wait_until(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), "the message")
        timed_cloud.clock.advance("2s")
    assert not sqs.receive_message(QueueUrl=url).get("Messages")
    found = follow(timed_cloud, root, ["sqs SendMessage accepted", ".sqs redrive deadLettered"])
    assert found[1]["deadLetter"] == dead and "received 2 times" in found[1]["reason"]
    sqs.start_message_move_task(SourceArn=dead)
    follow(timed_cloud, root, ["sqs SendMessage accepted", ".sqs redrive deadLettered", "..sqs StartMessageMoveTask delivered"])


def test_a_destination_that_a_policy_forbids_says_so(cloud):
    _, target = make_queue(cloud, "forbidden")
    role = make_role(cloud, "narrow", LOGS, {"Effect": "Allow", "Action": "sqs:*", "Resource": target})
    deploy(cloud, ECHO, role=role)
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName="worker", DestinationConfig={"OnSuccess": {"Destination": target}})
    cloud.client("iam").put_role_policy(RoleName="narrow", PolicyName="own", PolicyDocument=policy(LOGS))
    root = new_root(5)
    invoke(cloud, "worker", {}, root)
    found = follow(cloud, root, ["lambda Invoke accepted", ".lambda invoke delivered", "..lambda destination denied"])
    assert "no identity-based policy allows the sqs:SendMessage action" in found[2]["reason"]


def test_messages_of_several_traces_in_one_batch(cloud):
    url, arn = make_queue(cloud, "batch")
    deploy(cloud, "def handler(event, context):\n    return {'batchItemFailures': [\n"
           "        {'itemIdentifier': r['messageId']} for r in event['Records'] if r['body'] == 'bad']}\n")
    roots = [new_root(10 + n) for n in range(3)]
    for root, body in zip(roots, ("good", "bad", "good")):
        send(cloud, url, body, root)
    cloud.client("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName="worker", BatchSize=10, MaximumBatchingWindowInSeconds=1,
        FunctionResponseTypes=["ReportBatchItemFailures"])
    follow(cloud, roots[0], ["sqs SendMessage accepted", ".lambda invoke delivered"])
    found = follow(cloud, roots[1], ["sqs SendMessage accepted", ".lambda invoke failed"])
    assert "the function reported it as failed" in found[1]["reason"]
    follow(cloud, roots[2], ["sqs SendMessage accepted", ".lambda invoke delivered"])


def test_a_trace_outlives_a_kill(own_cloud):
    url, _ = make_queue(own_cloud, "kept")
    root = new_root(6)
    send(own_cloud, url, "x", root)
    assert hops(own_cloud, root)
    own_cloud.restart(kill=True)
    assert shape(hops(own_cloud, root)) == ["sqs SendMessage accepted"]


@pytest.mark.parametrize("header", [
    "Root=1-../../../../../../../../../etc/x", "Root=" + "x" * 3000, "Parent=" + "y" * 2000, f"Root={new_root(7)};Parent={'z' * 2000}",
    f"Root={new_root(7)};Parent=a\tb;Sampled=;Lineage=|||:::", ";;;===", "Root=1-6555e988-\u00e9"])
def test_hostile_trace_headers_do_no_harm(cloud, header):
    url, _ = make_queue(cloud, "hostile")
    sqs = cloud.client("sqs")
    sqs.meta.events.register(
        "before-sign.sqs", lambda request, **_: request.headers.add_header("X-Amzn-Trace-Id", header.encode().decode("latin-1")))
    sqs.send_message(QueueUrl=url, MessageBody="x")
    found = traces(cloud, resource="hostile")
    assert found and all(len(json.dumps(t)) < 4000 for t in found)
    cloud.server.command("trace", found[0]["trace"])


@pytest.mark.parametrize("name, status", [
    ("1-6555e988-00000000000000000000ffff", 404), ("..%2f..%2fetc", 404), ("%00", 404), ("last?outcome=nonsense", 400),
    ("1-6555e988-0000000000000000000000000000000000000", 404)])
def test_what_is_no_trace_is_not_found(cloud, name, status):
    answer, body = cloud.server.page(f"/_dewpoint/trace/{name}")
    assert answer == status and body["message"]


def test_the_pages_are_text_unless_json_is_asked_for_and_take_no_changes(cloud):
    url, _ = make_queue(cloud, "plain")
    send(cloud, url, "x", new_root(8))
    with urllib.request.urlopen(f"{cloud.server.endpoint}/_dewpoint/trace/{new_root(8)}") as answer:
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.read().decode().startswith(f"trace {new_root(8)}\n")
    request = urllib.request.Request(f"{cloud.server.endpoint}/_dewpoint/trace", method="DELETE")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request)
    assert refusal.value.code == 405
    done = cloud.server.command("trace", "1-none", check=False)
    assert done.returncode != 0 and "no trace id" in done.stderr


def test_the_retention_and_the_size_are_settings(tmp_path, account):
    from harness import Cloud, Server
    server = Server(tmp_path, "--trace-retention", "1h", "--trace-size", "1").start()
    try:
        cloud = Cloud(server, account)
        url, _ = make_queue(cloud, "aged")
        send(cloud, url, "x", new_root(9))
        assert hops(cloud, new_root(9))
        cloud.clock.advance("2h")
        send(cloud, url, "y", new_root(99))

        def gone():
            status, _ = server.page(f"/_dewpoint/trace/{new_root(9)}?format=json")
            return status == 404
        wait_until(gone, "the old trace goes")
        assert hops(cloud, new_root(99))
    finally:
        server.stop()


def topic_of(cloud, name):
    return cloud.client("sns").create_topic(Name=name)["TopicArn"]


def let(cloud, url, arn, service, source):
    """The queue takes messages from the service for the resource."""
    cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": source}}}]})})


def ways(found):
    """Each hop by the names of those above it: what runs side by side may come in any order."""
    lines, path = [], []
    for hop in found:
        path = path[:hop["depth"]] + [f"{hop['service']} {hop['action']} {hop['target'].split(':')[-1]} {hop['outcome']}"]
        lines.append(" > ".join(path))
    return sorted(lines)


def test_an_upload_through_a_topic_a_queue_functions_and_a_destination_is_one_tree(cloud):
    sns, functions = cloud.client("sns"), cloud.client("lambda")
    topic = topic_of(cloud, "uploads")
    work_url, work = make_queue(cloud, "work")
    out_url, out = make_queue(cloud, "out")
    done_url, done = make_queue(cloud, "done")
    let(cloud, work_url, work, "sns.amazonaws.com", topic)
    role = make_role(cloud, "all", LOGS, QUEUES)
    deploy(cloud, f"""
        import boto3
        def handler(event, context):
            boto3.client("sqs").send_message(QueueUrl={out_url!r}, MessageBody="x")
        """, name="worker", role=role)
    second = deploy(cloud, ECHO, name="second", role=role)
    functions.create_event_source_mapping(EventSourceArn=work, FunctionName="worker")
    functions.put_function_event_invoke_config(FunctionName="second", DestinationConfig={"OnSuccess": {"Destination": done}})
    functions.add_permission(
        FunctionName="second", StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com", SourceArn=topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=work)
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=second.arn)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=out, Attributes={"FilterPolicy": json.dumps({"kind": ["other"]})})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}]}))
    s3 = cloud.client("s3")
    bucket = f"uploads-{cloud.account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
        "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]})
    s3.put_object(Bucket=bucket, Key="a.csv", Body=b"1,2,3")
    root = wait_until(lambda: traces(cloud, resource="a.csv"), "the upload", limit=60)[0]["trace"]
    put = f"s3 PutObject {bucket}/a.csv accepted"
    publish = f"{put} > s3 deliver uploads delivered > sns Publish uploads accepted"
    to_queue = f"{publish} > sns deliver work delivered > sqs SendMessage work accepted > lambda invoke worker delivered"
    to_function = f"{publish} > sns deliver second delivered > lambda Invoke second accepted > lambda invoke second delivered"

    def look():
        lines = ways(hops(cloud, root))
        for line in (f"{to_queue} > sqs SendMessage out accepted",
                     f"{to_function} > lambda destination done delivered > sqs SendMessage done accepted"):
            assert line in lines, "\n".join(lines)
        assert any(line.startswith(f"{publish} > sns ") and line.endswith(" filtered") for line in lines), "\n".join(lines)
        return True
    wait_until(look, "the whole tree", limit=60)
    text = cloud.server.command("trace", root).stdout
    assert f"s3 PutObject  iam:root → s3:{bucket}/a.csv  accepted" in text


def test_a_rule_that_does_not_want_an_event_and_one_that_does(cloud):
    events = cloud.client("events")
    url, arn = make_queue(cloud, "routed")
    rule = events.put_rule(Name="wants", EventPattern=json.dumps({"source": ["orders"]}))["RuleArn"]
    let(cloud, url, arn, "events.amazonaws.com", rule)
    events.put_targets(Rule="wants", Targets=[{"Id": "1", "Arn": arn}])
    events.put_rule(Name="refuses", EventPattern=json.dumps({"source": ["others"]}))
    assert events.put_events(Entries=[{"Source": "orders", "DetailType": "d", "Detail": "{}"}])["FailedEntryCount"] == 0
    root = wait_until(lambda: traces(cloud, resource="routed"), "the delivery", limit=60)[0]["trace"]

    def look():
        lines = ways(hops(cloud, root))
        assert any(line.endswith("> events deliver routed delivered > sqs SendMessage routed accepted") for line in lines), lines
        return lines
    wait_until(look, "the whole tree", limit=60)


def test_a_queue_that_does_not_let_the_topic_send_says_so(cloud):
    sns = cloud.client("sns")
    topic = topic_of(cloud, "unwanted")
    _, arn = make_queue(cloud, "closed")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="x")
    root = wait_until(lambda: traces(cloud, resource="unwanted"), "the publication", limit=60)[0]["trace"]

    def denied():
        return [hop for hop in hops(cloud, root) if hop["action"] == "deliver" and hop["outcome"] == "denied"]
    reason = wait_until(denied, "the denial", limit=60)[0]["reason"]
    assert "sqs:SendMessage" in reason and "no resource-based policy allows" in reason, reason
