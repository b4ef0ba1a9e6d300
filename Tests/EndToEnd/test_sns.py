"""Topics, subscriptions and deliveries with boto3 and the AWS CLI, against real endpoints."""

import base64
import http.server
import json
import threading
import urllib.parse
import urllib.request

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from harness import wait_until
from lambdas import LOGS, deploy, make_role, policy

SIGNED = {
    "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
    "SubscriptionConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    "UnsubscribeConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
}


class Endpoint:
    """A web server that keeps what is posted, and answers the statuses that it is told (200 when there are none left)."""

    def __init__(self):
        self.seen, self.statuses = [], []
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                endpoint.seen.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(endpoint.statuses.pop(0) if endpoint.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def messages(self, kind):
        return [json.loads(body) for headers, body in self.seen if headers.get("x-amz-sns-message-type") == kind]

    def wait(self, kind, count=1):
        return wait_until(lambda: len(self.messages(kind)) >= count and self.messages(kind), f"{count} {kind}")

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def endpoint():
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


def verify(message):
    """As a consumer does it: the certificate from the message's own URL, and the text made of its members."""
    with urllib.request.urlopen(message["SigningCertURL"], timeout=10) as answer:
        certificate = x509.load_pem_x509_certificate(answer.read())
    text = "".join(f"{name}\n{message[name]}\n" for name in SIGNED[message["Type"]] if name in message)
    digest = {"1": hashes.SHA1(), "2": hashes.SHA256()}[message["SignatureVersion"]]
    certificate.public_key().verify(base64.b64decode(message["Signature"]), text.encode(), padding.PKCS1v15(), digest)


def make_queue(cloud, name, topic=None, **attributes):
    """The queue's URL and ARN; with a topic that may send to it."""
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{cloud.account}:{name}"
    if topic:
        allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
                   "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(allowed)})
    return url, arn


def take(cloud, url, count=1):
    sqs, got = cloud.client("sqs"), []
    def more():
        for message in sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"], AttributeNames=["All"]).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            got.append(message)
        return len(got) >= count
    wait_until(more, f"{count} messages")
    return got


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_queue_gets_an_envelope_that_verifies(cloud, version):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="news", Attributes={"SignatureVersion": version})["TopicArn"]
    url, arn = make_queue(cloud, "q", topic)
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    assert subscription.startswith(topic + ":")
    sent = sns.publish(TopicArn=topic, Message="hello", Subject="greeting", MessageAttributes={
        "colour": {"DataType": "String", "StringValue": "red"}})
    [message] = take(cloud, url)
    envelope = json.loads(message["Body"])
    assert envelope["MessageId"] == sent["MessageId"] and envelope["Message"] == "hello"
    assert envelope["MessageAttributes"] == {"colour": {"Type": "String", "Value": "red"}}
    verify(envelope)
    # The link works without a key, and without a version.
    with urllib.request.urlopen(envelope["UnsubscribeURL"], timeout=10) as answer:
        assert b"UnsubscribeResponse" in answer.read()
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_a_queue_whose_policy_does_not_let_the_topic_in_gets_nothing_but_its_dead_letters(cloud):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    url, arn = make_queue(cloud, "closed")
    dead_url, dead = make_queue(cloud, "dead", topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={
        "RawMessageDelivery": "true", "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead})})
    sns.publish(TopicArn=topic, Message="kept out")
    [letter] = take(cloud, dead_url)
    assert letter["Body"] == "kept out"
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "403"
    assert cloud.client("sqs").receive_message(QueueUrl=url).get("Messages", []) == []


def test_an_http_endpoint_confirms_verifies_and_is_told_of_its_end(cloud, endpoint):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    assert sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)["SubscriptionArn"] == "pending confirmation"
    [confirmation] = endpoint.wait("SubscriptionConfirmation")
    verify(confirmation)
    headers, _ = endpoint.seen[0]
    assert headers["content-type"] == "text/plain; charset=UTF-8"
    assert headers["user-agent"] == "Amazon Simple Notification Service Agent"
    assert headers["x-amz-sns-topic-arn"] == topic
    with urllib.request.urlopen(confirmation["SubscribeURL"], timeout=10) as answer:
        assert b"<SubscriptionArn>" + topic.encode() in answer.read()
    sns.publish(TopicArn=topic, Message="one", Subject="s")
    [message] = endpoint.wait("Notification")
    verify(message)
    assert endpoint.seen[1][0]["x-amz-sns-subscription-arn"].startswith(topic)
    with urllib.request.urlopen(message["UnsubscribeURL"], timeout=10):
        pass
    [farewell] = endpoint.wait("UnsubscribeConfirmation")
    verify(farewell)
    sns.publish(TopicArn=topic, Message="two")
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_an_http_endpoint_that_fails_is_tried_again_by_the_clock(timed_cloud, endpoint):
    sns = timed_cloud.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url, Attributes={"DeliveryPolicy": json.dumps(
        {"healthyRetryPolicy": {"minDelayTarget": 600, "maxDelayTarget": 600, "numRetries": 2}})})
    [confirmation] = endpoint.wait("SubscriptionConfirmation")
    sns.confirm_subscription(TopicArn=topic, Token=confirmation["Token"])
    timed_cloud.clock.freeze()
    endpoint.statuses = [503, 500]
    sns.publish(TopicArn=topic, Message="hard")
    for count in (1, 2, 3):
        endpoint.wait("Notification", count)
        wait_until(lambda: not endpoint.statuses or len(endpoint.statuses) == 2 - count, "the attempt")
        # The retry is written a moment after the endpoint has answered.
        def again():
            timed_cloud.clock.advance("11m")
            return len(endpoint.messages("Notification")) > count
        if count < 3:
            wait_until(again, "the next attempt")
    assert {m["MessageId"] for m in endpoint.messages("Notification")} == {endpoint.messages("Notification")[0]["MessageId"]}


def test_a_function_gets_the_record_of_a_notification(cloud):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    queue_url, _ = make_queue(cloud, "seen")
    function = deploy(cloud, """
import boto3, json, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
""", "listener", Environment={"Variables": {"QUEUE": queue_url}})
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function.arn)
    cloud.client("lambda").add_permission(
        FunctionName="listener", StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com", SourceArn=topic)
    sns.publish(TopicArn=topic, Message="ping", MessageAttributes={"n": {"DataType": "Number", "StringValue": "7"}})
    [seen] = take(cloud, queue_url)
    [record] = json.loads(seen["Body"])["Records"]
    assert record["EventSource"] == "aws:sns" and record["EventVersion"] == "1.0"
    assert record["EventSubscriptionArn"].startswith(topic + ":")
    assert record["Sns"]["Message"] == "ping" and record["Sns"]["Subject"] is None
    assert record["Sns"]["MessageAttributes"] == {"n": {"Type": "Number", "Value": "7"}}
    assert set(record["Sns"]) == {
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertUrl",
        "UnsubscribeUrl", "MessageAttributes"}


def test_mail_and_text_messages_are_in_the_outbox_and_mail_is_confirmed_there(cloud):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="news", Attributes={"DisplayName": "The News"})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ann@example.com")
    sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+4930123456")
    def items():
        return cloud.server.page(f"/_dewpoint/sns/outbox?account={cloud.account}")[1]["items"]
    [mail] = wait_until(items, "a mail")
    assert mail["to"] == "ann@example.com" and mail["from"] == "The News"
    with urllib.request.urlopen(mail["link"], timeout=10) as answer:
        assert b"ConfirmSubscriptionResponse" in answer.read()
    sns.publish(TopicArn=topic, Message="hello", Subject="greeting")
    wait_until(lambda: len(items()) == 3, "a mail and a text message")
    assert {(item["type"], item["body"]) for item in items()[:2]} == {("email", "hello"), ("sms", "hello")}
    sns.publish(PhoneNumber="+4930654321", Message="ring")
    wait_until(lambda: any(item["to"] == "+4930654321" for item in items()), "the text message")


def test_a_filter_policy_on_the_body_and_one_on_attributes(cloud):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    for name, attributes in (
            ("body", {"FilterPolicyScope": "MessageBody", "FilterPolicy": json.dumps({"order": {"total": [{"numeric": [">", 10]}]}})}),
            ("attributes", {"FilterPolicy": json.dumps({"kind": [{"prefix": "or"}]})})):
        _, arn = make_queue(cloud, name, topic)
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true", **attributes})
    large, small = json.dumps({"order": {"total": 11}}), json.dumps({"order": {"total": 9}})
    sns.publish(TopicArn=topic, Message=small, MessageAttributes={"kind": {"DataType": "String", "StringValue": "order"}})
    sns.publish(TopicArn=topic, Message=large)
    assert [m["Body"] for m in take(cloud, f"{cloud.server.endpoint}/{cloud.account}/body")] == [large]
    assert [m["Body"] for m in take(cloud, f"{cloud.server.endpoint}/{cloud.account}/attributes")] == [small]


def test_a_fifo_topic_keeps_groups_in_order_on_their_way_to_a_fifo_queue(cloud):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"})["TopicArn"]
    url, arn = make_queue(cloud, "q.fifo", topic, FifoQueue="true")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    for start in range(0, 30, 10):
        answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[
            {"Id": str(i), "Message": str(i), "MessageGroupId": f"g{i % 2}"} for i in range(start, start + 10)])
        assert len(answer["Successful"]) == 10
    assert sns.publish(TopicArn=topic, Message="3", MessageGroupId="g1")["SequenceNumber"]
    got = take(cloud, url, 30)
    for group in ("g0", "g1"):
        numbers = [int(m["Body"]) for m in got if m["Attributes"]["MessageGroupId"] == group]
        assert numbers == sorted(numbers) and len(numbers) == 15


def test_archived_messages_are_replayed(cloud):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="t.fifo", Attributes={
        "FifoTopic": "true", "ContentBasedDeduplication": "true", "ArchivePolicy": json.dumps({"MessageRetentionPeriod": "1"})})["TopicArn"]
    for i in range(5):
        sns.publish(TopicArn=topic, Message=f"m{i}", MessageGroupId="g")
    beginning = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["BeginningArchiveTime"]
    url, arn = make_queue(cloud, "q.fifo", topic, FifoQueue="true")
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={
        "ReplayPolicy": json.dumps({"PointType": "Timestamp", "StartingPoint": beginning})})["SubscriptionArn"]
    got = [json.loads(m["Body"]) for m in take(cloud, url, 5)]
    assert [m["Message"] for m in got] == [f"m{i}" for i in range(5)] and all(m["Replayed"] == "true" for m in got)
    wait_until(lambda: sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["ReplayStatus"] == "Completed", "its end")
    sns.publish(TopicArn=topic, Message="new", MessageGroupId="g")
    assert json.loads(take(cloud, url)[0]["Body"])["Message"] == "new"


def test_the_status_of_deliveries_is_in_the_logs(cloud):
    sns, iam = cloud.client("sns"), cloud.client("iam")
    trust = policy({"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName="feedback", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName="feedback", PolicyName="p", PolicyDocument=policy({"Effect": "Allow", "Action": "logs:*", "Resource": "*"}))
    topic = sns.create_topic(Name="news", Attributes={
        "SQSSuccessFeedbackRoleArn": role, "SQSSuccessFeedbackSampleRate": "100", "SQSFailureFeedbackRoleArn": role})["TopicArn"]
    _, arn = make_queue(cloud, "q", topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    message = sns.publish(TopicArn=topic, Message="x")["MessageId"]
    logs = cloud.client("logs")
    def events():
        try:
            return logs.filter_log_events(logGroupName=f"sns/us-east-1/{cloud.account}/news")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
    [event] = wait_until(events, "the status")
    line = json.loads(event["message"])
    assert line["status"] == "SUCCESS" and line["notification"]["messageId"] == message and line["delivery"]["destination"] == arn


def test_a_function_reports_to_topics(cloud):
    """Destinations and dead letters of asynchronous invocations."""
    sns, functions = cloud.client("sns"), cloud.client("lambda")
    topic = sns.create_topic(Name="reports")["TopicArn"]
    url, arn = make_queue(cloud, "reports", topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    role = make_role(cloud, "reporter", LOGS, {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic})
    deploy(cloud, """
def handler(event, context):
    if event == "fail":
        raise ValueError("no")
    return event
""", role=role)
    functions.put_function_event_invoke_config(
        FunctionName="worker", MaximumRetryAttempts=0, DestinationConfig={"OnSuccess": {"Destination": topic}})
    functions.update_function_configuration(FunctionName="worker", DeadLetterConfig={"TargetArn": topic})
    functions.get_waiter("function_updated_v2").wait(FunctionName="worker")
    functions.invoke(FunctionName="worker", InvocationType="Event", Payload=b'"good"')
    record = json.loads(take(cloud, url)[0]["Body"])
    assert record["requestContext"]["condition"] == "Success" and record["responsePayload"] == "good"
    functions.invoke(FunctionName="worker", InvocationType="Event", Payload=b'"fail"')
    [letter] = take(cloud, url)
    assert letter["Body"] == '"fail"'
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "200" and letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "no"


def test_the_cli_makes_subscribes_publishes(cloud):
    topic = json.loads(cloud.cli("sns", "create-topic", "--name", "cli", "--output", "json"))["TopicArn"]
    url, arn = make_queue(cloud, "cli", topic)
    cloud.cli("sns", "subscribe", "--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", arn)
    cloud.cli("sns", "publish", "--topic-arn", topic, "--message", "from the command line")
    assert json.loads(take(cloud, url)[0]["Body"])["Message"] == "from the command line"
    assert topic in cloud.cli("sns", "list-topics")
    done = cloud.cli("sns", "publish", "--topic-arn", topic + "x", "--message", "x", check=False)
    assert "(NotFound)" in done.stderr and "Topic does not exist" in done.stderr


def test_who_may_not_publish_is_told_so(cloud, refused):
    sns, iam = cloud.client("sns"), cloud.client("iam")
    topic = sns.create_topic(Name="news")["TopicArn"]
    iam.create_user(UserName="bob")
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    bob = cloud.client("sns", credentials=(key["AccessKeyId"], key["SecretAccessKey"]))
    with refused("AuthorizationError", status=403, containing="not authorized to perform: sns:Publish on resource: " + topic):
        bob.publish(TopicArn=topic, Message="x")
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{cloud.account}:user/bob"}, "Action": "sns:Publish", "Resource": topic}))
    bob.publish(TopicArn=topic, Message="x")


def test_what_does_not_exist_here_is_refused(cloud, refused):
    sns = cloud.client("sns")
    with refused("NotImplemented", status=501):
        sns.create_topic(Name="x", DataProtectionPolicy="{}")
    with refused("NotImplemented", status=501):
        sns.create_platform_application(Name="x", Platform="GCM", Attributes={})


def test_messages_that_were_accepted_before_a_kill_arrive_after_it(own_cloud, endpoint):
    sns = own_cloud.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    url, arn = make_queue(own_cloud, "q", topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    [confirmation] = endpoint.wait("SubscriptionConfirmation")
    sns.confirm_subscription(TopicArn=topic, Token=confirmation["Token"])
    accepted = []
    stop = threading.Event()

    def publish(number):
        mine = own_cloud.client("sns")
        count = 0
        while not stop.is_set():
            text = f"{number}-{count}"
            try:
                mine.publish(TopicArn=topic, Message=text)
            except Exception:
                return
            accepted.append(text)
            count += 1

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(accepted) > 100, "a hundred messages")
    own_cloud.server.kill()
    stop.set()
    for thread in threads:
        thread.join()
    own_cloud.server.start()
    bodies = set()
    def arrived():
        for message in own_cloud.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            bodies.add(message["Body"])
        return set(accepted) <= bodies
    wait_until(arrived, "all in the queue", 60)
    wait_until(lambda: set(accepted) <= {m["Message"] for m in endpoint.messages("Notification")}, "all at the endpoint", 60)


def test_the_key_outlives_the_server(own_cloud):
    sns = own_cloud.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    url, arn = make_queue(own_cloud, "q", topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="x")
    envelope = json.loads(take(own_cloud, url)[0]["Body"])
    own_cloud.restart()
    assert urllib.parse.urlsplit(envelope["SigningCertURL"]).path.endswith(".pem")
    verify(envelope)
