"""Event source mappings: a queue feeds a function, in batches, with retries, dead letters and the clock."""

import json

import pytest

from harness import wait_until
from lambdas import ECHO, LOGS, deploy, make_queue, make_role, python, receive_all

# Prints each batch as one line of JSON: [[body, receive count], …]; fails as the bodies say.
BATCHES = """
    import json
    def handler(event, context):
        records = event["Records"]
        print("BATCH " + json.dumps([[r["body"], int(r["attributes"]["ApproximateReceiveCount"])] for r in records]))
        if any(r["body"] == "explode" for r in records):
            raise RuntimeError("exploded")
        return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in records if r["body"].startswith("bad")]}
    """


def batches(function):
    return [json.loads(text.removeprefix("BATCH ")) for _, text in function.log("BATCH")]


def bodies(function):
    return sorted(body for batch in batches(function) for body, _ in batch)


def attach(function, arn, **options):
    made = function.client.create_event_source_mapping(FunctionName=function.name, EventSourceArn=arn, **options)
    wait_state(function, made["UUID"], "Enabled" if options.get("Enabled", True) else "Disabled")
    return made["UUID"]


def state_of(function, uuid):
    return function.client.get_event_source_mapping(UUID=uuid)["State"]


def wait_state(function, uuid, state):
    wait_until(lambda: state_of(function, uuid) == state, f"the mapping is {state}")


def depth(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return tuple(int(found[name]) for name in names[:2])


def send_all(sqs, url, texts):
    for at in range(0, len(texts), 10):
        answer = sqs.send_message_batch(QueueUrl=url, Entries=[
            {"Id": str(i), "MessageBody": text} for i, text in enumerate(texts[at:at + 10])])
        assert len(answer["Successful"]) == len(texts[at:at + 10])


# The life of a mapping


def test_a_mapping_is_made_changed_listed_and_deleted(cloud, refused):
    function = deploy(cloud, ECHO)
    _, arn = make_queue(cloud)
    client = function.client
    made = client.create_event_source_mapping(FunctionName="worker", EventSourceArn=arn)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (made["State"], made["StateTransitionReason"], made["BatchSize"]) == ("Creating", "USER_INITIATED", 10)
    assert (made["EventSourceArn"], made["FunctionArn"], made["MaximumBatchingWindowInSeconds"]) == (arn, function.arn, 0)
    uuid = made["UUID"]
    wait_state(function, uuid, "Enabled")
    with refused("ResourceConflictException", 409) as error:
        client.create_event_source_mapping(FunctionName="worker", EventSourceArn=arn)
    assert error.message == (
        f'An event source mapping with SQS arn (" {arn} ") and function (" worker ") already exists. '
        f"Please update or delete the existing mapping with UUID {uuid}")
    assert [m["UUID"] for m in client.list_event_source_mappings(FunctionName="worker")["EventSourceMappings"]] == [uuid]
    assert client.list_event_source_mappings(EventSourceArn=arn + "2")["EventSourceMappings"] == []
    changed = client.update_event_source_mapping(
        UUID=uuid, BatchSize=5, Enabled=False, FunctionResponseTypes=["ReportBatchItemFailures"])
    assert changed["BatchSize"] == 5 and changed["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert changed["State"] in ("Disabling", "Updating")
    wait_state(function, uuid, "Disabled")
    deleted = client.delete_event_source_mapping(UUID=uuid)
    assert deleted["State"] == "Deleting"

    def is_gone():
        try:
            client.get_event_source_mapping(UUID=uuid)
        except client.exceptions.ResourceNotFoundException:
            return True
    wait_until(is_gone, "the mapping is gone")
    assert client.list_event_source_mappings()["EventSourceMappings"] == []


def test_mappings_are_listed_page_by_page(cloud):
    function = deploy(cloud, ECHO)
    arns = [make_queue(cloud, f"q{i}")[1] for i in range(5)]
    for arn in arns:
        function.client.create_event_source_mapping(FunctionName="worker", EventSourceArn=arn, Enabled=False)
    pages = list(function.client.get_paginator("list_event_source_mappings").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["EventSourceMappings"]) for page in pages] == [2, 2, 1]
    assert sorted(m["EventSourceArn"] for page in pages for m in page["EventSourceMappings"]) == arns


def test_a_role_without_receivemessage_cannot_be_mapped(cloud, refused):
    role = make_role(cloud, "logs-only", LOGS)
    function = deploy(cloud, ECHO, role=role)
    _, arn = make_queue(cloud)
    with refused("InvalidParameterValueException", 400) as error:
        function.client.create_event_source_mapping(FunctionName="worker", EventSourceArn=arn)
    assert error.message == "The provided execution role does not have permissions to call ReceiveMessage on SQS"
    cloud.client("iam").put_role_policy(RoleName="logs-only", PolicyName="more", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], "Resource": arn}]}))
    attach(function, arn)


@pytest.mark.parametrize("changes, text", [
    ({"EventSourceArn": "arn:aws:sqs:us-east-1:ACCOUNT:nothing"}, "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist."),
    ({"FunctionName": "nobody"}, "Function does not exist"),
    ({"BatchSize": 11}, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"),
    ({"FilterCriteria": {"Filters": [{"Pattern": '{"body": "x"}'}]}}, "Invalid filter pattern definition."),
    ({"EventSourceArn": "arn:aws:kinesis:us-east-1:ACCOUNT:stream/s", "StartingPosition": "LATEST"}, "Cannot access stream"),
], ids=["no-queue", "no-function", "batch-without-window", "filter", "stream"])
def test_what_a_mapping_cannot_be_is_refused(cloud, refused, changes, text):
    deploy(cloud, ECHO)
    _, arn = make_queue(cloud)
    changes = {k: v.replace("ACCOUNT", cloud.account) if isinstance(v, str) else v for k, v in changes.items()}
    with refused("InvalidParameterValueException", 400, containing=text):
        cloud.client("lambda").create_event_source_mapping(**{"FunctionName": "worker", "EventSourceArn": arn} | changes)


def test_a_function_may_not_run_longer_than_messages_stay_invisible(cloud, refused):
    function = deploy(cloud, ECHO, Timeout=31)
    _, arn = make_queue(cloud)
    with refused("InvalidParameterValueException", 400, containing="Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds"):
        function.client.create_event_source_mapping(FunctionName="worker", EventSourceArn=arn)


# What the function gets


def test_a_record_has_everything_that_aws_puts_into_it(cloud):
    function = deploy(cloud, "import json\ndef handler(event, context):\n    print('EVENT ' + json.dumps(event))\n")
    url, arn = make_queue(cloud)
    attach(function, arn)
    sent = cloud.client("sqs").send_message(
        QueueUrl=url, MessageBody="grüße \U0001f600",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "a"}, "raw": {"DataType": "Binary", "BinaryValue": b"\0\1"}})
    text = wait_until(lambda: function.log("EVENT"), "the message arrived")[0][1]
    [record] = json.loads(text.removeprefix("EVENT "))["Records"]
    assert record["messageId"] == sent["MessageId"] and record["body"] == "grüße \U0001f600"
    assert record["md5OfBody"] == sent["MD5OfMessageBody"] and record["md5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert (record["eventSource"], record["eventSourceARN"], record["awsRegion"]) == ("aws:sqs", arn, "us-east-1")
    assert record["attributes"]["ApproximateReceiveCount"] == "1" and record["receiptHandle"]
    assert {"SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"} <= set(record["attributes"])
    assert record["messageAttributes"] == {
        "kind": {"stringValue": "a", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
        "raw": {"binaryValue": "AAE=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"}}
    wait_until(lambda: depth(cloud.client("sqs"), url) == (0, 0), "the queue is empty")


def test_every_message_is_handled_once_in_batches_of_the_size_asked_for(cloud):
    function = deploy(cloud, BATCHES)
    url, arn = make_queue(cloud)
    sqs = cloud.client("sqs")
    texts = sorted(f"m{i:03}" for i in range(100))
    send_all(sqs, url, texts)
    attach(function, arn, BatchSize=4)
    wait_until(lambda: bodies(function) == texts, "all hundred were handled", limit=30)
    assert max(len(batch) for batch in batches(function)) == 4
    wait_until(lambda: depth(sqs, url) == (0, 0), "the queue is empty")


def test_a_disabled_mapping_does_not_poll(cloud):
    function = deploy(cloud, BATCHES)
    url, arn = make_queue(cloud)
    other_url, other_arn = make_queue(cloud, "other")
    uuid = attach(function, arn, Enabled=False)
    attach(function, other_arn)
    sqs = cloud.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="not yet")
    sqs.send_message(QueueUrl=other_url, MessageBody="of the other")
    wait_until(lambda: bodies(function) == ["of the other"], "the other mapping works")
    assert depth(sqs, url) == (1, 0)
    function.client.update_event_source_mapping(UUID=uuid, Enabled=True)
    wait_until(lambda: bodies(function) == ["not yet", "of the other"], "the enabled mapping works")
    function.client.update_event_source_mapping(UUID=uuid, Enabled=False)
    wait_state(function, uuid, "Disabled")
    sqs.send_message(QueueUrl=url, MessageBody="too late")
    sqs.send_message(QueueUrl=other_url, MessageBody="marker")
    wait_until(lambda: "marker" in bodies(function), "the other mapping works on")
    assert depth(sqs, url) == (1, 0)


def test_messages_wait_for_their_window_on_the_clock(timed_cloud):
    timed_cloud.clock.freeze()
    function = deploy(timed_cloud, BATCHES)
    url, arn = make_queue(timed_cloud, VisibilityTimeout=60)
    sqs = timed_cloud.client("sqs")
    attach(function, arn, BatchSize=100, MaximumBatchingWindowInSeconds=30, ScalingConfig={"MaximumConcurrency": 2})
    texts = [f"m{i:02}" for i in range(25)]
    send_all(sqs, url, texts)
    wait_until(lambda: depth(sqs, url) == (0, 25), "the pollers hold all messages")
    assert batches(function) == []
    timed_cloud.clock.advance("29s")
    assert batches(function) == [] and depth(sqs, url) == (0, 25)
    timed_cloud.clock.advance("1s")
    wait_until(lambda: bodies(function) == texts, "the window is over")
    assert len(batches(function)) <= 2
    wait_until(lambda: depth(sqs, url) == (0, 0), "the queue is empty")


def test_a_full_batch_does_not_wait_for_its_window(timed_cloud):
    timed_cloud.clock.freeze()
    function = deploy(timed_cloud, BATCHES)
    url, arn = make_queue(timed_cloud)
    sqs = timed_cloud.client("sqs")
    texts = [f"m{i:02}" for i in range(10)]
    send_all(sqs, url, texts)
    attach(function, arn, BatchSize=10, MaximumBatchingWindowInSeconds=300)
    wait_until(lambda: bodies(function) == texts, "the full batch ran")


def test_a_batch_is_closed_before_its_event_is_too_large(timed_cloud):
    timed_cloud.clock.freeze()
    function = deploy(timed_cloud, "def handler(event, context):\n    print('GOT', len(event['Records']))\n")
    url, arn = make_queue(timed_cloud)
    sqs = timed_cloud.client("sqs")
    for _ in range(40):
        sqs.send_message(QueueUrl=url, MessageBody="x" * 250_000)
    attach(function, arn, BatchSize=100, MaximumBatchingWindowInSeconds=10, ScalingConfig={"MaximumConcurrency": 2})
    wait_until(lambda: depth(sqs, url)[0] == 0, "the pollers hold all messages")
    timed_cloud.clock.advance("10s")
    wait_until(lambda: sum(int(text.split()[1]) for _, text in function.log("GOT")) == 40, "all were handled")
    assert max(int(text.split()[1]) for _, text in function.log("GOT")) <= 25


# When it fails


def test_messages_of_a_failed_batch_come_back_after_their_visibility(timed_cloud):
    timed_cloud.clock.freeze()
    function = deploy(timed_cloud, BATCHES)
    url, arn = make_queue(timed_cloud, VisibilityTimeout=90)
    sqs = timed_cloud.client("sqs")
    attach(function, arn)
    sqs.send_message(QueueUrl=url, MessageBody="explode")
    wait_until(lambda: len(function.log("REPORT")) == 1, "the first attempt")
    timed_cloud.clock.advance("89s")
    assert depth(sqs, url) == (0, 1) and len(batches(function)) == 1
    timed_cloud.clock.advance("1s")
    wait_until(lambda: batches(function) == [[["explode", 1]], [["explode", 2]]], "the second attempt")
    assert depth(sqs, url) == (0, 1)


def test_only_the_failed_items_of_a_batch_come_back_and_end_in_the_dead_letter_queue(timed_cloud):
    timed_cloud.clock.freeze()
    function = deploy(timed_cloud, BATCHES)
    dead_url, dead_arn = make_queue(timed_cloud, "dead")
    url, arn = make_queue(
        timed_cloud, VisibilityTimeout=30, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 3}))
    sqs = timed_cloud.client("sqs")
    texts = ["bad1", "bad2", "good1", "good2", "good3"]
    send_all(sqs, url, texts)
    attach(function, arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    wait_until(lambda: bodies(function) == texts, "the first attempt")
    wait_until(lambda: depth(sqs, url) == (0, 2), "the good ones are deleted")
    dead = []

    def redriven():
        timed_cloud.clock.advance("30s")
        dead.extend(m["Body"] for m in receive_all(sqs, dead_url))
        return sorted(dead) == ["bad1", "bad2"]
    wait_until(redriven, "the bad ones are dead letters")
    counts = sorted(entry for batch in batches(function) for entry in batch if entry[0].startswith("bad"))
    assert counts == [["bad1", 1], ["bad1", 2], ["bad1", 3], ["bad2", 1], ["bad2", 2], ["bad2", 3]]
    assert [b for b in bodies(function) if b.startswith("good")] == ["good1", "good2", "good3"]
    assert depth(sqs, url) == (0, 0)


def test_without_reportbatchitemfailures_every_answer_is_success(cloud):
    function = deploy(cloud, BATCHES)
    url, arn = make_queue(cloud)
    attach(function, arn)
    sqs = cloud.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="bad")
    wait_until(lambda: bodies(function) == ["bad"] and depth(sqs, url) == (0, 0), "the message is deleted")


def test_a_throttled_function_gets_its_messages_when_it_may_run_again(cloud):
    function = deploy(cloud, BATCHES)
    url, arn = make_queue(cloud, VisibilityTimeout=120)
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=0)
    attach(function, arn)
    sqs = cloud.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="patient")
    wait_until(lambda: depth(sqs, url) == (0, 1), "the poller holds the message")
    function.client.delete_function_concurrency(FunctionName="worker")
    wait_until(lambda: bodies(function) == ["patient"] and depth(sqs, url) == (0, 0), "the message is handled")


def test_a_role_that_loses_its_permission_stops_receiving_until_it_has_it_again(cloud):
    iam = cloud.client("iam")
    role = make_role(cloud, "worker", LOGS)
    grant = {"RoleName": "worker", "PolicyName": "queues", "PolicyDocument": json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]})}
    iam.put_role_policy(**grant)
    function = deploy(cloud, BATCHES, role=role)
    url, arn = make_queue(cloud)
    attach(function, arn)
    sqs = cloud.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="first")
    wait_until(lambda: bodies(function) == ["first"] and depth(sqs, url) == (0, 0), "the first is handled")
    iam.delete_role_policy(RoleName="worker", PolicyName="queues")
    iam.put_role_policy(**grant)
    sqs.send_message(QueueUrl=url, MessageBody="second")
    wait_until(lambda: bodies(function) == ["first", "second"], "the second is handled", limit=30)


def test_a_mapping_goes_on_after_a_kill_and_after_a_stop(timed_cloud):
    function = deploy(timed_cloud, BATCHES)
    url, arn = make_queue(timed_cloud)
    sqs = timed_cloud.client("sqs")
    uuid = attach(function, arn)
    for round, kill in enumerate((True, False)):
        timed_cloud.restart(kill=kill)
        sqs.send_message(QueueUrl=url, MessageBody=f"m{round}")
        wait_until(lambda: f"m{round}" in bodies(function) and depth(sqs, url) == (0, 0), "the message is handled")
        assert state_of(function, uuid) == "Enabled"


def test_new_code_serves_a_mapping_at_once(cloud):
    function = deploy(cloud, BATCHES)
    url, arn = make_queue(cloud)
    attach(function, arn)
    sqs = cloud.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="old")
    wait_until(lambda: bodies(function) == ["old"], "the old code ran")
    function.update_code(python(BATCHES.replace('"BATCH "', '"NEWER "')))
    sqs.send_message(QueueUrl=url, MessageBody="new")
    wait_until(lambda: [text for _, text in function.log("NEWER")] == ['NEWER [["new", 1]]\n'], "the new code ran")
