"""Corners of Lambda that those who know AWS look into first; each stands in its developer guide or was seen in its answers."""

import base64
import json
import re

import botocore.exceptions
import pytest

from harness import wait_until
from lambdas import ECHO, deploy, make_queue, python

ENVIRONMENT = """
    import json, os, pwd, resource
    def handler(event, context):
        return {
            "environment": dict(os.environ), "user": pwd.getpwuid(os.getuid()).pw_name, "cwd": os.getcwd(),
            "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            "writable": os.access("/var/task", os.W_OK)}
    """


def test_a_runtime_sees_the_world_of_lambda(cloud):
    function = deploy(cloud, ENVIRONMENT, MemorySize=512)
    value = function.invoke().value
    seen = value["environment"]
    expected = {
        "TZ": ":UTC", "LANG": "en_US.UTF-8", "LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime", "_HANDLER": "index.handler",
        "AWS_LAMBDA_FUNCTION_NAME": "worker", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/worker", "PWD": "/var/task", "SHLVL": "0"}
    assert {name: seen.get(name) for name in expected} == expected
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", seen["AWS_LAMBDA_LOG_STREAM_NAME"])
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};.*", seen["_X_AMZN_TRACE_ID"])
    assert seen["PATH"].endswith("/opt/bin") and ":/opt/lib" in seen["LD_LIBRARY_PATH"]
    assert (value["user"], value["cwd"], value["files"], value["writable"]) == (
        "sbx_user1051", "/var/task", 1024, False)


@pytest.mark.parametrize("name", [
    "AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "AWS_SECRET_ACCESS_KEY", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_RUNTIME_API"])
def test_reserved_variables_are_refused(cloud, refused, name):
    with refused("InvalidParameterValueException", 400, containing=name):
        deploy(cloud, ECHO, Environment={"Variables": {name: "x"}})


def test_variables_over_four_kilobytes_are_refused(cloud, refused):
    with refused("InvalidParameterValueException", 400) as error:
        deploy(cloud, ECHO, Environment={"Variables": {"LONG": "x" * 4096}})
    assert error.message.startswith(
        "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded "
        'the 4KB limit. String measured: {"LONG":"xxx')


def test_names_of_other_places_are_told_apart(cloud, refused):
    function = deploy(cloud, ECHO)
    elsewhere = function.arn.replace("us-east-1", "eu-west-1")
    with refused("ResourceNotFoundException", 404) as error:
        function.client.invoke(FunctionName=elsewhere)
    assert error.message == "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
    with refused("InvalidParameterValueException", 400) as error:
        function.client.invoke(FunctionName=f"{function.arn}:1", Qualifier="2")
    assert error.message == "The derived qualifier from the function name does not match the specified qualifier."
    with refused("ResourceNotFoundException", 404) as error:
        function.client.invoke(FunctionName="nobody")
    assert error.message == f"Function not found: {function.arn.replace('worker', 'nobody')}:$LATEST"
    with refused("ResourceNotFoundException", 404) as error:
        function.client.get_function(FunctionName="nobody")
    assert error.message == f"Function not found: {function.arn.replace('worker', 'nobody')}"


def test_the_client_context_is_for_synchronous_calls_and_has_a_limit(cloud, refused):
    function = deploy(cloud, """
        def handler(event, context):
            print("context", context.client_context and context.client_context.custom)
            return context.client_context and context.client_context.custom
        """)

    def context(size):
        return base64.b64encode(json.dumps({"custom": {"a": "x" * size}}).encode()).decode()
    assert function.invoke(ClientContext=context(2000)).value == {"a": "x" * 2000}
    with pytest.raises(botocore.exceptions.ClientError) as error:
        function.client.invoke(FunctionName="worker", ClientContext=context(2800))
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    function.client.invoke(FunctionName="worker", InvocationType="Event", ClientContext=context(10))
    wait_until(lambda: function.log("context None"), "the event has no context")


def test_an_asynchronous_call_has_no_log_and_no_body(cloud):
    function = deploy(cloud, ECHO)
    answer = function.client.invoke(FunctionName="worker", InvocationType="Event", LogType="Tail", Payload=b"1")
    assert answer["StatusCode"] == 202 and "LogResult" not in answer and answer["Payload"].read() == b""
    assert "ExecutedVersion" not in answer and "FunctionError" not in answer


def test_all_attempts_of_an_event_have_one_request_id(timed_cloud):
    timed_cloud.clock.freeze()
    function = deploy(timed_cloud, """
        def handler(event, context):
            print("attempt", context.aws_request_id)
            raise RuntimeError("no")
        """)
    answer = function.client.invoke(FunctionName="worker", InvocationType="Event")
    request = answer["ResponseMetadata"]["RequestId"]
    for count, pause in ((1, "1m"), (2, "2m"), (3, "6h")):
        wait_until(lambda: len(function.log("attempt")) == count, f"attempt {count}")
        timed_cloud.clock.advance(pause)
    assert [text.split()[1] for _, text in function.log("attempt")] == [request] * 3


def test_a_version_without_a_change_is_the_last_one(cloud):
    function = deploy(cloud, ECHO)
    client = function.client
    assert client.publish_version(FunctionName="worker")["Version"] == "1"
    assert client.publish_version(FunctionName="worker")["Version"] == "1"
    function.configure(Description="changed")
    assert client.publish_version(FunctionName="worker")["Version"] == "2"
    client.delete_function(FunctionName="worker", Qualifier="2")
    function.configure(Description="once more")
    # A number is never used again.
    assert client.publish_version(FunctionName="worker")["Version"] == "3"


def test_event_invoke_settings_that_make_no_sense_are_refused(cloud, refused):
    function = deploy(cloud, ECHO)
    client = function.client
    for options, words in (
            ({}, "You must specify at least one of error handling or destination setting."),
            ({"DestinationConfig": {"OnFailure": {"Destination": function.arn}}}, "You can't specify the function as a destination for itself.")):
        with refused("InvalidParameterValueException", 400) as error:
            client.put_function_event_invoke_config(FunctionName="worker", **options)
        assert error.message == words
    with refused("ResourceNotFoundException", 404) as error:
        client.get_function_event_invoke_config(FunctionName="worker")
    assert error.message == f"The function {function.arn}:$LATEST doesn't have an EventInvokeConfig"


def test_a_throttled_call_says_why_and_when_to_come_again(cloud, refused):
    function = deploy(cloud, ECHO)
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=0)
    with refused("TooManyRequestsException", 429) as error:
        function.client.invoke(FunctionName="worker")
    assert error.message == "Rate Exceeded."
    assert error.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded" and error.response["Type"] == "User"


@pytest.mark.parametrize("answer", [
    {"batchItemFailures": [{"itemIdentifier": ""}]}, {"batchItemFailures": [{"itemIdentifier": None}]},
    {"batchItemFailures": [{"item": "x"}]}, {"batchItemFailures": [{"itemIdentifier": "nobody"}]}, {"batchItemFailures": "x"},
], ids=["empty", "null", "wrong-key", "unknown", "no-list"])
def test_a_partial_answer_that_is_wrong_fails_the_whole_batch(timed_cloud, answer):
    url, arn = make_queue(timed_cloud, VisibilityTimeout=30)
    function = deploy(timed_cloud, python(f"import json\ndef handler(event, context):\n    print('batch', len(event['Records']))\n    return json.loads({json.dumps(answer)!r})\n"))
    function.client.create_event_source_mapping(
        FunctionName="worker", EventSourceArn=arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    sqs = timed_cloud.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="a")
    wait_until(lambda: function.log("batch"), "the batch")

    def in_flight():
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]) == ("0", "1")
    wait_until(lambda: function.log("REPORT"), "the batch has been answered")
    assert in_flight()
    timed_cloud.clock.advance("31s")
    wait_until(lambda: len(function.log("batch")) >= 2, "it comes back")
