"""Durable functions as tests use them: made with the public SDK, and watched."""

import importlib.util
import json
import pathlib
import textwrap
import uuid

import botocore.exceptions
import pytest

from harness import wait_until
from lambdas import LOGS, MEMORY, Function, make_role, zipped

CHECKPOINTS = {
    "Effect": "Allow", "Action": ["lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"], "Resource": "*"}
INVOKE = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}
HEADER = """
import json
from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import *
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy
"""


def durable_package(source):
    """The SDK as it was installed, and the function."""
    found = importlib.util.find_spec("aws_durable_execution_sdk_python")
    root = pathlib.Path(found.origin).parent
    files = {str(path.relative_to(root.parent)): path.read_bytes() for path in root.rglob("*.py")}
    return zipped(files | {"index.py": HEADER + textwrap.dedent(source)})


class Durable(Function):
    """A durable function, called by its `$LATEST`."""

    def start(self, event=None, name=None, qualifier="$LATEST"):
        """Starts an execution and returns its ARN."""
        options = {"DurableExecutionName": name} if name else {}
        answer = self.client.invoke(
            FunctionName=self.name, Qualifier=qualifier, InvocationType="Event", Payload=json.dumps(event), **options)
        assert answer["StatusCode"] == 202 and answer["Payload"].read() == b""
        return answer["DurableExecutionArn"]

    def call(self, event=None, **options):
        """Invokes it and waits for the end: the answer of boto3 with its payload read."""
        answer = self.client.invoke(
            FunctionName=self.name, **({"Qualifier": "$LATEST"} | options), Payload=json.dumps(event))
        answer["Payload"] = answer["Payload"].read()
        return answer

    def get(self, arn):
        return self.client.get_durable_execution(DurableExecutionArn=arn)

    def ended(self, arn, status="SUCCEEDED", limit=30):
        """The execution once it has ended."""
        def look():
            found = self.get(arn)
            assert found["Status"] != "RUNNING", [event["EventType"] for event in self.history(arn)]
            return found
        found = wait_until(look, f"{arn} has ended", limit)
        assert found["Status"] == status, found
        return found

    def history(self, arn, **options):
        events = []
        while True:
            page = self.client.get_durable_execution_history(DurableExecutionArn=arn, **({"IncludeExecutionData": True} | options))
            events += page["Events"]
            if not page.get("NextMarker"):
                return events
            options["Marker"] = page["NextMarker"]

    def wait_for(self, arn, event_type, times=1, limit=30):
        """The events of this type, once there are so many."""
        def look():
            found = [event for event in self.history(arn) if event["EventType"] == event_type]
            assert len(found) >= times, [event["EventType"] for event in self.history(arn)]
            return found
        return wait_until(look, f"{event_type} in {arn}", limit)


def make_durable(cloud, source, name=None, execution_timeout=600, role=None, statements=(LOGS, CHECKPOINTS), **options):
    name = name or f"durable-{uuid.uuid4().hex[:8]}"
    cloud.client("lambda").create_function(
        FunctionName=name, Runtime="python3.13", Handler="index.handler", Code={"ZipFile": durable_package(source)},
        Role=role or make_role(cloud, f"{name}-role", *statements), MemorySize=MEMORY,
        DurableConfig={"ExecutionTimeout": execution_timeout}, **({"Timeout": 60} | options))
    return Durable(cloud, name).wait_ready()


def refusal(call, **options):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**options)
    return caught.value.response["Error"]


STEPS = """
    @durable_execution
    def handler(event, context: DurableContext):
        one = context.step(lambda _: event["n"] + 1, name="one")
        context.wait(Duration.from_seconds(event.get("wait", 1)), name="pause")
        return {"sum": context.step(lambda _: one * 2, name="two")}
    """
RETRIES = """
    strategy = create_retry_strategy(RetryStrategyConfig(
        max_attempts=3, initial_delay=Duration.from_seconds(60), backoff_rate=2.0, jitter_strategy=JitterStrategy.NONE))

    @durable_execution
    def handler(event, context: DurableContext):
        def work(step):
            print("attempt", step.attempt)
            if step.attempt <= event["failures"]:
                raise ValueError(f"failed in attempt {step.attempt}")
            return step.attempt
        return context.step(work, name="flaky", config=StepConfig(retry_strategy=strategy))
    """
CALLBACKS = """
    @durable_execution
    def handler(event, context: DurableContext):
        callback = context.create_callback(name="approval", config=CallbackConfig(
            timeout=Duration.from_seconds(event.get("timeout", 0)), heartbeat_timeout=Duration.from_seconds(event.get("heartbeat", 0))))
        try:
            return {"answer": callback.result()}
        except Exception as error:
            return {"error": str(error)}
    """


def callback_of(function, arn):
    """The id, once the function waits for the answer."""
    identifier = function.wait_for(arn, "CallbackStarted")[0]["CallbackStartedDetails"]["CallbackId"]
    function.wait_for(arn, "InvocationCompleted")
    return identifier


CHAIN = """
    @durable_execution
    def handler(event, context: DurableContext):
        try:
            return {"result": context.invoke(event["target"], event["payload"], name="call")}
        except Exception as error:
            return {"error": str(error), "type": error.error_type}
    """
PLAIN = """
    def handler(event, context):
        if event == "fail":
            raise KeyError("told to fail")
        return {"got": event}
    """
