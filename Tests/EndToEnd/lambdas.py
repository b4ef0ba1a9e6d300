"""Makes roles and functions, and invokes them, in the few words that tests want to spend on it."""

import base64
import io
import json
import stat
import textwrap
import zipfile

from harness import wait_until

TRUST_LAMBDA = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
LOGS = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
QUEUES = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
# A whole processor: a smaller share would make every test wait for Python to start.
MEMORY = 1769
ECHO = "def handler(event, context):\n    return event\n"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def zipped(files):
    """A zip of {path: text or bytes}; a path that ends in `*` is executable (without the star)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(path.rstrip("*"))
            info.external_attr = (stat.S_IFREG | (0o755 if path.endswith("*") else 0o644)) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return out.getvalue()


def python(source):
    """The package of a one-file Python function."""
    return zipped({"index.py": textwrap.dedent(source)})


def make_role(cloud, name="worker", *statements, trust=TRUST_LAMBDA):
    """A role that Lambda may take on, with these rights (all of Logs and SQS when none are given). Returns its ARN."""
    iam = cloud.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*(statements or (LOGS, QUEUES))))
    return arn


class Function:
    """A function of the account, ready to be invoked."""

    def __init__(self, cloud, name):
        self.cloud = cloud
        self.name = name
        self.client = cloud.client("lambda")

    @property
    def arn(self):
        return f"arn:aws:lambda:us-east-1:{self.cloud.account}:function:{self.name}"

    @property
    def log_group(self):
        return f"/aws/lambda/{self.name}"

    def wait_ready(self):
        def settled():
            answer = self.client.get_function_configuration(FunctionName=self.name)
            assert answer["State"] != "Failed" and answer.get("LastUpdateStatus") != "Failed", answer
            return answer["State"] == "Active" and answer.get("LastUpdateStatus") == "Successful"
        wait_until(settled, f"{self.name} is active")
        return self

    def update_code(self, package):
        answer = self.client.update_function_code(FunctionName=self.name, ZipFile=package)
        self.wait_ready()
        return answer

    def configure(self, **changes):
        answer = self.client.update_function_configuration(FunctionName=self.name, **changes)
        self.wait_ready()
        return answer

    def invoke(self, event=None, **options):
        return Answer(self.client.invoke(FunctionName=self.name, Payload=json.dumps(event), LogType="Tail", **options))

    def send(self, event=None):
        """Invokes it asynchronously; returns the request id."""
        answer = self.client.invoke(FunctionName=self.name, InvocationType="Event", Payload=json.dumps(event))
        assert answer["StatusCode"] == 202 and answer["Payload"].read() == b""
        return answer["ResponseMetadata"]["RequestId"]

    def log(self, containing=""):
        """The messages of its log so far, of all environments, oldest first: [(milliseconds, text)]."""
        logs = self.cloud.client("logs")
        try:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=self.log_group)
            events = [event for page in pages for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [(event["timestamp"], event["message"]) for event in events if containing in event["message"]]


class Answer:
    """What an invocation gave."""

    def __init__(self, answer):
        self.status = answer["StatusCode"]
        self.error = answer.get("FunctionError")
        self.version = answer.get("ExecutedVersion")
        self.request_id = answer["ResponseMetadata"]["RequestId"]
        self.body = answer["Payload"].read()
        self.log = base64.b64decode(answer.get("LogResult", "")).decode()

    @property
    def value(self):
        """The result of a function that did not fail."""
        assert self.error is None, f"{self.body[:2000]}\n{self.log}"
        return json.loads(self.body)

    @property
    def failure(self):
        """The error object of a function that failed."""
        assert self.error == "Unhandled" and self.status == 200, self.body[:2000]
        return json.loads(self.body)


def deploy(cloud, package, name="worker", role=None, runtime="python3.13", handler="index.handler", **options):
    """Creates a function from Python text or a zip and waits until it can be invoked."""
    function = Function(cloud, name)
    options = {"Timeout": 20, "MemorySize": MEMORY} | options
    function.client.create_function(
        FunctionName=name, Role=role or make_role(cloud, f"role-of-{name}"), Runtime=runtime, Handler=handler,
        Code={"ZipFile": python(package) if isinstance(package, str) else package}, **options)
    return function.wait_ready()


def make_queue(cloud, name="queue", **attributes):
    """Returns URL and ARN."""
    url = cloud.client("sqs").create_queue(QueueName=name, Attributes={k: str(v) for k, v in attributes.items()})["QueueUrl"]
    return url, f"arn:aws:sqs:us-east-1:{cloud.account}:{name}"


def receive_all(sqs, url):
    """Receives and deletes what a queue shows now."""
    found = []
    while True:
        batch = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0, MessageAttributeNames=["All"], AttributeNames=["All"])
        messages = batch.get("Messages", [])
        if not messages:
            return found
        found += messages
        sqs.delete_message_batch(QueueUrl=url, Entries=[
            {"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)])
