"""What people type first, service by service: the AWS CLI with `--endpoint-url`, its queries, pages, waiters and exit codes."""

import base64
import contextlib
import io
import json
import os
import subprocess
from unittest import mock

import awscli.clidriver
import pytest

from lambdas import ECHO, TRUST_LAMBDA, policy, zipped

# Of version 1 for an error that the service answered.
SERVICE_ERROR = 255


class CommandLine:
    """`aws(…)` runs version 1 of the CLI in words and returns what it prints, without the line's end.

    In this process, because its start takes longer than all that it does then.
    """

    def __init__(self, cloud):
        self.cloud = cloud

    def __call__(self, *words, **options):
        return self.run(*words, **options).stdout.strip()

    def run(self, *words, check=True, credentials=None):
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        # The CLI finds its own data by this variable, which it sets when it is imported.
        environment = self.cloud.cli_environment(credentials=credentials) | {"AWS_DATA_PATH": os.environ["AWS_DATA_PATH"]}
        with (mock.patch.dict(os.environ, environment, clear=True),
              contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)):
            status = awscli.clidriver.create_clidriver().main(["--endpoint-url", self.cloud.server.endpoint, *words])
        for stream in (out, err):
            stream.seek(0)
        done = subprocess.CompletedProcess(words, status, out.read(), err.read())
        assert not check or status == 0, f"aws {' '.join(words)}: status {status}\n{done.stderr}"
        return done

    def json(self, *words):
        text = self(*words, "--output", "json")
        return json.loads(text) if text else None

    def pages(self, *words, key, size):
        """All items of a listing, taken in parts with --max-items and --starting-token, and the number of parts."""
        found, parts, token = [], 0, None
        while parts == 0 or token:
            answer = self.json(*words, "--max-items", str(size), *(["--starting-token", token] if token else []))
            assert len(answer[key]) <= size
            found += answer[key]
            token = answer.get("NextToken")
            parts += 1
        return found, parts


@pytest.fixture
def aws(cloud):
    return CommandLine(cloud)


def test_sts(cloud, aws, tmp_path):
    assert aws.json("sts", "get-caller-identity") == {
        "UserId": cloud.account, "Account": cloud.account, "Arn": f"arn:aws:iam::{cloud.account}:root"}
    assert aws("sts", "get-caller-identity", "--query", "Account", "--output", "text") == cloud.account
    trust = policy({"Effect": "Allow", "Principal": {"AWS": cloud.account}, "Action": "sts:AssumeRole"})
    role = aws("iam", "create-role", "--role-name", "deployer", "--assume-role-policy-document", trust, "--query", "Role.Arn",
               "--output", "text")
    aws("iam", "create-user", "--user-name", "ann")
    keys = aws.json("iam", "create-access-key", "--user-name", "ann", "--query", "AccessKey")
    aws("iam", "put-user-policy", "--user-name", "ann", "--policy-name", "deploy", "--policy-document", policy(
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}))
    # A profile that takes on a role: the CLI itself calls AssumeRole. A process of its own, which reads the file.
    config = tmp_path / "config"
    config.write_text(
        f"[profile ann]\naws_access_key_id = {keys['AccessKeyId']}\naws_secret_access_key = {keys['SecretAccessKey']}\n"
        f"[profile deployer]\nrole_arn = {role}\nsource_profile = ann\nregion = us-east-1\nrole_session_name = shift\n"
        f"endpoint_url = {cloud.server.endpoint}\n")
    environment = cloud.cli_environment() | {
        "AWS_CONFIG_FILE": str(config), "AWS_ENDPOINT_URL": cloud.server.endpoint}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del environment[name]
    done = subprocess.run(
        [cloud.aws(), "--profile", "deployer", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"],
        env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"arn:aws:sts::{cloud.account}:assumed-role/deployer/shift"
    wrong = aws.run("sts", "get-caller-identity", credentials=(keys["AccessKeyId"], "wrong"), check=False)
    assert wrong.returncode == SERVICE_ERROR
    assert "An error occurred (SignatureDoesNotMatch) when calling the GetCallerIdentity operation" in wrong.stderr


def test_sqs(cloud, aws):
    url = aws("sqs", "create-queue", "--queue-name", "orders", "--attributes", "VisibilityTimeout=45,DelaySeconds=0",
              "--tags", "team=shop", "--query", "QueueUrl", "--output", "text")
    assert url == f"{cloud.server.endpoint}/{cloud.account}/orders"
    assert aws("sqs", "get-queue-url", "--queue-name", "orders", "--query", "QueueUrl", "--output", "text") == url
    aws("sqs", "send-message", "--queue-url", url, "--message-body", "täst \"1\"\n", "--message-attributes",
        json.dumps({"colour": {"DataType": "String", "StringValue": "blue"}}))
    message = aws.json(
        "sqs", "receive-message", "--queue-url", url, "--attribute-names", "All", "--message-attribute-names", "All")["Messages"][0]
    assert message["Body"] == "täst \"1\"\n" and message["MessageAttributes"]["colour"]["StringValue"] == "blue"
    aws("sqs", "change-message-visibility", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"],
        "--visibility-timeout", "0")
    handle = aws("sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "2", "--query", "Messages[0].ReceiptHandle",
                 "--output", "text")
    aws("sqs", "delete-message", "--queue-url", url, "--receipt-handle", handle)
    assert aws("sqs", "receive-message", "--queue-url", url) == ""
    assert aws("sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "VisibilityTimeout", "QueueArn",
               "--query", "Attributes.[VisibilityTimeout,QueueArn]", "--output", "text").split() == [
                   "45", f"arn:aws:sqs:us-east-1:{cloud.account}:orders"]
    for number in range(6):
        cloud.client("sqs").create_queue(QueueName=f"many-{number}")
    found, parts = aws.pages("sqs", "list-queues", "--queue-name-prefix", "many-", "--page-size", "2", key="QueueUrls", size=4)
    assert [name.rpartition("/")[2] for name in found] == [f"many-{number}" for number in range(6)] and parts == 2
    aws("sqs", "delete-queue", "--queue-url", url)
    failed = aws.run("sqs", "get-queue-url", "--queue-name", "orders", check=False)
    assert failed.returncode == SERVICE_ERROR
    assert "An error occurred (AWS.SimpleQueueService.NonExistentQueue) when calling the GetQueueUrl operation" in failed.stderr


def test_iam(cloud, aws, tmp_path):
    trust, rights = tmp_path / "trust.json", tmp_path / "rights.json"
    trust.write_text(TRUST_LAMBDA)
    rights.write_text(policy({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}))
    aws("iam", "create-role", "--role-name", "worker", "--assume-role-policy-document", f"file://{trust}")
    aws("iam", "wait", "role-exists", "--role-name", "worker")
    arn = aws("iam", "create-policy", "--policy-name", "send", "--policy-document", f"file://{rights}", "--query", "Policy.Arn",
              "--output", "text")
    aws("iam", "wait", "policy-exists", "--policy-arn", arn)
    aws("iam", "attach-role-policy", "--role-name", "worker", "--policy-arn", arn)
    assert aws("iam", "list-attached-role-policies", "--role-name", "worker", "--query", "AttachedPolicies[].PolicyName",
               "--output", "text") == "send"
    assert aws.json("iam", "get-role", "--role-name", "worker", "--query", "Role.AssumeRolePolicyDocument") == json.loads(
        TRUST_LAMBDA)
    decisions = aws(
        "iam", "simulate-principal-policy", "--policy-source-arn", f"arn:aws:iam::{cloud.account}:role/worker", "--action-names",
        "sqs:SendMessage", "sqs:DeleteQueue", "--query", "EvaluationResults[].EvalDecision", "--output", "text")
    assert decisions.split() == ["allowed", "implicitDeny"]
    aws("iam", "create-user", "--user-name", "ann")
    aws("iam", "wait", "user-exists", "--user-name", "ann")
    key = tuple(aws("iam", "create-access-key", "--user-name", "ann", "--query", "AccessKey.[AccessKeyId,SecretAccessKey]",
                    "--output", "text").split())
    denied = aws.run("sqs", "list-queues", credentials=key, check=False)
    assert denied.returncode == SERVICE_ERROR and "(AccessDenied)" in denied.stderr
    assert f"arn:aws:iam::{cloud.account}:user/ann is not authorized to perform: sqs:ListQueues" in denied.stderr
    for number in range(5):
        cloud.client("iam").create_group(GroupName=f"many-{number}")
    found, parts = aws.pages("iam", "list-groups", key="Groups", size=2)
    assert [group["GroupName"] for group in found] == [f"many-{number}" for number in range(5)] and parts == 3
    missing = aws.run("iam", "get-role", "--role-name", "nobody", check=False)
    assert missing.returncode == SERVICE_ERROR and "(NoSuchEntity) when calling the GetRole operation" in missing.stderr


def test_lambda(cloud, aws, tmp_path):
    package, out = tmp_path / "function.zip", tmp_path / "out.json"
    package.write_bytes(zipped({"index.py": "def handler(event, context):\n    print('hello')\n    return event\n"}))
    role = aws("iam", "create-role", "--role-name", "worker", "--assume-role-policy-document", TRUST_LAMBDA, "--query", "Role.Arn",
               "--output", "text")
    aws("lambda", "create-function", "--function-name", "echo", "--runtime", "python3.13", "--handler", "index.handler",
        "--role", role, "--zip-file", f"fileb://{package}", "--memory-size", "1769", "--timeout", "20",
        "--environment", "Variables={ONE=1,TWO=two}")
    aws("lambda", "wait", "function-active-v2", "--function-name", "echo")
    answer = aws.json("lambda", "invoke", "--function-name", "echo", "--payload", '{"a": "ä"}', "--log-type", "Tail", str(out))
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert json.loads(out.read_bytes()) == {"a": "ä"}
    assert "hello\n" in base64.b64decode(answer["LogResult"]).decode()
    package.write_bytes(zipped({"index.py": "def handler(event, context):\n    raise ValueError('no')\n"}))
    aws("lambda", "update-function-code", "--function-name", "echo", "--zip-file", f"fileb://{package}")
    aws("lambda", "wait", "function-updated-v2", "--function-name", "echo")
    assert aws("lambda", "invoke", "--function-name", "echo", str(out), "--query", "FunctionError", "--output", "text") == "Unhandled"
    assert json.loads(out.read_bytes())["errorType"] == "ValueError"
    assert aws("lambda", "publish-version", "--function-name", "echo", "--query", "Version", "--output", "text") == "1"
    aws("lambda", "wait", "published-version-active", "--function-name", "echo", "--qualifier", "1")
    aws("lambda", "create-alias", "--function-name", "echo", "--name", "live", "--function-version", "1")
    assert aws("lambda", "get-function-configuration", "--function-name", "echo:live", "--query",
               "[Version,Environment.Variables.TWO]", "--output", "text").split() == ["1", "two"]
    assert aws("lambda", "invoke", "--function-name", "echo", "--invocation-type", "DryRun", str(out), "--query", "StatusCode",
               "--output", "text") == "204"
    for number in range(3):
        cloud.client("lambda").create_function(
            FunctionName=f"many-{number}", Role=role, Runtime="python3.13", Handler="index.handler",
            Code={"ZipFile": zipped({"index.py": ECHO})})
    found, parts = aws.pages("lambda", "list-functions", key="Functions", size=2)
    assert sorted(function["FunctionName"] for function in found) == ["echo", "many-0", "many-1", "many-2"] and parts == 2
    aws("lambda", "delete-function", "--function-name", "echo")
    failed = aws.run("lambda", "invoke", "--function-name", "echo", str(out), check=False)
    assert failed.returncode == SERVICE_ERROR
    assert "(ResourceNotFoundException) when calling the Invoke operation: Function not found: " in failed.stderr


def test_logs(cloud, aws):
    aws("logs", "create-log-group", "--log-group-name", "/app/web", "--tags", "team=shop")
    aws("logs", "create-log-stream", "--log-group-name", "/app/web", "--log-stream-name", "one")
    now = cloud.clock.now_ms()
    aws("logs", "put-log-events", "--log-group-name", "/app/web", "--log-stream-name", "one", "--log-events",
        json.dumps([{"timestamp": now + i, "message": f"line {i} {'ERROR' if i % 2 else 'ok'}"} for i in range(6)]))
    assert aws("logs", "filter-log-events", "--log-group-name", "/app/web", "--filter-pattern", "ERROR", "--query",
               "events[].message", "--output", "text").split("\t") == ["line 1 ERROR", "line 3 ERROR", "line 5 ERROR"]
    assert aws("logs", "get-log-events", "--log-group-name", "/app/web", "--log-stream-name", "one", "--limit", "2",
               "--query", "events[].message", "--output", "text").split("\t") == ["line 4 ok", "line 5 ERROR"]
    found, parts = aws.pages("logs", "filter-log-events", "--log-group-name", "/app/web", key="events", size=4)
    assert [event["timestamp"] - now for event in found] == list(range(6)) and parts == 2
    aws("logs", "put-retention-policy", "--log-group-name", "/app/web", "--retention-in-days", "7")
    for number in range(4):
        cloud.client("logs").create_log_group(logGroupName=f"/many/{number}")
    found, parts = aws.pages("logs", "describe-log-groups", "--log-group-name-prefix", "/many/", key="logGroups", size=3)
    assert [group["logGroupName"] for group in found] == [f"/many/{number}" for number in range(4)] and parts == 2
    assert aws("logs", "describe-log-groups", "--query", "logGroups[?logGroupName=='/app/web'].retentionInDays",
               "--output", "text") == "7"
    aws("logs", "delete-log-group", "--log-group-name", "/app/web")
    failed = aws.run("logs", "describe-log-streams", "--log-group-name", "/app/web", check=False)
    assert failed.returncode == SERVICE_ERROR
    assert "(ResourceNotFoundException) when calling the DescribeLogStreams operation" in failed.stderr
