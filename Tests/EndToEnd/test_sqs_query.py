"""Standard queues through hand-made requests of the older Query protocol."""

import hashlib
import re

import pytest


@pytest.fixture
def ask(cloud):
    def ask(action, path="/", expected=200, **parameters):
        status, root = cloud.query(
            "sqs", {"Action": action, "Version": "2012-11-05", **{k.replace("__", "."): v for k, v in parameters.items()}}, path=path)
        assert status == expected, f"{action}: {status} {error(root)}"
        return root

    return ask


def error(root):
    return root.findtext("Error/Code"), root.findtext("Error/Message")


def attributes(root, path):
    return {a.findtext("Name"): a.findtext("Value") for a in root.findall(path)}


def make(ask, name="q", **parameters):
    return ask("CreateQueue", QueueName=name, **parameters).findtext("CreateQueueResult/QueueUrl")


def test_a_queue_is_made_with_attributes_and_tags(ask, cloud):
    url = make(ask, Attribute__1__Name="VisibilityTimeout", Attribute__1__Value="5", Tag__1__Key="k", Tag__1__Value="v")
    assert url.endswith(f"/{cloud.account}/q")
    root = ask("GetQueueAttributes", QueueUrl=url, AttributeName__1="VisibilityTimeout", AttributeName__2="QueueArn")
    assert root.tag == "GetQueueAttributesResponse"
    assert attributes(root, "GetQueueAttributesResult/Attribute") == {
        "VisibilityTimeout": "5", "QueueArn": f"arn:aws:sqs:us-east-1:{cloud.account}:q"}
    assert re.fullmatch(r"[0-9a-f-]{36}", root.findtext("ResponseMetadata/RequestId"))
    tags = ask("ListQueueTags", QueueUrl=url).findall("ListQueueTagsResult/Tag")
    assert [(tag.findtext("Key"), tag.findtext("Value")) for tag in tags] == [("k", "v")]
    assert ask("GetQueueUrl", QueueName="q").findtext("GetQueueUrlResult/QueueUrl") == url
    assert [e.text for e in ask("ListQueues").findall("ListQueuesResult/QueueUrl")] == [url]


def test_a_message_goes_through_by_queue_url_in_the_path(ask, cloud):
    make(ask)
    path = f"/{cloud.account}/q"
    sent = ask(
        "SendMessage", path=path, MessageBody="a & b <ü>", MessageAttribute__1__Name="n",
        MessageAttribute__1__Value__DataType="Number", MessageAttribute__1__Value__StringValue="7")
    assert sent.findtext("SendMessageResult/MD5OfMessageBody") == hashlib.md5("a & b <ü>".encode()).hexdigest()
    root = ask("ReceiveMessage", path=path, AttributeName__1="All", MessageAttributeName__1="All", MaxNumberOfMessages="10")
    [message] = root.findall("ReceiveMessageResult/Message")
    assert message.findtext("Body") == "a & b <ü>"
    assert message.findtext("MessageId") == sent.findtext("SendMessageResult/MessageId")
    assert attributes(message, "Attribute")["ApproximateReceiveCount"] == "1"
    [attribute] = message.findall("MessageAttribute")
    assert [attribute.findtext(path_) for path_ in ("Name", "Value/DataType", "Value/StringValue")] == ["n", "Number", "7"]
    ask("ChangeMessageVisibility", path=path, ReceiptHandle=message.findtext("ReceiptHandle"), VisibilityTimeout="0")
    [again] = ask("ReceiveMessage", path=path).findall("ReceiveMessageResult/Message")
    assert ask("DeleteMessage", path=path, ReceiptHandle=again.findtext("ReceiptHandle")).tag == "DeleteMessageResponse"
    empty = ask("ReceiveMessage", path=path)
    assert empty.find("ReceiveMessageResult") is not None, "an empty result still has its element"
    assert empty.findall("ReceiveMessageResult/Message") == []


def test_batches_have_flat_entries(ask):
    url = make(ask)
    root = ask(
        "SendMessageBatch", QueueUrl=url, SendMessageBatchRequestEntry__1__Id="a", SendMessageBatchRequestEntry__1__MessageBody="one",
        SendMessageBatchRequestEntry__2__Id="b", SendMessageBatchRequestEntry__2__MessageBody="two",
        SendMessageBatchRequestEntry__2__DelaySeconds="9999")
    assert [e.findtext("Id") for e in root.findall("SendMessageBatchResult/SendMessageBatchResultEntry")] == ["a"]
    [failed] = root.findall("SendMessageBatchResult/BatchResultErrorEntry")
    assert (failed.findtext("Id"), failed.findtext("SenderFault")) == ("b", "true")


@pytest.mark.parametrize("action, parameters, code", [
    ("GetQueueUrl", {"QueueName": "missing"}, "AWS.SimpleQueueService.NonExistentQueue"),
    ("CreateQueue", {"QueueName": "bad name!"}, "InvalidParameterValue"),
    ("CreateQueue", {"QueueName": "x", "Attribute.1.Name": "DelaySeconds", "Attribute.1.Value": "901"}, "InvalidAttributeValue"),
    ("NoSuchAction", {}, "InvalidAction"),
])
def test_errors_have_the_xml_form(ask, action, parameters, code):
    root = ask(action, expected=400, **parameters)
    assert root.tag == "ErrorResponse"
    assert error(root)[0] == code
    assert root.findtext("Error/Type") == "Sender"
    assert root.findtext("RequestId")


def test_both_protocols_see_the_same_queue(ask, cloud):
    url = make(ask)
    sqs = cloud.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="json to query")
    [message] = ask("ReceiveMessage", QueueUrl=url).findall("ReceiveMessageResult/Message")
    assert message.findtext("Body") == "json to query"
    ask("SendMessage", QueueUrl=url, MessageBody="query to json")
    [other] = sqs.receive_message(QueueUrl=url)["Messages"]
    assert other["Body"] == "query to json"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message.findtext("ReceiptHandle"))


def test_other_attributes_say_queue_name_exists_in_the_query_protocol(ask):
    make(ask)
    root = ask("CreateQueue", QueueName="q", Attribute__1__Name="DelaySeconds", Attribute__1__Value="9", expected=400)
    assert error(root)[0] == "QueueAlreadyExists"
