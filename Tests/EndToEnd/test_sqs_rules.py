"""The rules of queues and messages that clients trip over, through boto3 and the CLI."""

import json
import re

import pytest


@pytest.fixture
def sqs(cloud):
    return cloud.client("sqs")


def make(sqs, name="q", **attributes):
    return sqs.create_queue(QueueName=name, Attributes={k: str(v) for k, v in attributes.items()})["QueueUrl"]


def arn(sqs, url):
    return attributes(sqs, url, "QueueArn")["QueueArn"]


def attributes(sqs, url, *names):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names)).get("Attributes", {})


def receive(sqs, url, **options):
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **options).get("Messages", [])


def redrive(target, count=1):
    return json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": count})


def text(value):
    return {"DataType": "String", "StringValue": value}


# As AWS answered them.
@pytest.mark.parametrize("names, digest", [
    (["All"], "4c360f3fdafd970e05fae2f149d997f5"), ([".*"], "4c360f3fdafd970e05fae2f149d997f5"),
    (["General", "Hello"], "fca026605781cb4126a1e9044df24232"), (["Hello", "None"], "a311262e065454b75da111d535b8dacd"),
    (["Hel.*"], "83fee93c1bcd8b9a5a923ffacdc636c7"), (["None"], None), ([], None),
])
def test_the_digest_covers_the_attributes_that_are_returned(sqs, names, digest):
    url = make(sqs)
    sent = sqs.send_message(QueueUrl=url, MessageBody="msg", MessageAttributes={
        "Help.Me": text("Me"), "Hello": text("There"), "General": text("Kenobi")})
    assert sent["MD5OfMessageAttributes"] == "4c360f3fdafd970e05fae2f149d997f5"
    [message] = receive(sqs, url, MessageAttributeNames=names)
    assert message.get("MD5OfMessageAttributes") == digest


def test_attributes_that_are_not_supported_are_refused(sqs, refused):
    url = make(sqs)
    with refused("AWS.SimpleQueueService.UnsupportedOperation", 400):
        sqs.send_message(QueueUrl=url, MessageBody="m", MessageAttributes={"n": {"DataType": "String", "StringListValues": ["a"]}})
    with refused("InvalidParameterValue", 400):
        sqs.send_message(QueueUrl=url, MessageBody="m", MessageAttributes={f"a{i}": text("v") for i in range(11)})
    with refused("InvalidAttributeName", 400):
        receive(sqs, url, AttributeNames=["Nonsense"])


def test_a_trace_header_comes_as_attribute_or_with_the_call(sqs):
    url = make(sqs)
    trace = "Root=1-5e645f3e-1dfad076a177c5ccc5de12f5;Parent=03dfad2c1a7d5a2e;Sampled=1"
    own = sqs.send_message(QueueUrl=url, MessageBody="own", MessageSystemAttributes={"AWSTraceHeader": text(trace)})
    assert re.fullmatch("[0-9a-f]{32}", own["MD5OfMessageSystemAttributes"])
    sqs.send_message(QueueUrl=url, MessageBody="none")
    sqs.meta.events.register("before-sign.sqs", lambda request, **_: request.headers.add_header("X-Amzn-Trace-Id", trace))
    sqs.send_message(QueueUrl=url, MessageBody="call")
    got = {m["Body"]: m.get("Attributes", {}) for m in receive(sqs, url, MessageSystemAttributeNames=["AWSTraceHeader"])}
    assert got["own"] == {"AWSTraceHeader": trace} and got["none"] == {}
    assert got["call"]["AWSTraceHeader"].startswith("Root=1-5e645f3e-1dfad076a177c5ccc5de12f5")


def test_a_message_may_have_a_mebibyte(sqs, refused):
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x" * 1_048_576)
    with refused("InvalidParameterValue", 400) as error:
        sqs.send_message(QueueUrl=url, MessageBody="x" * 1_048_577)
    assert error.message == "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."
    assert len(receive(sqs, url)[0]["Body"]) == 1_048_576


def test_a_late_consumer_may_take_more_time_as_long_as_nobody_else_has_the_message(own_cloud, clock, refused):
    sqs = own_cloud.client("sqs")
    clock.freeze()
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    [message] = receive(sqs, url)
    clock.advance("31s")
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=10)
    assert receive(sqs, url) == []
    with refused("InvalidParameterValue", 400, containing="beyond the limit [43200 seconds]"):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=43_200)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    with refused("AWS.SimpleQueueService.MessageNotInflight", 400):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=10)


def test_a_handle_of_another_queue_is_refused(sqs, refused):
    url, other = make(sqs), make(sqs, "other")
    sqs.send_message(QueueUrl=url, MessageBody="m")
    [message] = receive(sqs, url)
    with refused("ReceiptHandleIsInvalid"):
        sqs.delete_message(QueueUrl=other, ReceiptHandle=message["ReceiptHandle"])
    for _ in range(2):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_a_page_goes_on_only_with_its_own_query(sqs, refused):
    for i in range(5):
        make(sqs, f"a-{i}")
    first = sqs.list_queues(QueueNamePrefix="a-", MaxResults=2)
    second = sqs.list_queues(QueueNamePrefix="a-", MaxResults=2, NextToken=first["NextToken"])
    assert [url.rsplit("/")[-1] for url in second["QueueUrls"]] == ["a-2", "a-3"]
    for options in ({"QueueNamePrefix": "a"}, {}):
        with refused("InvalidParameterValue", 400):
            sqs.list_queues(MaxResults=2, NextToken=first["NextToken"], **options)
    with refused("InvalidParameterValue", 400) as error:
        sqs.list_queues(QueueNamePrefix="a-", NextToken=first["NextToken"])
    assert error.message == "MaxResults is a mandatory parameter when you provide a value for NextToken."


def test_only_one_kind_of_encryption_at_a_time(sqs, refused):
    with refused("InvalidAttributeName", 400) as error:
        make(sqs, KmsMasterKeyId="alias/aws/sqs", SqsManagedSseEnabled="true")
    assert error.message == "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."
    url = make(sqs, KmsMasterKeyId="alias/mine")
    names = ["KmsMasterKeyId", "SqsManagedSseEnabled", "KmsDataKeyReusePeriodSeconds"]
    assert attributes(sqs, url, *names) == {
        "KmsMasterKeyId": "alias/mine", "SqsManagedSseEnabled": "false", "KmsDataKeyReusePeriodSeconds": "300"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    assert attributes(sqs, url, *names) == {"SqsManagedSseEnabled": "true"}


def test_permissions_are_statements_within_limits(cloud, sqs, refused):
    url = make(sqs)
    sqs.add_permission(QueueUrl=url, Label="other", AWSAccountIds=["111111111111"], Actions=["SendMessage"])
    policy = json.loads(attributes(sqs, url, "Policy")["Policy"])
    assert policy == {
        "Version": "2008-10-17", "Id": f"{arn(sqs, url)}/SQSDefaultPolicy", "Statement": [{
            "Sid": "other", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
            "Action": "SQS:SendMessage", "Resource": arn(sqs, url)}]}
    foreign = cloud.client("sqs", account="111111111111")
    assert foreign.send_message(QueueUrl=url, MessageBody="m")["MessageId"]
    with refused("AccessDenied") as denied:
        receive(foreign, url)
    assert "sqs:ReceiveMessage" in denied.message
    with refused("InvalidParameterValue", 400) as error:
        sqs.remove_permission(QueueUrl=url, Label="none")
    assert error.message == "Value none for parameter Label is invalid. Reason: can't find label."
    many = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:PurgeQueue",
            "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility", "sqs:ListDeadLetterSourceQueues"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": many, "Resource": arn(sqs, url)}
    with refused("OverLimit", 403) as error:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})})
    assert error.message == "8 actions were found in a statement from the submitted policy, max allowed is 7"
    with refused("OverLimit", 403) as error:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Id": "x" * 8192})})
    assert error.message == "Submitted policy is over max allowed size."


@pytest.mark.parametrize("policy, reason", [
    ({"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}, "Invalid value for deadLetterTargetArn."),
    ({"maxReceiveCount": 1}, "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."),
    ({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:x"}, "Redrive policy does not contain mandatory attribute: maxReceiveCount."),
    ({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:x", "maxReceiveCount": 1001},
     "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive."),
])
def test_redrive_policies_are_refused_in_awss_words(sqs, refused, policy, reason):
    given = json.dumps(policy)
    with refused("InvalidParameterValue", 400) as error:
        make(sqs, RedrivePolicy=given)
    assert error.message == f"Value {given} for parameter RedrivePolicy is invalid. Reason: {reason}"


def failed(sqs, url, dead, count):
    """Messages that were received too often and lie in the dead-letter queue."""
    for i in range(count):
        sqs.send_message(QueueUrl=url, MessageBody=str(i))
    for _ in range(3):
        receive(sqs, url, VisibilityTimeout=0)
    assert attributes(sqs, dead, "ApproximateNumberOfMessages")["ApproximateNumberOfMessages"] == str(count)


def test_moving_back_needs_the_right_to_send_to_the_sources(cloud, sqs, refused):
    dead = make(sqs, "dead")
    url = make(sqs, "source", RedrivePolicy=redrive(arn(sqs, dead)))
    failed(sqs, url, dead, 3)
    iam = cloud.client("iam")
    iam.create_user(UserName="mover")
    key = iam.create_access_key(UserName="mover")["AccessKey"]
    mover = cloud.client("sqs", credentials=(key["AccessKeyId"], key["SecretAccessKey"]))

    def allow(*resources):
        statements = [{"Effect": "Allow", "Action": "sqs:*", "Resource": arn(sqs, dead)},
                      *({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": r} for r in resources)]
        iam.put_user_policy(UserName="mover", PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": statements}))

    allow()
    with refused("AccessDenied") as denied:
        mover.start_message_move_task(SourceArn=arn(sqs, dead))
    assert "sqs:SendMessage" in denied.message and arn(sqs, url) in denied.message
    allow(arn(sqs, url))
    assert mover.start_message_move_task(SourceArn=arn(sqs, dead))["TaskHandle"]


def test_a_task_whose_destination_goes_away_fails_with_awss_reason(own_cloud, clock, refused):
    sqs = own_cloud.client("sqs")
    clock.freeze()
    dead, target = make(sqs, "dead"), make(sqs, "target")
    url = make(sqs, "source", RedrivePolicy=redrive(arn(sqs, dead)))
    failed(sqs, url, dead, 5)
    source = arn(sqs, dead)
    handle = sqs.start_message_move_task(SourceArn=source, DestinationArn=arn(sqs, target), MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    sqs.delete_queue(QueueUrl=target)
    for _ in range(100):
        clock.advance("1s")
        [task] = sqs.list_message_move_tasks(SourceArn=source)["Results"]
        if task["Status"] != "RUNNING":
            break
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    with refused("AWS.SimpleQueueService.UnsupportedOperation", 400):
        sqs.cancel_message_move_task(TaskHandle=handle)


def test_the_cli_sees_the_same_refusals(cloud):
    cloud.cli("sqs", "create-queue", "--queue-name", "q")
    failed = cloud.cli("sqs", "create-queue", "--queue-name", "q", "--attributes", "DelaySeconds=5", check=False)
    assert failed.returncode != 0 and "QueueAlreadyExists" in failed.stderr and "attribute DelaySeconds" in failed.stderr
