"""Destinations of asynchronous invocations, limits of rate and concurrency, and recursive loops."""

import datetime
import json
import re
import time

import pytest

from harness import wait_until
from lambdas import ECHO, LOGS, QUEUES, deploy, make_queue, make_role, policy

INVOKE = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}
FAILING = """
    def handler(event, context):
        if event.get("fail"):
            raise ValueError("told to fail")
        return {"done": event}
    """


@pytest.fixture
def frozen(timed_cloud):
    timed_cloud.clock.freeze()
    return timed_cloud


def record(cloud, url):
    def look():
        return cloud.client("sqs").receive_message(QueueUrl=url, AttributeNames=["All"]).get("Messages")
    message = wait_until(look, "the record", limit=60)[0]
    return json.loads(message["Body"]), message


def test_success_and_failure_go_to_their_queues(frozen):
    good_url, good = make_queue(frozen, "good")
    bad_url, bad = make_queue(frozen, "bad")
    function = deploy(frozen, FAILING)
    answer = function.client.put_function_event_invoke_config(
        FunctionName="worker", DestinationConfig={"OnSuccess": {"Destination": good}, "OnFailure": {"Destination": bad}})
    assert answer["DestinationConfig"] == {"OnSuccess": {"Destination": good}, "OnFailure": {"Destination": bad}}
    request = function.send({"n": 1})
    body, message = record(frozen, good_url)
    assert "AWSTraceHeader" in message["Attributes"]
    assert body.pop("timestamp").endswith("Z")
    assert body == {
        "version": "1.0",
        "requestContext": {
            "requestId": request, "functionArn": function.arn + ":$LATEST", "condition": "Success", "approximateInvokeCount": 1},
        "requestPayload": {"n": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"done": {"n": 1}},
    }
    request = function.send({"fail": True})
    for attempt, step in ((1, "1m"), (2, "2m"), (3, "1s")):
        wait_until(lambda: len(function.log("told to fail")) == attempt, f"attempt {attempt}")
        wait_until(lambda: len(function.log("REPORT")) == attempt + 1, f"the end of attempt {attempt}")
        frozen.clock.advance(step)
    body, _ = record(frozen, bad_url)
    assert body["requestContext"]["requestId"] == request
    assert body["requestContext"]["condition"] == "RetriesExhausted"
    assert body["requestContext"]["approximateInvokeCount"] == 3
    assert body["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert body["responsePayload"]["errorMessage"] == "told to fail"


def test_an_event_that_never_ran_has_no_response(cloud):
    url, arn = make_queue(cloud, "bad")
    function = deploy(cloud, ECHO)
    function.client.put_function_event_invoke_config(
        FunctionName="worker", DestinationConfig={"OnFailure": {"Destination": arn}})
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=0)
    function.send({"n": 1})
    body, _ = record(cloud, url)
    assert body["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert body["requestContext"]["approximateInvokeCount"] == 0
    assert "responseContext" not in body and "responsePayload" not in body


def test_a_function_is_a_destination_and_gets_the_record(cloud, refused):
    url, arn = make_queue(cloud, "results")
    role = make_role(cloud, "chain", LOGS, QUEUES, INVOKE)
    target = deploy(cloud, """
        import boto3, json, os
        def handler(event, context):
            boto3.client("sqs").send_message(QueueUrl=os.environ["RESULTS"], MessageBody=json.dumps(event))
        """, name="target", role=role, Environment={"Variables": {"RESULTS": url}})
    function = deploy(cloud, ECHO, role=role)
    with refused("InvalidParameterValueException", 400) as error:
        function.client.put_function_event_invoke_config(
            FunctionName="worker", DestinationConfig={"OnSuccess": {"Destination": function.arn}})
    assert error.message == "You can't specify the function as a destination for itself."
    function.client.put_function_event_invoke_config(
        FunctionName="worker", DestinationConfig={"OnSuccess": {"Destination": target.arn}})
    function.send({"n": 7})
    body, _ = record(cloud, url)
    assert body["requestPayload"] == {"n": 7} and body["responsePayload"] == {"n": 7}


def test_the_role_must_be_allowed_to_reach_the_destination(cloud, refused):
    _, arn = make_queue(cloud, "bad")
    function = deploy(cloud, ECHO, role=make_role(cloud, "poor", LOGS))
    with refused("InvalidParameterValueException", 400) as error:
        function.client.put_function_event_invoke_config(
            FunctionName="worker", DestinationConfig={"OnFailure": {"Destination": arn}})
    assert error.message == f"The function's execution role does not have permissions to call SendMessage on {arn}"


def test_failures_are_kept_in_a_bucket(cloud, s3, bucket, refused):
    arn = f"arn:aws:s3:::{bucket}"
    poor = make_role(cloud, "poor", LOGS, {"Effect": "Allow", "Action": "s3:PutObject", "Resource": arn + "/*"})
    function = deploy(cloud, ECHO, role=poor)
    config = {"FunctionName": "worker", "DestinationConfig": {"OnFailure": {"Destination": arn}}}
    with refused("InvalidParameterValueException", 400, containing="does not have permissions"):
        function.client.put_function_event_invoke_config(**config)
    cloud.client("iam").put_role_policy(RoleName="poor", PolicyName="own", PolicyDocument=policy(
        LOGS, {"Effect": "Allow", "Action": "s3:PutObject", "Resource": arn + "/aws/lambda/async/worker/*"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn}))
    for wrong in ({"OnSuccess": {"Destination": arn}}, {"OnFailure": {"Destination": arn + "-none"}}):
        with refused("InvalidParameterValueException", 400):
            function.client.put_function_event_invoke_config(FunctionName="worker", DestinationConfig=wrong)
    function.client.put_function_event_invoke_config(**config)
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=0)
    request = function.send({"n": 1})
    found = wait_until(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"), "the record")
    assert re.fullmatch(
        r"aws/lambda/async/worker/\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}", found[0]["Key"])
    body = json.loads(s3.get_object(Bucket=bucket, Key=found[0]["Key"])["Body"].read())
    assert body["requestContext"]["requestId"] == request and body["requestPayload"] == {"n": 1}


def test_a_function_with_one_execution_takes_ten_requests_a_second(cloud, refused):
    function = deploy(cloud, ECHO)
    function.invoke()
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=1)
    with refused("TooManyRequestsException", 429) as error:
        began = time.monotonic()
        for _ in range(100):
            function.client.invoke(FunctionName="worker")
        if time.monotonic() - began > 8:
            pytest.skip("this host is too busy for more than ten requests a second")
    assert error.message == "Rate Exceeded."
    assert error.response["Reason"] == "ReservedFunctionInvocationRateLimitExceeded"
    assert error.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"


def test_reserved_concurrency_leaves_a_hundred_executions_to_others(cloud, refused):
    function = deploy(cloud, ECHO)
    with refused("InvalidParameterValueException", 400) as error:
        function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=901)
    assert error.message == (
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
        "minimum value of [100].")
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=900)
    settings = function.client.get_account_settings()
    assert settings["AccountLimit"]["UnreservedConcurrentExecutions"] == 100
    assert settings["AccountUsage"]["FunctionCount"] == 1
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=0)
    with refused("TooManyRequestsException", 429) as error:
        function.invoke()
    assert error.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


LOOP = """
    import boto3, json
    def handler(event, context):
        boto3.client("lambda").invoke(FunctionName="worker", InvocationType="Event", Payload=json.dumps({"n": event["n"] + 1}))
        print("turn", event["n"])
    """


def test_a_recursive_loop_is_stopped_and_its_event_becomes_a_dead_letter(cloud):
    url, arn = make_queue(cloud, "dead")
    function = deploy(cloud, LOOP, role=make_role(cloud, "loop", LOGS, QUEUES, INVOKE), DeadLetterConfig={"TargetArn": arn})
    assert function.client.get_function_recursion_config(FunctionName="worker")["RecursiveLoop"] == "Terminate"
    function.send({"n": 1})
    letter = wait_until(
        lambda: cloud.client("sqs").receive_message(QueueUrl=url).get("Messages"), "the dead letter", limit=60)[0]
    assert json.loads(letter["Body"]) == {"n": 17}


ROUND = """
    import boto3, json, os
    def handler(event, context):
        for record in event["Records"]:
            n = json.loads(record["body"])["n"]
            print("turn", n)
            if n < 30:
                boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps({"n": n + 1}))
    """


@pytest.mark.parametrize("mode, last", [("Terminate", 16), ("Allow", 30)])
def test_a_function_that_feeds_its_own_queue_is_stopped(frozen, mode, last):
    dead_url, dead = make_queue(frozen, "dead")
    url, arn = make_queue(
        frozen, VisibilityTimeout=30, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 1}))
    function = deploy(frozen, ROUND, Environment={"Variables": {"QUEUE": url}})
    function.client.put_function_recursion_config(FunctionName="worker", RecursiveLoop=mode)
    function.client.create_event_source_mapping(FunctionName="worker", EventSourceArn=arn)
    frozen.client("sqs").send_message(QueueUrl=url, MessageBody='{"n": 1}')
    wait_until(lambda: len(function.log("turn")) == last, "the last turn", limit=60)
    here = datetime.datetime.fromtimestamp(frozen.clock.now_ms() / 1000, datetime.timezone.utc)
    hour = datetime.timedelta(hours=1)

    def dropped():
        return [point["Sum"] for point in frozen.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda", MetricName="RecursiveInvocationsDropped", Period=7200, Statistics=["Sum"], StartTime=here - hour,
            EndTime=here + hour, Dimensions=[{"Name": "FunctionName", "Value": "worker"}])["Datapoints"]]
    if mode == "Terminate":
        wait_until(lambda: dropped() == [1], "the message that was not handed over")
        frozen.clock.advance("31s")
        letter = wait_until(lambda: frozen.client("sqs").receive_message(QueueUrl=dead_url).get("Messages"), "the dead letter")[0]
        assert json.loads(letter["Body"]) == {"n": 17}
    else:
        assert dropped() == []
    assert len(function.log("turn")) == last


def test_the_old_asynchronous_call_works(cloud):
    function = deploy(cloud, 'def handler(event, context):\n    print("got", event)\n')
    answer = function.client.invoke_async(FunctionName="worker", InvokeArgs=b'{"n": 1}')
    assert answer["Status"] == 202
    wait_until(lambda: function.log("got {'n': 1}"), "the event has run")


def test_a_dry_run_checks_and_runs_nothing(cloud, refused):
    function = deploy(cloud, 'def handler(event, context):\n    print("ran")\n')
    assert function.client.invoke(FunctionName="worker", InvocationType="DryRun")["StatusCode"] == 204
    with refused("ResourceNotFoundException", 404):
        function.client.invoke(FunctionName="nobody", InvocationType="DryRun")
    function.invoke()
    wait_until(lambda: function.log("REPORT"), "the log")
    assert len(function.log("ran")) == 1


def test_what_tools_ask_for_is_answered(cloud, refused):
    client = deploy(cloud, ECHO).client
    assert client.list_code_signing_configs()["CodeSigningConfigs"] == []
    assert client.get_runtime_management_config(FunctionName="worker")["UpdateRuntimeOn"] == "Auto"
    with refused("InvalidParameterValueException", 400, containing="not supported by Dewpoint"):
        client.put_runtime_management_config(FunctionName="worker", UpdateRuntimeOn="FunctionUpdate")


def test_an_event_that_grew_too_old_keeps_its_last_answer(frozen):
    url, arn = make_queue(frozen, "bad")
    function = deploy(frozen, FAILING)
    function.client.put_function_event_invoke_config(
        FunctionName="worker", MaximumEventAgeInSeconds=60, DestinationConfig={"OnFailure": {"Destination": arn}})
    function.send({"fail": True})
    wait_until(lambda: len(function.log("REPORT")) == 1, "the first attempt")
    frozen.clock.advance("1m")
    body, _ = record(frozen, url)
    assert body["requestContext"]["condition"] == "EventAgeExceeded"
    assert body["requestContext"]["approximateInvokeCount"] == 2
    assert body["responsePayload"]["errorMessage"] == "told to fail"


def test_a_record_outlives_a_kill(own_cloud):
    """The function that is the destination cannot run yet; the record waits for it in the queue."""
    url, arn = make_queue(own_cloud, "results")
    role = make_role(own_cloud, "chain", LOGS, QUEUES, INVOKE)
    target = deploy(own_cloud, """
        import boto3, json, os
        def handler(event, context):
            boto3.client("sqs").send_message(QueueUrl=os.environ["RESULTS"], MessageBody=json.dumps(event))
        """, name="target", role=role, Environment={"Variables": {"RESULTS": url}})
    function = deploy(own_cloud, ECHO, role=role)
    function.client.put_function_event_invoke_config(
        FunctionName="worker", DestinationConfig={"OnSuccess": {"Destination": target.arn}})
    function.send({"n": 1})
    wait_until(lambda: function.log("REPORT"), "the function has run")
    own_cloud.restart()
    body, _ = record(own_cloud, url)
    assert body["requestPayload"] == {"n": 1}


def lineage_name(arn):
    """As the trace header names a function: FNV-1a of its ARN."""
    value = 2166136261
    for byte in arn.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return f"{value:08x}"


@pytest.mark.parametrize("mode, runs", [("Terminate", False), ("Allow", True)])
def test_a_message_that_came_round_too_often_becomes_a_dead_letter(cloud, mode, runs):
    sqs = cloud.client("sqs")
    dead_url, dead = make_queue(cloud, "dead")
    url, arn = make_queue(
        cloud, VisibilityTimeout=1, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 1}))
    function = deploy(cloud, ECHO, Timeout=1)
    function.client.put_function_recursion_config(FunctionName="worker", RecursiveLoop=mode)
    trace = f"Root=1-5759e988-bd862e3fe1be46a994272793;Lineage={lineage_name(function.arn)}:16"
    sqs.send_message(QueueUrl=url, MessageBody="again", MessageSystemAttributes={
        "AWSTraceHeader": {"StringValue": trace, "DataType": "String"}})
    function.client.create_event_source_mapping(FunctionName="worker", EventSourceArn=arn)
    if runs:
        wait_until(lambda: function.log("REPORT"), "it has run")
    else:
        letter = wait_until(lambda: sqs.receive_message(QueueUrl=dead_url).get("Messages"), "the dead letter", limit=30)
        assert letter[0]["Body"] == "again" and function.log() == []
