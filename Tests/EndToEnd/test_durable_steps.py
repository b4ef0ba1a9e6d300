"""Durable functions: steps, waits, conditions, concurrency and chains, by the public SDK."""

import json
import uuid

from durables import CHAIN, CHECKPOINTS, INVOKE, PLAIN, RETRIES, STEPS, make_durable
from lambdas import LOGS, deploy


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
