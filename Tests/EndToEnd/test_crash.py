"""Sixteen senders, an event source mapping and asynchronous invocations go on while the server is killed ten times."""

import json
import random
import threading
import time

import boto3
import botocore.config
import botocore.exceptions
import pytest

from harness import wait_until
from lambdas import deploy, make_queue, make_role

SENDERS = 16
EVENT_SENDERS = 2
KILLS = 10
POISON_EVERY = 20
# Messages that a dead server held come back when this has passed on the clock, and not before the killing is over: so a good
# one is received twice at the most, and only what fails by itself is received three times.
VISIBILITY = 60

# Signs by hand: boto3 would take longer to load than the server lives.
WORKER = '''
import datetime, hashlib, hmac, http.client, json, os
host = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
connection = http.client.HTTPConnection(host)

def report(ids):
    body = json.dumps({"QueueUrl": os.environ["RESULTS"], "MessageBody": json.dumps(ids)})
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": "application/x-amz-json-1.0", "host": host, "x-amz-date": now,
        "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"], "x-amz-target": "AmazonSQS.SendMessage"}
    names = ";".join(sorted(headers))
    digest = lambda text: hashlib.sha256(text.encode()).hexdigest()
    canonical = "\\n".join(["POST", "/", "", *(f"{n}:{headers[n]}" for n in sorted(headers)), "", names, digest(body)])
    scope = f"{now[:8]}/us-east-1/sqs/aws4_request"
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, f"AWS4-HMAC-SHA256\\n{now}\\n{scope}\\n{digest(canonical)}".encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}, SignedHeaders={names}, Signature={signature}")
    connection.request("POST", "/", body, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{answer.status} {text}")

def batch(event, context):
    good = [r["body"] for r in event["Records"] if not r["body"].startswith("poison")]
    if good:
        report(good)
    return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in event["Records"] if r["body"].startswith("poison")]}

def single(event, context):
    report([event])
'''


class Senders:
    """Threads that send numbered things until told to stop, and note which were acknowledged."""

    def __init__(self):
        self.stop = threading.Event()
        self.attempted, self.acknowledged, self.errors = set(), set(), []
        self._threads = []

    def add(self, count, kind, pace, send):
        for number in range(count):
            self._threads.append(threading.Thread(target=self._run, args=(f"{kind}-{number}", pace, send)))

    def start(self):
        for thread in self._threads:
            thread.start()

    def finish(self):
        self.stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, name, pace, send):
        count = 0
        while not self.stop.is_set():
            count += 1
            text = ("poison-" if count % POISON_EVERY == 0 and not name.startswith("event") else "") + f"{name}-{count}"
            self.attempted.add(text)
            try:
                send(text)
                self.acknowledged.add(text)
            except botocore.exceptions.ClientError as error:
                # A living server has no reason to refuse.
                self.errors.append(str(error))
            except (botocore.exceptions.BotoCoreError, OSError):
                pass  # The server is dead, or died before it answered.
            self.stop.wait(pace)


def _without_retries(cloud, service):
    """Each thing is sent once, whatever comes of it."""
    return boto3.session.Session().client(
        service, region_name="us-east-1", endpoint_url=cloud.server.endpoint, aws_access_key_id=cloud.account,
        aws_secret_access_key="secret", config=botocore.config.Config(
            retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10, max_pool_connections=SENDERS))


@pytest.fixture
def places(own_cloud):
    """The queues and functions of the test."""
    results, _ = make_queue(own_cloud, "results", VisibilityTimeout=600)
    dead, dead_arn = make_queue(own_cloud, "dead", VisibilityTimeout=600)
    work, work_arn = make_queue(own_cloud, "work", VisibilityTimeout=VISIBILITY, RedrivePolicy=json.dumps(
        {"deadLetterTargetArn": dead_arn, "maxReceiveCount": 3}))
    role = make_role(own_cloud)
    options = {"role": role, "Environment": {"Variables": {"RESULTS": results}}, "Timeout": 20}
    batch = deploy(own_cloud, WORKER, name="batch", handler="index.batch", **options)
    deploy(own_cloud, WORKER, name="single", handler="index.single", **options)
    uuid = batch.client.create_event_source_mapping(
        FunctionName="batch", EventSourceArn=work_arn, FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig={"MaximumConcurrency": 2})["UUID"]
    wait_until(lambda: batch.client.get_event_source_mapping(UUID=uuid)["State"] == "Enabled", "the mapping polls")
    return {"results": results, "dead": dead, "work": work}


class Drain:
    """Collects the bodies of a queue's messages."""

    def __init__(self, sqs, url):
        self.sqs, self.url, self.bodies = sqs, url, []

    def more(self):
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            self.bodies += [message["Body"] for message in messages]
            self.sqs.delete_message_batch(QueueUrl=self.url, Entries=[
                {"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]} for i, message in enumerate(messages)])
        return self.bodies


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(own_cloud, clock, places, capsys):
    sqs, functions = _without_retries(own_cloud, "sqs"), _without_retries(own_cloud, "lambda")
    senders = Senders()
    senders.add(SENDERS, "message", 0.05, lambda text: sqs.send_message(QueueUrl=places["work"], MessageBody=text))
    senders.add(EVENT_SENDERS, "event", 0.1, lambda text: functions.invoke(
        FunctionName="single", InvocationType="Event", Payload=json.dumps(text)))
    pauses = random.Random(20)
    senders.start()
    try:
        for _ in range(KILLS):
            # The time between kills is the subject here: it is no wait for anything.
            senders.stop.wait(pauses.uniform(0.6, 1.4))
            own_cloud.restart(kill=True)
        senders.stop.wait(1)
    finally:
        senders.finish()
    assert senders.errors == []

    good = {text for text in senders.acknowledged if not text.startswith("poison")}
    poison = senders.acknowledged - good
    results, dead = Drain(sqs, places["results"]), Drain(sqs, places["dead"])
    depth = Settling(own_cloud, places["work"])

    def is_complete():
        processed = {text for body in results.more() for text in json.loads(body)}
        if good <= processed and poison <= set(dead.more()) and depth.now() == (0, 0):
            return processed
        # Only what nobody works on any more waits for the clock.
        if depth.is_still():
            clock.advance(f"{VISIBILITY}s")
    processed = wait_until(is_complete, "everything acknowledged was processed", limit=120)

    with capsys.disabled():
        events = {text for text in good if text.startswith("event")}
        print(f"\n  {KILLS} kills: {len(senders.attempted)} sent, {len(senders.acknowledged)} acknowledged ({len(poison)} poison, "
              f"{len(events)} asynchronous invocations), {len(processed)} processed, {len(dead.bodies)} dead letters ", end="")
    assert len(senders.acknowledged) > 200 and len(poison) > 5
    assert processed <= senders.attempted and not any(text.startswith("poison") for text in processed)
    assert len(dead.bodies) == len(set(dead.bodies)), "a dead letter came twice"
    assert all(body.startswith("poison") and body in senders.attempted for body in dead.bodies)


class Settling:
    """Tells whether a queue has come to rest: nothing to receive, and nothing has changed for a second."""

    def __init__(self, cloud, url):
        self.sqs, self.url = cloud.client("sqs"), url
        self.last, self.since = None, 0

    def now(self):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return tuple(int(found[name]) for name in names)

    def is_still(self):
        found = self.now()
        if found != self.last or found[0] > 0:
            self.last, self.since = found, time.monotonic()
            return False
        if time.monotonic() - self.since < 1:
            return False
        self.since = time.monotonic()
        return True
