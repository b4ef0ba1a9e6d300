"""FIFO queues, and tenants of standard queues, through boto3 and the CLI."""

import json

import pytest


@pytest.fixture
def sqs(cloud):
    return cloud.client("sqs")


def make(sqs, name="q.fifo", **attributes):
    attributes = {"FifoQueue": "true", **attributes} if name.endswith(".fifo") else attributes
    return sqs.create_queue(QueueName=name, Attributes={k: str(v) for k, v in attributes.items()})["QueueUrl"]


def send(sqs, url, body, group, id=None):
    return sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=id or body)


def receive(sqs, url, most=10, **options):
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=most, **options).get("Messages", [])


def bodies(messages):
    return [message["Body"] for message in messages]


def test_a_duplicate_is_accepted_with_the_first_ones_ids_and_not_delivered_for_five_minutes(own_cloud, clock):
    sqs = own_cloud.client("sqs")
    clock.freeze()
    url = make(sqs, ContentBasedDeduplication="true")
    first = sqs.send_message(QueueUrl=url, MessageBody="m", MessageGroupId="g")
    [message] = receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    clock.advance("299s")
    again = sqs.send_message(QueueUrl=url, MessageBody="m", MessageGroupId="other")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    assert receive(sqs, url) == []
    clock.advance("1s")
    assert sqs.send_message(QueueUrl=url, MessageBody="m", MessageGroupId="g")["MessageId"] != first["MessageId"]
    assert bodies(receive(sqs, url)) == ["m"]


def test_with_the_scope_of_a_group_an_id_counts_in_its_group(sqs, refused):
    with refused("InvalidAttributeValue", 400, containing="FifoThroughputLimit"):
        make(sqs, FifoThroughputLimit="perMessageGroupId")
    url = make(sqs, DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
    for group in ["a", "b", "a"]:
        send(sqs, url, group, group, id="same")
    assert sorted(bodies(receive(sqs, url))) == ["a", "b"]


def test_a_group_is_in_order_and_locked_while_one_of_it_is_in_flight(sqs):
    url = make(sqs)
    numbers = [send(sqs, url, f"a{n}", "a")["SequenceNumber"] for n in range(3)]
    assert numbers == sorted(numbers) and len(set(numbers)) == 3
    send(sqs, url, "b0", "b")
    [first] = receive(sqs, url, 1, MessageSystemAttributeNames=["All"])
    assert first["Attributes"]["SequenceNumber"] == numbers[0] and first["Attributes"]["MessageDeduplicationId"] == "a0"
    assert bodies(receive(sqs, url)) == ["b0"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(receive(sqs, url)) == ["a1", "a2"]


def test_a_repeated_attempt_gives_the_same_messages_and_handles(sqs, refused):
    url = make(sqs)
    for n in range(3):
        send(sqs, url, str(n), "g")
    first = receive(sqs, url, 2, ReceiveRequestAttemptId="try-1")
    again = receive(sqs, url, 2, ReceiveRequestAttemptId="try-1")
    assert [m["ReceiptHandle"] for m in again] == [m["ReceiptHandle"] for m in first] and bodies(again) == ["0", "1"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first[0]["ReceiptHandle"])
    assert receive(sqs, url, 2, ReceiveRequestAttemptId="try-1") == [], "the group is locked for a new receive"
    with refused("InvalidParameterValue", 400, containing="ReceiveRequestAttemptId"):
        receive(sqs, url, ReceiveRequestAttemptId="x" * 129)
    with refused("InvalidParameterValue", 400, containing="not valid for this queue type"):
        receive(sqs, make(sqs, "standard"), ReceiveRequestAttemptId="x")


def test_what_a_fifo_message_needs_is_said_in_awss_words(sqs, refused):
    url = make(sqs)
    with refused("MissingParameter", 400) as error:
        sqs.send_message(QueueUrl=url, MessageBody="m")
    assert error.message == "The request must contain the parameter MessageGroupId."
    with refused("InvalidParameterValue", 400, containing="ContentBasedDeduplication enabled or MessageDeduplicationId"):
        sqs.send_message(QueueUrl=url, MessageBody="m", MessageGroupId="g")
    with refused("InvalidParameterValue", 400) as error:
        sqs.send_message(QueueUrl=url, MessageBody="m", MessageGroupId="g", MessageDeduplicationId="d", DelaySeconds=2)
    assert error.message == (
        "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.")
    with refused("InvalidParameterValue", 400) as error:
        sqs.send_message_batch(QueueUrl=url, Entries=[
            {"Id": "1", "MessageBody": "a", "MessageGroupId": "g", "MessageDeduplicationId": "1"}, {"Id": "2", "MessageBody": "b"}])
    assert error.message == "The request must contain the parameter MessageGroupId."
    assert receive(sqs, url) == [], "no entry of the batch was sent"
    with refused("InvalidAttributeValue", 400, containing="Modifying queue type is not supported"):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"FifoQueue": "false"})


def test_an_expired_handle_is_refused(own_cloud, clock, refused):
    sqs = own_cloud.client("sqs")
    clock.freeze()
    url = make(sqs, VisibilityTimeout=5)
    send(sqs, url, "m", "g")
    [message] = receive(sqs, url)
    clock.advance("5s")
    with refused("InvalidParameterValue", 400) as error:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert error.message == (
        f"Value {message['ReceiptHandle']} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.")


def test_a_fifo_dead_letter_queue_numbers_anew(own_cloud, clock, refused):
    sqs = own_cloud.client("sqs")
    clock.freeze()
    dead = make(sqs, "dead.fifo")
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    with refused("InvalidParameterValue", 400, containing="Dead-letter queue must be same type of queue as the source."):
        make(sqs, "standard", RedrivePolicy=policy)
    url = make(sqs, RedrivePolicy=policy, VisibilityTimeout=1)
    sent = send(sqs, url, "poison", "g", id="d")
    assert len(receive(sqs, url)) == 1
    clock.advance("2s")
    assert receive(sqs, url) == []
    [moved] = receive(sqs, dead, MessageSystemAttributeNames=["All"])
    assert moved["MessageId"] == sent["MessageId"] == moved["Attributes"]["MessageDeduplicationId"]
    assert moved["Attributes"]["SentTimestamp"] == str(clock.now_ms()), "its retention begins anew"


def test_a_noisy_tenant_of_a_standard_queue_lets_the_others_go_first(sqs):
    url = make(sqs, "fair")
    for n in range(5):
        sqs.send_message_batch(QueueUrl=url, Entries=[
            {"Id": str(i), "MessageBody": f"noisy {n}{i}", "MessageGroupId": "noisy"} for i in range(10)])
    for _ in range(3):
        assert len(receive(sqs, url)) == 10
    sqs.send_message(QueueUrl=url, MessageBody="quiet", MessageGroupId="quiet")
    got = receive(sqs, url, MessageSystemAttributeNames=["MessageGroupId"])
    assert got[0]["Body"] == "quiet" and got[0]["Attributes"] == {"MessageGroupId": "quiet"}
    assert len(got) == 10, "the noisy one is not held back"
    for message in got:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]) == ("11", "30")


def test_the_cli_works_a_fifo_queue(cloud):
    url = cloud.cli_json("sqs", "create-queue", "--queue-name", "cli.fifo", "--attributes",
                         "FifoQueue=true,ContentBasedDeduplication=true")["QueueUrl"]
    sent = [cloud.cli_json("sqs", "send-message", "--queue-url", url, "--message-body", "once", "--message-group-id", "g")
            for _ in range(2)]
    assert sent[0]["MessageId"] == sent[1]["MessageId"]
    [message] = cloud.cli_json("sqs", "receive-message", "--queue-url", url, "--max-number-of-messages", "10")["Messages"]
    assert message["Body"] == "once"
