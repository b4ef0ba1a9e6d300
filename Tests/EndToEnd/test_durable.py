"""Durable functions with the public Python SDK in their packages: what a user sees of executions, and that none is lost."""

import base64
import importlib.util
import json
import pathlib
import textwrap
import urllib.parse
import uuid

import botocore.exceptions
import pytest

from harness import wait_until
from lambdas import LOGS, MEMORY, Function, deploy, make_queue, make_role, receive_all, zipped

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


def test_a_synchronous_call_returns_the_result_of_the_whole_execution(cloud):
    function = make_durable(cloud, STEPS)
    answer = function.call({"n": 20})
    assert json.loads(answer["Payload"]) == {"sum": 42}
    assert answer["ExecutedVersion"] == "$LATEST" and "FunctionError" not in answer
    arn = answer["DurableExecutionArn"]
    assert arn.startswith(function.arn + ":$LATEST/durable-execution/")
    found = function.get(arn)
    assert found["Status"] == "SUCCEEDED" and found["Version"] == "$LATEST" and found["FunctionArn"] == function.arn + ":$LATEST"
    assert json.loads(found["InputPayload"]) == {"n": 20} and json.loads(found["Result"]) == {"sum": 42}
    assert found["EndTimestamp"] >= found["StartTimestamp"] and found["TraceHeader"]["XAmznTraceId"].startswith("Root=1-")
    events = function.history(arn)
    assert [event["EventType"] for event in events] == [
        "ExecutionStarted", "StepStarted", "StepSucceeded", "WaitStarted", "InvocationCompleted", "WaitSucceeded",
        "StepStarted", "StepSucceeded", "InvocationCompleted", "ExecutionSucceeded"]
    assert [event["EventId"] for event in events] == list(range(1, 11))
    started, step = events[0], events[2]
    assert started["ExecutionStartedDetails"] == {
        "Input": {"Payload": '{"n": 20}', "Truncated": False}, "ExecutionTimeout": 600}
    assert step["Name"] == "one" and step["SubType"] == "Step"
    assert step["StepSucceededDetails"] == {"Result": {"Payload": "21", "Truncated": False}, "RetryDetails": {"CurrentAttempt": 1}}
    assert events[3]["WaitStartedDetails"]["Duration"] == 1
    assert events[-1]["ExecutionSucceededDetails"]["Result"]["Payload"] == '{"sum": 42}'


def test_the_history_hides_data_unless_it_is_asked_for_and_comes_in_pages(cloud):
    function = make_durable(cloud, STEPS)
    arn = function.call({"n": 1})["DurableExecutionArn"]
    events = function.client.get_durable_execution_history(DurableExecutionArn=arn)["Events"]
    assert events[0]["ExecutionStartedDetails"]["Input"] == {"Truncated": True}
    assert events[2]["StepSucceededDetails"]["Result"] == {"Truncated": True}
    forward = function.history(arn, MaxItems=3)
    assert [event["EventId"] for event in forward] == list(range(1, len(events) + 1))
    assert [event["EventId"] for event in function.history(arn, MaxItems=4, ReverseOrder=True)] == list(range(len(events), 0, -1))
    assert refusal(function.client.get_durable_execution_history, DurableExecutionArn=arn, Marker="x") == {
        "Code": "InvalidParameterValueException", "Message": "Invalid Marker"}


def test_a_wait_of_a_day_passes_with_the_clock(timed_cloud):
    timed_cloud.clock.freeze()
    function = make_durable(timed_cloud, STEPS, execution_timeout=200_000)
    arn = function.start({"n": 1, "wait": 86_400})
    function.wait_for(arn, "InvocationCompleted")
    started = function.get(arn)["StartTimestamp"]
    timed_cloud.clock.advance("23h")
    assert function.get(arn)["Status"] == "RUNNING"
    timed_cloud.clock.advance("61m")
    ended = function.ended(arn)
    assert (ended["EndTimestamp"] - started).total_seconds() >= 86_400


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


def test_a_step_is_tried_again_after_its_delay(timed_cloud):
    timed_cloud.clock.freeze()
    function = make_durable(timed_cloud, RETRIES)
    arn = function.start({"failures": 2})
    first = function.wait_for(arn, "StepFailed")[0]
    assert first["StepFailedDetails"]["RetryDetails"] == {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 60}
    assert first["StepFailedDetails"]["Error"]["Payload"] == {"ErrorMessage": "failed in attempt 1", "ErrorType": "ValueError"}
    function.wait_for(arn, "InvocationCompleted")
    timed_cloud.clock.advance("59s")
    assert len(function.wait_for(arn, "StepFailed")) == 1
    timed_cloud.clock.advance("1s")
    assert function.wait_for(arn, "StepFailed", 2)[1]["StepFailedDetails"]["RetryDetails"]["NextAttemptDelaySeconds"] == 120
    function.wait_for(arn, "InvocationCompleted", 2)
    timed_cloud.clock.advance("2m")
    assert function.ended(arn)["Result"] == "3"


def test_an_execution_whose_step_fails_for_good_has_failed(timed_cloud):
    timed_cloud.clock.freeze()
    queue, queue_arn = make_queue(timed_cloud, f"dead-{uuid.uuid4().hex[:8]}")
    function = make_durable(
        timed_cloud, RETRIES, execution_timeout=3600, statements=(LOGS, CHECKPOINTS, {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}),
        DeadLetterConfig={"TargetArn": queue_arn})
    arn = function.start({"failures": 9})
    for attempt in (1, 2):
        function.wait_for(arn, "InvocationCompleted", attempt)
        timed_cloud.clock.advance("5m")
    failed = function.ended(arn, "FAILED")
    assert failed["Error"]["ErrorMessage"] == "failed in attempt 3" and "Result" not in failed
    assert function.history(arn)[-1]["EventType"] == "ExecutionFailed"
    assert json.loads(wait_until(lambda: receive_all(timed_cloud.client("sqs"), queue), "the dead letter")[0]["Body"]) == {"failures": 9}


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


def test_a_callback_brings_its_answer_into_the_execution(cloud):
    function = make_durable(cloud, CALLBACKS)
    arn = function.start({})
    callback = callback_of(function, arn)
    function.client.send_durable_execution_callback_heartbeat(CallbackId=callback)
    function.client.send_durable_execution_callback_success(CallbackId=callback, Result=b'"yes"')
    assert json.loads(function.ended(arn)["Result"]) == {"answer": '"yes"'}
    over = {"Code": "CallbackTimeoutException", "Message": "The callback is either timed out or already completed"}
    assert refusal(function.client.send_durable_execution_callback_success, CallbackId=callback, Result=b"1") == over
    assert refusal(function.client.send_durable_execution_callback_heartbeat, CallbackId=callback) == over

    arn = function.start({})
    function.client.send_durable_execution_callback_failure(
        CallbackId=callback_of(function, arn), Error={"ErrorMessage": "no", "ErrorType": "Denied"})
    assert json.loads(function.ended(arn)["Result"]) == {"error": "no"}
    failed = function.wait_for(arn, "CallbackFailed")[0]["CallbackFailedDetails"]
    assert failed["Error"]["Payload"] == {"ErrorMessage": "no", "ErrorType": "Denied"}


def test_nobody_can_guess_a_callback(cloud):
    function = make_durable(cloud, CALLBACKS)
    arn = function.start({})
    callback = callback_of(function, arn)
    raw = bytearray(base64.b64decode(callback))
    raw[-1] ^= 1
    forged = base64.b64encode(bytes(raw)).decode()
    send = function.client.send_durable_execution_callback_success
    assert refusal(send, CallbackId=forged, Result=b"1")["Code"] == "CallbackTimeoutException"
    assert refusal(send, CallbackId="Zm9yZ2Vk", Result=b"1") == {
        "Code": "InvalidParameterValueException", "Message": "Invalid callback id"}
    assert refusal(send, CallbackId=callback, Result=b"\xff")["Code"] == "InvalidParameterValueException"
    assert function.get(arn)["Status"] == "RUNNING"


def test_a_callback_ends_when_nobody_answers_or_no_heart_beats(timed_cloud):
    timed_cloud.clock.freeze()
    function = make_durable(timed_cloud, CALLBACKS, execution_timeout=200_000)
    slow = function.start({"timeout": 3600})
    silent = function.start({"timeout": 3600, "heartbeat": 600})
    callback_of(function, slow)
    callback = callback_of(function, silent)
    timed_cloud.clock.advance("9m")
    function.client.send_durable_execution_callback_heartbeat(CallbackId=callback)
    timed_cloud.clock.advance("9m")
    assert function.get(silent)["Status"] == "RUNNING"
    timed_cloud.clock.advance("1m")
    assert json.loads(function.ended(silent)["Result"]) == {"error": "Callback timed out on heartbeat"}
    event = function.wait_for(silent, "CallbackTimedOut")[0]
    assert event["CallbackTimedOutDetails"]["Error"]["Payload"] == {"ErrorType": "Callback.Heartbeat"}
    timed_cloud.clock.advance("41m")
    assert json.loads(function.ended(slow)["Result"]) == {"error": "Callback timed out"}
    event = function.wait_for(slow, "CallbackTimedOut")[0]
    assert event["CallbackTimedOutDetails"]["Error"]["Payload"] == {"ErrorType": "Callback.Timeout"}


CONCURRENT = """
    @durable_execution
    def handler(event, context: DurableContext):
        squares = context.map([1, 2, 3, 4], lambda child, item, index, items: child.step(lambda _: item * item, name=f"square {index}"),
                              name="squares", config=MapConfig(max_concurrency=2))
        def slow(child):
            child.wait(Duration.from_seconds(1))
            return "slow"
        both = context.parallel([slow, lambda child: child.step(lambda _: "quick", name="quick")], name="both")
        inner = context.run_in_child_context(lambda child: child.step(lambda _: 7, name="seven"), name="inner")
        return {"squares": squares.get_results(), "both": both.get_results(), "inner": inner}
    """


def test_map_parallel_and_child_contexts_work_as_the_sdk_does_them(cloud):
    function = make_durable(cloud, CONCURRENT)
    answer = function.call({})
    assert json.loads(answer["Payload"]) == {"squares": [1, 4, 9, 16], "both": ["slow", "quick"], "inner": 7}
    events = function.history(answer["DurableExecutionArn"])
    kinds = {event.get("SubType") for event in events}
    assert {"Map", "MapIteration", "Parallel", "ParallelBranch", "RunInChildContext", "Step", "Wait"} <= kinds
    steps = [event for event in events if event["EventType"] == "StepSucceeded" and event["Name"].startswith("square")]
    assert len(steps) == 4 and all("ParentId" in event for event in steps)


CONDITION = """
    from aws_durable_execution_sdk_python.waits import WaitForConditionConfig, WaitForConditionDecision

    @durable_execution
    def handler(event, context: DurableContext):
        def strategy(state, attempt):
            return (WaitForConditionDecision.stop_polling() if state >= 3
                    else WaitForConditionDecision.continue_waiting(Duration.from_seconds(30)))
        return context.wait_for_condition(
            lambda state, check: state + 1, config=WaitForConditionConfig(wait_strategy=strategy, initial_state=0))
    """


def test_a_condition_is_asked_again_with_the_state_of_the_last_time(timed_cloud):
    function = make_durable(timed_cloud, CONDITION)
    timed_cloud.clock.freeze()
    arn = function.start({})
    for time in (1, 2):
        function.wait_for(arn, "InvocationCompleted", time)
        timed_cloud.clock.advance("30s")
    assert function.ended(arn)["Result"] == "3"


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


def test_a_chained_invocation_brings_result_or_error_of_another_function(cloud):
    plain = deploy(cloud, PLAIN, name=f"plain-{uuid.uuid4().hex[:8]}")
    child = make_durable(cloud, STEPS)
    function = make_durable(cloud, CHAIN, statements=(LOGS, CHECKPOINTS, INVOKE))

    def outcome(target, payload):
        arn = function.start({"target": target, "payload": payload})
        return arn, json.loads(function.ended(arn)["Result"])

    arn, result = outcome(plain.arn, 5)
    assert result == {"result": {"got": 5}}
    started = function.wait_for(arn, "ChainedInvokeStarted")[0]["ChainedInvokeStartedDetails"]
    assert started == {"FunctionName": plain.arn, "Input": {"Payload": "5", "Truncated": False}, "ExecutedVersion": "$LATEST"}
    assert outcome(plain.name, "fail")[1] == {"error": "'told to fail'", "type": "KeyError"}

    arn, result = outcome(f"{child.name}:$LATEST", {"n": 3})
    assert result == {"result": {"sum": 8}}
    started = function.wait_for(arn, "ChainedInvokeStarted")[0]["ChainedInvokeStartedDetails"]
    assert child.get(started["DurableExecutionArn"])["Status"] == "SUCCEEDED"

    assert outcome(child.name, {})[1] == {
        "error": "You cannot invoke a durable function using an unqualified ARN.", "type": "InvalidParameterValueException"}
    missing = f"arn:aws:lambda:us-east-1:{cloud.account}:function:missing"
    assert outcome("missing", {})[1] == {"error": f"Function not found: {missing}:$LATEST", "type": "ResourceNotFoundException"}


def test_the_role_of_the_function_must_be_allowed_to_invoke(cloud):
    plain = deploy(cloud, PLAIN, name=f"plain-{uuid.uuid4().hex[:8]}")
    function = make_durable(cloud, CHAIN)
    result = json.loads(function.ended(function.start({"target": plain.name, "payload": 1}))["Result"])
    assert result["type"] == "AccessDeniedException" and "lambda:InvokeFunction" in result["error"]


def test_a_function_whose_role_may_not_checkpoint_fails(cloud):
    function = make_durable(cloud, STEPS, statements=(LOGS,))
    answer = function.call({"n": 1})
    assert answer["FunctionError"] == "Unhandled" and b"lambda:CheckpointDurableExecution" in answer["Payload"]
    assert function.get(answer["DurableExecutionArn"])["Status"] == "FAILED"


def test_stopping_ends_an_execution_once(cloud):
    function = make_durable(cloud, CALLBACKS)
    arn = function.start({}, name="to-stop")
    callback = callback_of(function, arn)
    stopped = function.client.stop_durable_execution(DurableExecutionArn=arn, Error={"ErrorType": "Cancelled", "ErrorMessage": "enough"})
    found = function.ended(arn, "STOPPED")
    assert found["Error"] == {"ErrorType": "Cancelled", "ErrorMessage": "enough"}
    assert found["EndTimestamp"] == stopped["StopTimestamp"]
    assert function.client.stop_durable_execution(DurableExecutionArn=arn)["StopTimestamp"] == stopped["StopTimestamp"]
    assert function.history(arn)[-1]["EventType"] == "ExecutionStopped"
    assert refusal(function.client.send_durable_execution_callback_success, CallbackId=callback)["Code"] == "CallbackTimeoutException"
    assert refusal(function.client.stop_durable_execution, DurableExecutionArn=arn.replace("to-stop", "other")) == {
        "Code": "ResourceNotFoundException", "Message": "Durable Execution does not exist"}


def test_a_name_starts_one_execution(cloud):
    function = make_durable(cloud, CALLBACKS)
    arn = function.start({"a": 1}, name="order-1")
    assert "/durable-execution/order-1/" in arn
    assert function.start({"a": 1}, name="order-1") == arn
    with pytest.raises(function.client.exceptions.DurableExecutionAlreadyStartedException) as caught:
        function.start({"a": 2}, name="order-1")
    assert caught.value.response["Error"]["Message"] == f"Execution already started: {arn}"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    function.client.send_durable_execution_callback_success(CallbackId=callback_of(function, arn), Result=b"done")
    function.ended(arn)
    answer = function.call({"a": 1}, DurableExecutionName="order-1")
    assert answer["DurableExecutionArn"] == arn and json.loads(answer["Payload"]) == {"answer": "done"}


def test_lists_are_filtered_ordered_and_paged(cloud):
    function = make_durable(cloud, """
        @durable_execution
        def handler(event, context: DurableContext):
            return context.create_callback(name="never").result() if event == "wait" else event
        """)
    version = function.client.publish_version(FunctionName=function.name)["Version"]
    arns = [function.start(n, name=f"run-{n}") for n in range(4)]
    for arn in arns:
        function.ended(arn)
    waiting = function.start("wait", name="waiting", qualifier=version)

    def listed(**options):
        pages = function.client.get_paginator("list_durable_executions_by_function").paginate(FunctionName=function.name, **options)
        return [execution["DurableExecutionArn"] for page in pages for execution in page["DurableExecutions"]]

    assert listed() == [waiting, *reversed(arns)]
    assert listed(ReverseOrder=True, PaginationConfig={"PageSize": 2}) == [*arns, waiting]
    assert listed(PaginationConfig={"PageSize": 3}) == [waiting, *reversed(arns)]
    assert listed(Statuses=["RUNNING"]) == [waiting] and listed(Statuses=["SUCCEEDED"], PaginationConfig={"PageSize": 1}) == arns[::-1]
    assert listed(Qualifier=version) == [waiting] and listed(Qualifier="$LATEST") == arns[::-1]
    assert listed(DurableExecutionName="run-2") == [arns[2]] and listed(DurableExecutionName="none") == []
    middle = function.get(arns[2])["StartTimestamp"]
    assert listed(StartedAfter=middle) == [waiting, arns[3]] and listed(StartedBefore=middle) == [arns[1], arns[0]]
    call = function.client.list_durable_executions_by_function
    assert refusal(call, FunctionName=function.name, Statuses=["RUNNING", "FAILED"])["Message"] == "Cannot filter by more than one status"
    assert refusal(call, FunctionName="missing")["Code"] == "ResourceNotFoundException"
    assert refusal(call, FunctionName=function.name, Marker="???") == {
        "Code": "InvalidParameterValueException", "Message": "Invalid Marker"}


def test_an_execution_ends_at_its_timeout(timed_cloud):
    timed_cloud.clock.freeze()
    function = make_durable(timed_cloud, CALLBACKS, execution_timeout=300)
    arn = function.start({})
    callback_of(function, arn)
    timed_cloud.clock.advance("300s")
    assert function.ended(arn, "TIMED_OUT")["Error"] == {"ErrorMessage": "Execution timed out after 300 seconds."}
    assert function.history(arn)[-1]["ExecutionTimedOutDetails"] == {}


def test_an_execution_is_forgotten_after_its_retention(timed_cloud):
    timed_cloud.clock.freeze()
    function = make_durable(timed_cloud, STEPS)
    assert function.client.get_function_configuration(FunctionName=function.name)["DurableConfig"] == {
        "ExecutionTimeout": 600, "RetentionPeriodInDays": 14}
    function.configure(DurableConfig={"RetentionPeriodInDays": 2})
    arn = function.start({"n": 1}, name="once")
    function.wait_for(arn, "InvocationCompleted")
    timed_cloud.clock.advance("1s")
    function.ended(arn)
    timed_cloud.clock.advance("47h")
    assert function.get(arn)["Status"] == "SUCCEEDED"
    timed_cloud.clock.advance("1h")
    wait_until(lambda: function.client.list_durable_executions_by_function(FunctionName=function.name)["DurableExecutions"] == [], "gone")
    assert refusal(function.client.get_durable_execution, DurableExecutionArn=arn)["Code"] == "ResourceNotFoundException"
    assert function.start({"n": 2}, name="once") != arn


CRASHING = """
    import os, time
    @durable_execution
    def handler(event, context: DurableContext):
        first = context.step(lambda _: "kept", name="first")
        def long(step):
            print("in the long step")
            time.sleep(event["seconds"])
            return "done"
        second = context.step(long, name="second")
        context.wait(Duration.from_hours(2))
        return [first, second]
    """


def test_executions_go_on_after_the_server_was_killed(own_cloud):
    function = make_durable(own_cloud, CRASHING, execution_timeout=90_000)
    running = function.start({"seconds": 3})
    waiting = function.start({"seconds": 0})
    function.wait_for(waiting, "WaitStarted")
    function.wait_for(running, "StepStarted", 2)
    own_cloud.restart(kill=True)
    function.wait_for(running, "WaitStarted")
    for arn in (running, waiting):
        function.wait_for(arn, "InvocationCompleted")
    own_cloud.restart(kill=True)
    own_cloud.clock.advance("2h")
    for arn in (running, waiting):
        assert json.loads(function.ended(arn)["Result"]) == ["kept", "done"]
    # What was checkpointed before the kill was not done again.
    names = [event["Name"] for event in function.history(running) if event["EventType"] == "StepSucceeded"]
    assert names == ["first", "second"]


LONG = """
    @durable_execution
    def handler(event, context: DurableContext):
        before = context.step(lambda _: event["n"], name="before")
        plain = context.invoke(event["plain"], before, name="plain")
        child = context.invoke(event["child"], {"n": before}, name="child")
        both = context.parallel([lambda c: c.step(lambda _: 1, name="one"), lambda c: c.step(lambda _: 2, name="two")], name="both")
        answer = context.create_callback(name="answer").result()
        context.wait(Duration.from_seconds(1))
        return [before, plain["got"], child["sum"], both.get_results(), answer]
    """


def test_nothing_is_lost_or_done_twice_by_many_kills(own_cloud):
    plain = deploy(own_cloud, PLAIN, name="plain")
    child = make_durable(own_cloud, STEPS)
    function = make_durable(own_cloud, LONG, statements=(LOGS, CHECKPOINTS, INVOKE))
    arns = [function.start({"n": n, "plain": plain.name, "child": f"{child.name}:$LATEST"}, name=f"run-{n}") for n in range(3)]
    answered = set()

    def answer_and_count():
        """Answers the callbacks that wait; how many executions have not ended."""
        running = 0
        for arn in arns:
            if function.get(arn)["Status"] != "RUNNING":
                continue
            running += 1
            for event in function.history(arn):
                if event["EventType"] == "CallbackStarted" and arn not in answered:
                    function.client.send_durable_execution_callback_success(
                        CallbackId=event["CallbackStartedDetails"]["CallbackId"], Result=b"yes")
                    answered.add(arn)
        return running
    for kill in range(3):
        # So far that each kill finds something else under way.
        wait_until(lambda: sum(len(function.history(arn)) for arn in arns) >= 8 * (kill + 1), "some progress", 60)
        answer_and_count()
        own_cloud.restart(kill=True)
    wait_until(lambda: answer_and_count() == 0, "all have ended", 120)
    for n, arn in enumerate(arns):
        assert json.loads(function.ended(arn)["Result"]) == [n, n, 2 * (n + 1), [1, 2], "yes"]
        succeeded = [event["Name"] for event in function.history(arn) if event["EventType"] == "StepSucceeded"]
        assert sorted(succeeded) == ["before", "one", "two"]


def test_an_execution_stays_with_its_version(cloud):
    source = """
        @durable_execution
        def handler(event, context: DurableContext):
            context.create_callback(name="go").result()
            return "VERSION"
        """
    function = make_durable(cloud, source.replace("VERSION", "one"))
    lambdas = function.client
    lambdas.create_alias(FunctionName=function.name, Name="live", FunctionVersion=lambdas.publish_version(FunctionName=function.name)["Version"])
    arn = function.start({}, qualifier="live")
    assert arn.startswith(function.arn + ":1/durable-execution/") and function.get(arn)["Version"] == "1"
    callback = callback_of(function, arn)
    function.update_code(durable_package(source.replace("VERSION", "two")))
    lambdas.update_alias(FunctionName=function.name, Name="live", FunctionVersion=lambdas.publish_version(FunctionName=function.name)["Version"])
    lambdas.send_durable_execution_callback_success(CallbackId=callback)
    assert function.ended(arn)["Result"] == '"one"'
    again = function.start({}, qualifier="live")
    lambdas.send_durable_execution_callback_success(CallbackId=callback_of(function, again))
    assert function.ended(again)["Result"] == '"two"'


def test_a_throttled_function_goes_on_when_it_may(timed_cloud):
    timed_cloud.clock.freeze()
    function = make_durable(timed_cloud, STEPS, execution_timeout=600)
    function.client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    throttled = refusal(function.call)
    assert throttled["Code"] == "TooManyRequestsException"
    arn = function.start({"n": 1})
    timed_cloud.clock.advance("1m")
    assert function.get(arn)["Status"] == "RUNNING"
    function.client.delete_function_concurrency(FunctionName=function.name)
    timed_cloud.clock.advance("5m")
    function.wait_for(arn, "WaitStarted")
    function.wait_for(arn, "InvocationCompleted")
    timed_cloud.clock.advance("1s")
    assert json.loads(function.ended(arn)["Result"]) == {"sum": 4}


def test_the_arn_may_stand_in_the_path_as_it_is(cloud):
    function = make_durable(cloud, STEPS)
    arn = function.call({"n": 1})["DurableExecutionArn"]
    for path in (arn, urllib.parse.quote(arn, safe="")):
        status, body = cloud.signed("lambda", {"Content-Type": "application/json"}, b"{}", path=f"/2025-12-01/durable-executions/{path}/stop")
        assert status == 200 and "StopTimestamp" in json.loads(body)


EXITING = """
    import os
    @durable_execution
    def handler(event, context: DurableContext):
        context.step(lambda _: 1, name="before")
        os._exit(3)
    """


def test_an_invocation_that_crashes_is_tried_again_and_then_given_up(timed_cloud):
    timed_cloud.clock.freeze()
    function = make_durable(timed_cloud, EXITING)
    arn = function.start({})
    for time in range(1, 5):
        function.wait_for(arn, "InvocationCompleted", time)
        assert function.get(arn)["Status"] == "RUNNING"
        timed_cloud.clock.advance("2m")
    failed = function.ended(arn, "FAILED")
    assert failed["Error"]["ErrorType"] == "Runtime.ExitError"
    completed = [event for event in function.history(arn) if event["EventType"] == "InvocationCompleted"]
    assert len(completed) == 5
    assert all(event["InvocationCompletedDetails"]["Error"]["Payload"]["ErrorType"] == "Runtime.ExitError" for event in completed)


def test_what_a_durable_function_cannot_do_is_refused(cloud):
    function = make_durable(cloud, STEPS, execution_timeout=901)
    plain = deploy(cloud, PLAIN, name=f"plain-{uuid.uuid4().hex[:8]}")
    invoke = function.client.invoke
    unqualified = "You cannot invoke a durable function using an unqualified ARN."
    for kind in ("RequestResponse", "Event", "DryRun"):
        assert refusal(invoke, FunctionName=function.name, InvocationType=kind) == {
            "Code": "InvalidParameterValueException", "Message": unqualified}
    assert refusal(invoke, FunctionName=function.name, Qualifier="$LATEST")["Message"] == (
        "You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.")
    assert refusal(invoke, FunctionName=plain.name, DurableExecutionName="x")["Code"] == "InvalidParameterValueException"
    assert refusal(invoke, FunctionName=function.name, Qualifier="$LATEST", DurableExecutionName="a b")["Code"] == "ValidationException"
    change = function.client.update_function_configuration
    assert refusal(change, FunctionName=plain.name, DurableConfig={"ExecutionTimeout": 60})["Message"] == (
        "You cannot add a durable configuration to a function that was originally created with no durable configuration")
    assert refusal(change, FunctionName=function.name, LoggingConfig={"LogFormat": "Text"})["Message"] == (
        "You cannot use plain text logs with a durable function. Only JSON format logs are supported")
    make = function.client.create_function
    base = {"Runtime": "python3.13", "Handler": "index.handler", "Code": {"ZipFile": durable_package(STEPS)},
            "Role": f"arn:aws:iam::{cloud.account}:role/{function.name}-role", "FunctionName": "other"}
    assert refusal(make, **base, DurableConfig={"RetentionPeriodInDays": 7})["Message"] == (
        "You cannot create a function with a durable configuration without an executionTimeout")
    assert refusal(make, **base, DurableConfig={"ExecutionTimeout": 60, "RetentionPeriodInDays": 91})["Code"] == "ValidationException"
    assert refusal(function.client.get_durable_execution, DurableExecutionArn=function.arn)["Code"] == "ValidationException"


def test_a_token_is_good_for_one_checkpoint_of_one_execution(cloud):
    function = make_durable(cloud, """
        import boto3
        client = boto3.client("lambda")
        def refused(**options):
            try:
                client.checkpoint_durable_execution(**options)
            except Exception as error:
                return error.response["Error"]["Message"]
        def handler(event, context):
            arn, token = event["DurableExecutionArn"], event["CheckpointToken"]
            update = {"Id": "w", "Type": "WAIT", "Action": "START", "WaitOptions": {"WaitSeconds": 9}}
            answer = client.checkpoint_durable_execution(DurableExecutionArn=arn, CheckpointToken=token, Updates=[update], ClientToken="one")
            again = client.checkpoint_durable_execution(DurableExecutionArn=arn, CheckpointToken=token, Updates=[update], ClientToken="one")
            state = client.get_durable_execution_state(DurableExecutionArn=arn, CheckpointToken=answer["CheckpointToken"])
            result = {
                "same": again["CheckpointToken"] == answer["CheckpointToken"],
                "operations": [operation["Id"] for operation in state["Operations"]][1:],
                "stale": refused(DurableExecutionArn=arn, CheckpointToken=token, Updates=[]),
                "twice": refused(DurableExecutionArn=arn, CheckpointToken=answer["CheckpointToken"], Updates=[update]),
                "other": refused(DurableExecutionArn=arn[:-4] + "0000", CheckpointToken=answer["CheckpointToken"], Updates=[]),
            }
            return {"Status": "SUCCEEDED", "Result": json.dumps(result)}
        """)
    assert json.loads(function.call({})["Payload"]) == {
        "same": True, "operations": ["w"], "stale": "Invalid checkpoint token", "twice": "Cannot start a WAIT that already exist.",
        "other": "Checkpoint token is not valid for the durable execution ARN"}


@pytest.mark.parametrize("answer, message", [
    ('"text"', "Invalid Status in invocation output."),
    ({"Status": "DONE"}, "Invalid Status in invocation output."),
    ({"Status": "SUCCEEDED", "Error": {}}, "Cannot provide an Error for SUCCEEDED status."),
    ({"Status": "FAILED", "Result": "1"}, "Cannot provide a Result for FAILED status."),
])
def test_an_answer_that_breaks_the_contract_fails_the_execution(cloud, answer, message):
    function = make_durable(cloud, f"""
        def handler(event, context):
            return {answer!r}
        """)
    body = json.loads(function.call({})["Payload"])
    assert body == {"errorMessage": message, "errorType": "InvalidParameterValueException"}


def test_a_deleted_function_takes_its_executions_with_it(cloud):
    function = make_durable(cloud, STEPS)
    arn = function.start({"n": 1, "wait": 2})
    function.wait_for(arn, "InvocationCompleted")
    function.client.delete_function(FunctionName=function.name)
    failed = function.ended(arn, "FAILED")
    assert failed["Error"]["ErrorType"] == "ResourceNotFoundException"


def test_destinations_are_told_of_the_end_and_may_be_durable_themselves(cloud):
    queue, queue_arn = make_queue(cloud, f"told-{uuid.uuid4().hex[:8]}")
    rights = (LOGS, CHECKPOINTS, INVOKE, {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
    function = make_durable(cloud, """
        @durable_execution
        def handler(event, context: DurableContext):
            if event == "fail":
                raise ValueError("told to fail")
            return {"got": event}
        """, statements=rights)
    version = function.client.publish_version(FunctionName=function.name)["Version"]
    follower = f"{function.arn}:{version}"
    function.client.put_function_event_invoke_config(
        FunctionName=function.name, Qualifier=version, DestinationConfig={
            "OnSuccess": {"Destination": queue_arn}, "OnFailure": {"Destination": queue_arn}})
    records = []

    def told(number):
        def look():
            records.extend(json.loads(message["Body"]) for message in receive_all(cloud.client("sqs"), queue))
            return len(records) >= number
        wait_until(look, f"{number} records", 30)
    function.start("hello", qualifier=version)
    told(1)
    assert records[0]["requestContext"]["condition"] == "Success" and records[0]["responsePayload"] == {"got": "hello"}
    assert records[0]["requestContext"]["functionArn"] == follower and records[0]["requestPayload"] == "hello"
    function.start("fail", qualifier=version)
    told(2)
    assert records[1]["requestContext"]["condition"] == "RetriesExhausted"
    assert records[1]["responsePayload"] == {"errorMessage": "told to fail", "errorType": "ValueError"}
    plain = deploy(cloud, PLAIN, name=f"plain-{uuid.uuid4().hex[:8]}", role=make_role(cloud, "chooser", *rights))
    plain.client.put_function_event_invoke_config(
        FunctionName=plain.name, DestinationConfig={"OnSuccess": {"Destination": follower}})
    plain.send("first")
    told(3)
    assert records[2]["responsePayload"]["got"]["responsePayload"] == {"got": "first"}


def test_messages_of_a_queue_become_executions(cloud):
    queue, queue_arn = make_queue(cloud, f"work-{uuid.uuid4().hex[:8]}", VisibilityTimeout=60)
    function = make_durable(
        cloud, """
        @durable_execution
        def handler(event, context: DurableContext):
            return context.step(lambda _: event["Records"][0]["body"], name="read")
        """, statements=(LOGS, CHECKPOINTS, {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}))
    make = function.client.create_event_source_mapping
    assert refusal(make, EventSourceArn=queue_arn, FunctionName=function.name)["Message"] == (
        "You cannot invoke a durable function using an unqualified ARN.")
    version = function.client.publish_version(FunctionName=function.name)["Version"]
    make(EventSourceArn=queue_arn, FunctionName=f"{function.name}:{version}")
    cloud.client("sqs").send_message(QueueUrl=queue, MessageBody="hello")

    def ended():
        found = function.client.list_durable_executions_by_function(FunctionName=function.name, Statuses=["SUCCEEDED"])
        return found["DurableExecutions"]
    arn = wait_until(ended, "an execution", 30)[0]["DurableExecutionArn"]
    assert function.get(arn)["Result"] == '"hello"'
