"""Standard queues through boto3 (the JSON protocol)."""

import concurrent.futures
import hashlib
import json
import time

import pytest

from harness import wait_until


@pytest.fixture
def sqs(cloud):
    return cloud.client("sqs")


def make(sqs, name="q", **attributes):
    return sqs.create_queue(QueueName=name, Attributes={k: str(v) for k, v in attributes.items()})["QueueUrl"]


def receive(sqs, url, **options):
    return sqs.receive_message(QueueUrl=url, **options).get("Messages", [])


def drain(sqs, url):
    """Receives and deletes until the queue answers nothing."""
    bodies = []
    while messages := receive(sqs, url, MaxNumberOfMessages=10):
        for message in messages:
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def arn(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def test_a_queue_is_created_once_and_found_by_name(cloud, sqs, refused):
    url = make(sqs, VisibilityTimeout=45)
    assert url == f"{cloud.server.endpoint}/{cloud.account}/q" or url.endswith(f"/{cloud.account}/q")
    assert make(sqs, VisibilityTimeout=45) == url
    assert sqs.get_queue_url(QueueName="q")["QueueUrl"] == url
    with refused("QueueAlreadyExists", 400, containing="VisibilityTimeout"):
        make(sqs, VisibilityTimeout=46)
    with refused("AWS.SimpleQueueService.NonExistentQueue", 400) as error:
        sqs.get_queue_url(QueueName="missing")
    assert error.message == "The specified queue does not exist."
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=url + "x", MessageBody="m")


def test_queues_are_listed_by_prefix_and_page(sqs):
    urls = sorted(make(sqs, name) for name in ["a-1", "a-2", "a-3", "b-1"])
    assert sorted(sqs.list_queues()["QueueUrls"]) == urls
    assert sorted(sqs.list_queues(QueueNamePrefix="a-")["QueueUrls"]) == urls[:3]
    pages = list(sqs.get_paginator("list_queues").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["QueueUrls"]) for page in pages] == [2, 2]
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="zzz")


def test_attributes_have_defaults_and_can_be_set(cloud, sqs, refused):
    url = make(sqs)
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    expected = {
        "VisibilityTimeout": "30", "DelaySeconds": "0", "MessageRetentionPeriod": "345600", "MaximumMessageSize": "1048576",
        "ReceiveMessageWaitTimeSeconds": "0", "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0",
        "ApproximateNumberOfMessagesDelayed": "0", "QueueArn": f"arn:aws:sqs:us-east-1:{cloud.account}:q",
    }
    assert {name: attributes.get(name) for name in expected} == expected
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"] == {"VisibilityTimeout": "7"}
    with refused("InvalidAttributeValue", 400):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "43201"})
    with refused("InvalidAttributeName", 400):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"NoSuchThing": "1"})


def test_a_message_arrives_with_its_attributes_and_checksums(cloud, sqs):
    url = make(sqs)
    attributes = {
        "text": {"DataType": "String", "StringValue": "žluť"}, "number": {"DataType": "Number", "StringValue": "12.5"},
        "bytes": {"DataType": "Binary.png", "BinaryValue": b"\x00\xff"},
    }
    sent = sqs.send_message(QueueUrl=url, MessageBody="hello ☂", MessageAttributes=attributes)
    assert sent["MD5OfMessageBody"] == hashlib.md5("hello ☂".encode()).hexdigest()
    [message] = receive(sqs, url, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"])
    assert message["Body"] == "hello ☂" and message["MessageId"] == sent["MessageId"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"] == attributes
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["Attributes"]["SenderId"] == cloud.account
    assert int(message["Attributes"]["SentTimestamp"]) <= int(message["Attributes"]["ApproximateFirstReceiveTimestamp"])
    assert receive(sqs, url) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_message_attributes_are_chosen_by_name_and_prefix(sqs):
    url = make(sqs, VisibilityTimeout=0)
    value = {"DataType": "String", "StringValue": "v"}
    sqs.send_message(QueueUrl=url, MessageBody="m", MessageAttributes={"a.one": value, "a.two": value, "b": value})

    def names(*wanted):
        [message] = receive(sqs, url, MessageAttributeNames=list(wanted))
        return sorted(message.get("MessageAttributes", {}))

    assert names("b") == ["b"]
    assert names("a.*") == ["a.one", "a.two"]
    assert names("All") == ["a.one", "a.two", "b"]
    assert names("c") == []


def test_a_batch_tells_each_entry_its_own_result(sqs, refused):
    url = make(sqs)
    result = sqs.send_message_batch(QueueUrl=url, Entries=[
        {"Id": "good", "MessageBody": "m"}, {"Id": "bad", "MessageBody": "m", "DelaySeconds": 901}])
    assert [entry["Id"] for entry in result["Successful"]] == ["good"]
    assert [(entry["Id"], entry["SenderFault"]) for entry in result["Failed"]] == [("bad", True)]
    messages = receive(sqs, url, MaxNumberOfMessages=10)
    changed = sqs.change_message_visibility_batch(QueueUrl=url, Entries=[
        {"Id": "x", "ReceiptHandle": messages[0]["ReceiptHandle"], "VisibilityTimeout": 100},
        {"Id": "y", "ReceiptHandle": "nonsense", "VisibilityTimeout": 1}])
    assert [entry["Id"] for entry in changed["Successful"]] == ["x"]
    assert [entry["Id"] for entry in changed["Failed"]] == ["y"]
    deleted = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "x", "ReceiptHandle": messages[0]["ReceiptHandle"]}])
    assert [entry["Id"] for entry in deleted["Successful"]] == ["x"]
    with refused("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400) as error:
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": "m"} for i in range(11)])
    assert error.message == "Maximum number of entries per request are 10. You have sent 11."
    with refused("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400):
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "m"}] * 2)
    with refused("AWS.SimpleQueueService.EmptyBatchRequest", 400):
        sqs.send_message_batch(QueueUrl=url, Entries=[])
    with refused("AWS.SimpleQueueService.BatchRequestTooLong", 400) as error:
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": "x" * 600_000} for i in range(2)])
    assert error.message == "Batch requests cannot be longer than 1048576 bytes. You have sent 1200000 bytes."


@pytest.mark.parametrize("options, text", [
    ({"MaxNumberOfMessages": 11}, "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."),
    ({"MaxNumberOfMessages": 0}, "Value 0 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."),
    ({"WaitTimeSeconds": 21}, "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."),
])
def test_receive_refuses_numbers_out_of_range(sqs, refused, options, text):
    url = make(sqs)
    with refused("InvalidParameterValue", 400) as error:
        receive(sqs, url, **options)
    assert error.message == text


def test_message_bodies_are_checked(sqs, refused):
    url = make(sqs, MaximumMessageSize=1024)
    with refused("InvalidParameterValue", 400) as error:
        sqs.send_message(QueueUrl=url, MessageBody="x" * 1025)
    assert error.message == "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."
    with refused("InvalidMessageContents", 400):
        sqs.send_message(QueueUrl=url, MessageBody="\x01")
    with refused("MissingParameter", 400, containing="MessageBody"):
        sqs.send_message(QueueUrl=url, MessageBody="")
    with refused("InvalidParameterValue", 400):
        sqs.send_message(QueueUrl=url, MessageBody="m", MessageAttributes={"n": {"DataType": "String", "StringValue": ""}})
    assert receive(sqs, url) == []


def test_a_waiting_receiver_is_woken_by_a_send(sqs, cloud):
    url = make(sqs)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(receive, cloud.client("sqs"), url, WaitTimeSeconds=20)
        started = time.monotonic()
        # Whichever comes first, send or receive, the message must come long before the wait would end.
        sqs.send_message(QueueUrl=url, MessageBody="now")
        [message] = waiting.result(timeout=10)
        assert message["Body"] == "now" and time.monotonic() - started < 5


def test_every_message_sent_by_many_at_once_is_received_once(sqs, cloud):
    url = make(sqs, VisibilityTimeout=300)
    clients = [cloud.client("sqs") for _ in range(8)]

    def send(client, number):
        for start in range(0, 50, 10):
            client.send_message_batch(QueueUrl=url, Entries=[
                {"Id": str(i), "MessageBody": f"{number}-{i}"} for i in range(start, start + 10)])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(send, clients, range(8)))
        received = sum(pool.map(lambda client: drain(client, url), clients), [])
    assert sorted(received) == sorted(f"{number}-{i}" for number in range(8) for i in range(50))


def test_a_message_that_is_not_deleted_comes_back_after_its_visibility_timeout(own_cloud, clock):
    sqs = own_cloud.client("sqs")
    clock.freeze()
    url = make(sqs, VisibilityTimeout=30)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    [first] = receive(sqs, url)
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]) == ("0", "1")
    clock.advance("29s")
    assert receive(sqs, url) == []
    clock.advance("2s")
    [second] = receive(sqs, url, AttributeNames=["ApproximateReceiveCount"])
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    assert second["ReceiptHandle"] != first["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    [third] = receive(sqs, url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"], VisibilityTimeout=3600)
    clock.advance("59m")
    assert receive(sqs, url) == []
    clock.advance("2m")
    assert len(receive(sqs, url)) == 1


def test_visibility_of_a_message_that_was_given_back_cannot_be_changed(sqs, refused):
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    [message] = receive(sqs, url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    with refused("AWS.SimpleQueueService.MessageNotInflight", 400):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=10)
    with refused("ReceiptHandleIsInvalid"):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle="nonsense", VisibilityTimeout=10)


def test_delays_of_queue_and_message_follow_the_clock(own_cloud, clock):
    sqs = own_cloud.client("sqs")
    clock.freeze()
    url = make(sqs, DelaySeconds=60)
    sqs.send_message(QueueUrl=url, MessageBody="queue")
    sqs.send_message(QueueUrl=url, MessageBody="own", DelaySeconds=900)
    sqs.send_message(QueueUrl=url, MessageBody="none", DelaySeconds=0)
    assert drain(sqs, url) == ["none"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesDelayed"])["Attributes"] == {
        "ApproximateNumberOfMessagesDelayed": "2"}
    clock.advance("60s")
    assert drain(sqs, url) == ["queue"]
    clock.advance("14m")
    assert drain(sqs, url) == ["own"]


def test_a_waiting_receiver_is_woken_when_the_clock_makes_a_message_visible(own_cloud, clock):
    sqs = own_cloud.client("sqs")
    clock.freeze()
    url = make(sqs, DelaySeconds=10)
    sqs.send_message(QueueUrl=url, MessageBody="later")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(receive, own_cloud.client("sqs"), url, WaitTimeSeconds=20)
        clock.advance("11s")
        assert [message["Body"] for message in waiting.result(timeout=10)] == ["later"]


def test_messages_expire_with_the_retention_of_their_queue(own_cloud, clock):
    sqs = own_cloud.client("sqs")
    clock.freeze()
    url = make(sqs, MessageRetentionPeriod=3600)
    sqs.send_message(QueueUrl=url, MessageBody="old")
    clock.advance("59m")
    sqs.send_message(QueueUrl=url, MessageBody="new")
    clock.advance("2m")
    assert drain(sqs, url) == ["new"]


def test_a_message_received_too_often_moves_to_the_dead_letter_queue(own_cloud, clock):
    sqs = own_cloud.client("sqs")
    clock.freeze()
    dead = make(sqs, "dead")
    url = make(sqs, "q", VisibilityTimeout=1, RedrivePolicy=json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": 2}))
    sent = sqs.send_message(QueueUrl=url, MessageBody="poison")
    for _ in range(2):
        assert len(receive(sqs, url)) == 1
        clock.advance("2s")
    assert receive(sqs, dead) == [], "the move happens at the next receive, not when the visibility ends"
    assert receive(sqs, url) == []
    [moved] = receive(sqs, dead, AttributeNames=["All"])
    assert (moved["Body"], moved["MessageId"]) == ("poison", sent["MessageId"])
    assert moved["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, url)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]


def test_a_purge_empties_a_queue_once_a_minute(own_cloud, clock, refused):
    sqs = own_cloud.client("sqs")
    clock.freeze()
    url = make(sqs)
    for i in range(5):
        sqs.send_message(QueueUrl=url, MessageBody=str(i))
    sqs.purge_queue(QueueUrl=url)
    wait_until(lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"][
        "ApproximateNumberOfMessages"] == "0", "the purged queue is empty")
    assert receive(sqs, url) == []
    with refused("AWS.SimpleQueueService.PurgeQueueInProgress", 403):
        sqs.purge_queue(QueueUrl=url)
    clock.advance("61s")
    sqs.purge_queue(QueueUrl=url)


def test_a_deleted_queue_is_gone_and_its_name_rests_a_minute(own_cloud, clock, refused):
    sqs = own_cloud.client("sqs")
    clock.freeze()
    url = make(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    sqs.delete_queue(QueueUrl=url)
    with refused("AWS.SimpleQueueService.NonExistentQueue", 400):
        receive(sqs, url)
    with refused("AWS.SimpleQueueService.QueueDeletedRecently", 400):
        make(sqs)
    clock.advance("61s")
    assert receive(sqs, make(sqs)) == []


def test_tags_are_kept(sqs):
    url = sqs.create_queue(QueueName="q", tags={"team": "a"})["QueueUrl"]
    sqs.tag_queue(QueueUrl=url, Tags={"stage": "dev", "team": "b"})
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "b", "stage": "dev"}
    sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"stage": "dev"}


def test_a_killed_server_keeps_messages_deadlines_and_receive_counts(own_cloud, clock):
    sqs = own_cloud.client("sqs")
    clock.freeze()
    url = make(sqs, VisibilityTimeout=60)
    sqs.send_message(QueueUrl=url, MessageBody="in flight")
    [message] = receive(sqs, url)
    sqs.send_message(QueueUrl=url, MessageBody="visible")
    own_cloud.restart(kill=True)
    assert clock.state()["mode"] == "frozen", "the clock keeps its state"
    assert [m["Body"] for m in receive(sqs, url, MaxNumberOfMessages=10)] == ["visible"]
    clock.advance("61s")
    back = {m["Body"]: m for m in receive(sqs, url, MaxNumberOfMessages=10, AttributeNames=["ApproximateReceiveCount"])}
    assert back["in flight"]["Attributes"]["ApproximateReceiveCount"] == "2"
    assert back["in flight"]["MessageId"] == message["MessageId"]
    own_cloud.restart(kill=False)
    for message in back.values():
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    clock.advance("1h")
    assert receive(sqs, url) == []


def test_the_cli_works_a_queue(cloud):
    url = cloud.cli_json("sqs", "create-queue", "--queue-name", "cli")["QueueUrl"]
    cloud.cli_json("sqs", "send-message", "--queue-url", url, "--message-body", "from the shell")
    [message] = cloud.cli_json("sqs", "receive-message", "--queue-url", url)["Messages"]
    assert message["Body"] == "from the shell"
    cloud.cli("sqs", "delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])
    assert cloud.cli_json("sqs", "receive-message", "--queue-url", url) is None
    failed = cloud.cli("sqs", "get-queue-url", "--queue-name", "none", check=False)
    assert failed.returncode != 0 and "AWS.SimpleQueueService.NonExistentQueue" in failed.stderr
