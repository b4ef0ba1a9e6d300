"""HTTP/2 on the plain port, with prior knowledge, as Node's own client speaks it."""

import json
import pathlib
import shutil
import subprocess

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from harness import Cloud, Server

NODE = shutil.which("node")
CLIENT = pathlib.Path(__file__).with_name("http2_client.js")
LIMIT = 60
pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")


def call(cloud, operation, after=0, key=None, **given):
    """A signed request of SQS, for the client."""
    body = json.dumps(given)
    request = botocore.awsrequest.AWSRequest(
        method="POST", url=cloud.server.endpoint + "/", data=body.encode(),
        headers={"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{operation}"})
    keys = botocore.credentials.Credentials(*(key or (cloud.account, "secret")))
    botocore.auth.SigV4Auth(keys, "sqs", "us-east-1").add_auth(request)
    return {"headers": dict(request.headers.items()), "body": body, "after": after}


def start(cloud, requests, **more):
    client = subprocess.Popen([NODE, CLIENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    client.stdin.write(json.dumps({"endpoint": cloud.server.endpoint, "requests": requests} | more))
    client.stdin.close()
    client.stdin = None
    return client


def events(client):
    """All that happened until the connection was closed."""
    try:
        out, errors = client.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        client.kill()
        raise AssertionError(f"the client did not end within {LIMIT} s: {client.communicate()}")
    assert client.returncode == 0 and not errors, errors
    return [json.loads(line) for line in out.splitlines()]


def ask(cloud, *requests, **more):
    """The answers on one connection, in the order in which they came."""
    happened = events(start(cloud, requests, **more))
    assert happened[0] == {"event": "connected", "protocol": "h2c"}
    assert happened[-1] == {"event": "closed"}
    return [event for event in happened if event["event"] == "answer"]


def value(answer):
    assert answer["status"] == 200, answer
    return json.loads(answer["body"])


@pytest.fixture
def queue(cloud):
    return cloud.client("sqs").create_queue(QueueName="q")["QueueUrl"]


def test_a_call_is_answered_as_over_http_1(cloud, queue):
    answer, = ask(cloud, call(cloud, "GetQueueUrl", QueueName="q"))
    assert value(answer) == {"QueueUrl": queue}
    assert answer["headers"]["content-type"] == "application/x-amz-json-1.0"
    assert answer["headers"]["x-amzn-requestid"]
    assert not {"connection", "keep-alive", "transfer-encoding"} & answer["headers"].keys()


def test_refusals_keep_their_form(cloud, queue):
    unsigned = call(cloud, "ListQueues")
    del unsigned["headers"]["Authorization"]
    cloud.client("iam").create_user(UserName="u")
    key = cloud.client("iam").create_access_key(UserName="u")["AccessKey"]
    user = key["AccessKeyId"], key["SecretAccessKey"]
    altered = call(cloud, "GetQueueUrl", key=user, QueueName="q") | {"body": '{"QueueName":"other"}'}
    answers = ask(cloud, unsigned, altered, call(cloud, "ListQueues", key=user), call(cloud, "GetQueueUrl", QueueName="none"))
    found = {answer["index"]: (answer["status"], json.loads(answer["body"])["__type"].rpartition("#")[2]) for answer in answers}
    assert found == {
        0: (400, "MissingAuthenticationTokenException"), 1: (400, "InvalidSignatureException"),
        2: (403, "AccessDenied"), 3: (400, "QueueDoesNotExist")}


# More than the 100 streams that the server lets be open: the client keeps the rest back.
@pytest.mark.parametrize("count", [50, 300])
def test_many_calls_at_once_are_all_done(cloud, queue, count):
    bodies = {f"{i} " + "x" * 1000 for i in range(count)}
    answers = ask(cloud, *(call(cloud, "SendMessage", QueueUrl=queue, MessageBody=body) for body in bodies))
    assert len({value(answer)["MessageId"] for answer in answers}) == count
    sqs, found = cloud.client("sqs"), []
    while len(found) < count:
        found += [m["Body"] for m in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=5)["Messages"]]
    assert len(found) == count and set(found) == bodies


def test_a_long_poll_holds_nothing_up(cloud, queue):
    short = [call(cloud, "GetQueueUrl", QueueName="q") for _ in range(20)]
    answers = ask(
        cloud, call(cloud, "ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=20), *short,
        call(cloud, "SendMessage", after=len(short), QueueUrl=queue, MessageBody="awaited"))
    order = [answer["index"] for answer in answers]
    assert set(order[:20]) == set(range(1, 21)) and set(order[20:]) == {0, 21}
    poll = next(answer for answer in answers if answer["index"] == 0)
    assert value(poll)["Messages"][0]["Body"] == "awaited"


def test_a_poll_that_is_cancelled_takes_no_message(cloud, queue):
    answers = ask(
        cloud, call(cloud, "ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=20), call(cloud, "GetQueueUrl", QueueName="q"),
        call(cloud, "SendMessage", after=2, QueueUrl=queue, MessageBody="kept"),
        call(cloud, "ReceiveMessage", after=3, QueueUrl=queue, WaitTimeSeconds=20),
        cancel={"index": 0, "after": 1})
    assert [answer["index"] for answer in answers] == [1, 0, 2, 3]
    assert answers[1]["status"] is None and answers[1]["code"] == 8
    assert value(answers[3])["Messages"][0]["Body"] == "kept"


def test_bodies_larger_than_the_windows_go_both_ways(cloud, queue):
    text = "".join(f"{i:07} " for i in range(25 * 1024))
    assert len(text) == 200 * 1024
    # Three at once share the connection's window.
    other = [cloud.client("sqs").create_queue(QueueName=f"q{i}")["QueueUrl"] for i in range(3)]
    sent = ask(cloud, *(call(cloud, "SendMessage", QueueUrl=url, MessageBody=text) for url in other))
    assert [value(answer)["MessageId"] for answer in sent]
    for answer in ask(cloud, *(call(cloud, "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20) for url in other)):
        assert value(answer)["Messages"][0]["Body"] == text


def test_a_server_that_stops_says_goodbye(tmp_path, account):
    server = Server(tmp_path).start()
    cloud = Cloud(server, account)
    queue = cloud.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    client = start(cloud, [
        call(cloud, "ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=20), call(cloud, "GetQueueUrl", QueueName="q")], stays=True)
    first = [json.loads(client.stdout.readline()) for _ in range(2)]
    assert first[0]["event"] == "connected" and first[1]["index"] == 1
    server.stop()
    happened = events(client)
    poll = next(event for event in happened if event["event"] == "answer")
    assert "Messages" not in value(poll)
    assert {"event": "goaway", "code": 0} in happened and happened[-1] == {"event": "closed"}
    assert not [event for event in happened if event["event"] == "failed"]


def test_a_client_that_vanishes_leaves_the_server_well(cloud, queue):
    client = start(cloud, [
        call(cloud, "ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=20), call(cloud, "GetQueueUrl", QueueName="q")], stays=True)
    for _ in range(2):
        client.stdout.readline()
    client.kill()
    client.communicate()
    answers = ask(
        cloud, call(cloud, "SendMessage", QueueUrl=queue, MessageBody="x"),
        call(cloud, "ReceiveMessage", after=1, QueueUrl=queue, WaitTimeSeconds=20))
    assert value(answers[1])["Messages"][0]["Body"] == "x"
