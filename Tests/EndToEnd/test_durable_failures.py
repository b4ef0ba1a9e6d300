"""Durable functions: what goes wrong, is tried again, refused or outlived."""

import json
import uuid

import pytest

from durables import CHAIN, CHECKPOINTS, INVOKE, PLAIN, RETRIES, STEPS, durable_package, make_durable, refusal
from harness import wait_until
from lambdas import LOGS, deploy, make_queue, receive_all


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
