"""Durable functions: executions as things with names, lists, ends and neighbours."""

import json
import urllib.parse
import uuid

import pytest

from durables import CALLBACKS, CHECKPOINTS, INVOKE, PLAIN, STEPS, callback_of, durable_package, make_durable, refusal
from harness import wait_until
from lambdas import LOGS, deploy, make_queue, make_role, receive_all


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


def test_the_arn_may_stand_in_the_path_as_it_is(cloud):
    function = make_durable(cloud, STEPS)
    arn = function.call({"n": 1})["DurableExecutionArn"]
    for path in (arn, urllib.parse.quote(arn, safe="")):
        status, body = cloud.signed("lambda", {"Content-Type": "application/json"}, b"{}", path=f"/2025-12-01/durable-executions/{path}/stop")
        assert status == 200 and "StopTimestamp" in json.loads(body)


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
