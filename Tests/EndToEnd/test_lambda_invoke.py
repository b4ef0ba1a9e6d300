"""Invocations: what comes back, how functions fail, and what an execution environment keeps and loses."""

import base64
import json
import re
import threading
import time

import pytest

from harness import wait_until
from lambdas import ECHO, deploy, python


def lines_of(answer):
    return answer.log.splitlines()


# What comes back


def test_the_answer_comes_with_the_log_in_order(cloud):
    function = deploy(cloud, """
        print("while loading")
        def handler(event, context):
            print("first")
            print("second\\nand third")
            return {"sum": event["a"] + event["b"], "id": context.aws_request_id}
        """)
    answer = function.invoke({"a": 1, "b": 2})
    assert answer.status == 200 and answer.version == "$LATEST"
    assert answer.value == {"sum": 3, "id": answer.request_id}
    lines = lines_of(answer)
    assert lines[0] == f"START RequestId: {answer.request_id} Version: $LATEST"
    assert lines[1:4] == ["first", "second", "and third"]
    assert lines[4] == f"END RequestId: {answer.request_id}"
    assert re.fullmatch(
        rf"REPORT RequestId: {answer.request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 1769 MB"
        r"\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t", lines[5]), lines[5]
    assert len(lines) == 6
    warm = function.invoke({"a": 1, "b": 2})
    assert "Init Duration" not in warm.log and warm.log.startswith("START")


def test_only_the_last_four_kilobytes_of_the_log_come_back(cloud):
    function = deploy(cloud, "def handler(event, context):\n    for i in range(2000):\n        print('line', i)\n")
    log = function.invoke().log
    assert 3500 < len(log) <= 4096
    assert "line 1999\nEND RequestId" in log and "line 100\n" not in log


def test_no_log_comes_unasked_and_a_dry_run_does_not_run(cloud):
    function = deploy(cloud, "def handler(event, context):\n    print('ran')\n")
    dry = function.client.invoke(FunctionName="worker", InvocationType="DryRun")
    assert dry["StatusCode"] == 204 and dry["Payload"].read() == b""
    plain = function.client.invoke(FunctionName="worker")
    assert "LogResult" not in plain and plain["Payload"].read() == b"null"
    wait_until(lambda: function.log("ran"), "the log shows the run")
    assert len(function.log("START RequestId")) == 1


def test_values_of_every_kind_go_in_and_out(cloud):
    function = deploy(cloud, ECHO)
    for value in (None, True, 0, -1.5, "", "grüße \U0001f600 \u2028", [], {}, [{"a": [None]}], {"": {"k": "v" * 100_000}}):
        assert function.invoke(value).value == value
    empty = function.client.invoke(FunctionName="worker")
    assert empty["Payload"].read() == b"{}"


def test_the_function_learns_who_it_is(cloud):
    function = deploy(cloud, """
        import os
        def handler(event, context):
            left = context.get_remaining_time_in_millis()
            custom = context.client_context.custom if context.client_context else None
            return {
                "left": left, "custom": custom, "arn": context.invoked_function_arn, "name": context.function_name,
                "version": context.function_version, "group": context.log_group_name, "stream": context.log_stream_name,
                "environment": dict(os.environ), "cwd": os.getcwd()}
        """, Timeout=7)
    context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    found = function.invoke({}, ClientContext=context).value
    assert 6000 < found["left"] <= 7000
    assert found["custom"] == {"k": "v"}
    assert (found["arn"], found["name"], found["version"]) == (function.arn, "worker", "$LATEST")
    assert found["group"] == "/aws/lambda/worker" and re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", found["stream"])
    environment = found["environment"]
    for name, value in {
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": "worker",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769", "_HANDLER": "index.handler",
        "LAMBDA_TASK_ROOT": "/var/task", "TZ": ":UTC", "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    }.items():
        assert environment.get(name) == value
    assert found["cwd"] == "/var/task"
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}.*", environment["_X_AMZN_TRACE_ID"])


# What is refused before it runs


def test_a_payload_must_be_json(cloud, refused):
    function = deploy(cloud, ECHO)
    for payload in (b"{", b"nope", b'{"a":1}x', b"'single'"):
        with refused("InvalidRequestContentException", 400, containing="Could not parse request body into json: Could not parse payload into json:"):
            function.client.invoke(FunctionName="worker", Payload=payload)


def test_payloads_have_limits(cloud, refused):
    function = deploy(cloud, "def handler(event, context):\n    return len(event)\n")
    assert function.invoke("x" * (6 * 1024 * 1024 - 2)).value == 6 * 1024 * 1024 - 2
    with refused("RequestTooLargeException", 413):
        function.invoke("x" * (6 * 1024 * 1024 + 200))
    function.send("x" * (1024 * 1024 - 2))
    with refused("RequestTooLargeException", 413):
        function.client.invoke(FunctionName="worker", InvocationType="Event", Payload=json.dumps("x" * (1024 * 1024)))


def test_an_unknown_qualifier_is_not_found(cloud, refused):
    function = deploy(cloud, ECHO)
    with refused("ResourceNotFoundException", 404, containing=f"{function.arn}:7"):
        function.client.invoke(FunctionName="worker", Qualifier="7")


# How functions fail


FAILING = """
    import os, time
    def handler(event, context):
        print("before the end")
        kind = event["kind"]
        if kind == "raise":
            raise ValueError("wrong: " + event["text"])
        if kind == "exit":
            os._exit(event["status"])
        if kind == "sleep":
            open("/tmp/kept", "w").write("kept")
            time.sleep(60)
        if kind == "large":
            return "x" * (6 * 1024 * 1024 + 1000)
        if kind == "unserialisable":
            return {1, 2}
        if kind == "tmp":
            return open("/tmp/kept").read() if os.path.exists("/tmp/kept") else None
    """


def test_an_exception_is_an_error_object_with_a_stack(cloud):
    function = deploy(cloud, FAILING)
    answer = function.invoke({"kind": "raise", "text": "grün"})
    assert {k: v for k, v in answer.failure.items() if k != "stackTrace"} == {
        "errorMessage": "wrong: grün", "errorType": "ValueError", "requestId": answer.request_id}
    assert "/var/task/index.py" in answer.failure["stackTrace"][0]
    assert "[ERROR] ValueError: wrong: grün" in answer.log
    assert lines_of(answer)[-2] == f"END RequestId: {answer.request_id}"
    # The environment lives on.
    assert "Init Duration" not in function.invoke({"kind": "none"}).log


def test_an_error_while_loading_has_no_request_id(cloud):
    function = deploy(cloud, "raise RuntimeError('not today')\n")
    failure = function.invoke().failure
    assert (failure["errorType"], failure["errorMessage"], failure["requestId"]) == ("RuntimeError", "not today", "")
    # Each invocation tries again.
    assert function.invoke().failure["errorMessage"] == "not today"


@pytest.mark.parametrize("handler, kind, text", [
    ("index.nobody", "Runtime.HandlerNotFound", "Handler 'nobody' missing on module 'index'"),
    ("nowhere.handler", "Runtime.ImportModuleError", "Unable to import module 'nowhere': No module named 'nowhere'"),
    ("handler", "Runtime.MalformedHandlerName", "Bad handler 'handler'"),
])
def test_a_wrong_handler_is_named(cloud, handler, kind, text):
    failure = deploy(cloud, ECHO, handler=handler).invoke().failure
    assert failure["errorType"] == kind and text in failure["errorMessage"]


@pytest.mark.parametrize("status, text", [
    (0, "Runtime exited without providing a reason"), (3, "Runtime exited with error: exit status 3")])
def test_a_process_that_exits_is_reported_and_replaced(cloud, status, text):
    function = deploy(cloud, FAILING)
    answer = function.invoke({"kind": "exit", "status": status})
    assert answer.failure == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {answer.request_id} Error: {text}"}
    assert "before the end\n" in answer.log and "\tStatus: error\tError Type: Runtime.ExitError" in answer.log
    assert function.invoke({"kind": "none"}).value is None


def test_a_timeout_ends_the_invocation_and_keeps_tmp(cloud):
    function = deploy(cloud, FAILING, Timeout=1)
    began = time.monotonic()
    answer = function.invoke({"kind": "sleep"})
    assert 1.0 <= time.monotonic() - began < 8
    assert answer.failure == {
        "errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {answer.request_id} Error: Task timed out after 1.00 seconds"}
    assert "before the end\n" in answer.log
    assert re.search(r"\tDuration: 1000.00 ms\t.*\tStatus: timeout$", lines_of(answer)[-1])
    assert function.configure(Timeout=20) and function.invoke({"kind": "none"}).value is None


def test_tmp_outlives_a_reset_of_the_environment(cloud):
    function = deploy(cloud, FAILING, Timeout=3)
    assert function.invoke({"kind": "tmp"}).value is None
    assert function.invoke({"kind": "sleep"}).failure["errorType"] == "Sandbox.Timedout"
    assert function.invoke({"kind": "tmp"}).value == "kept"


def test_running_out_of_memory_is_reported(cloud):
    function = deploy(cloud, """
        def handler(event, context):
            if event["eat"]:
                return len(bytearray(b"x") * (400 << 20))
        """, MemorySize=256, Timeout=30)
    answer = function.invoke({"eat": True})
    assert answer.failure["errorType"] == "Runtime.OutOfMemory"
    assert answer.failure["errorMessage"] == f"RequestId: {answer.request_id} Error: Runtime exited with error: signal: killed"
    assert "Max Memory Used: 256 MB" in answer.log and "Error Type: Runtime.OutOfMemory" in answer.log
    assert function.invoke({"eat": False}).value is None


def test_a_response_over_six_megabytes_is_an_error(cloud):
    function = deploy(cloud, FAILING)
    answer = function.invoke({"kind": "large"})
    assert answer.failure == {
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        "errorType": "Function.ResponseSizeTooLarge"}
    assert function.invoke({"kind": "none"}).value is None


def test_a_result_that_is_not_json_is_an_error(cloud):
    failure = deploy(cloud, FAILING).invoke({"kind": "unserialisable"}).failure
    assert failure["errorType"] == "Runtime.MarshalError" and "not JSON serializable" in failure["errorMessage"]


# Environments


COUNTING = """
    import time, uuid
    me, count = str(uuid.uuid4()), 0
    def handler(event, context):
        global count
        count += 1
        began = time.time()
        time.sleep((event or {}).get("sleep", 0))
        return [me, count, began, time.time()]
    """


def test_an_environment_is_used_again(cloud):
    function = deploy(cloud, COUNTING)
    answers = [function.invoke().value for _ in range(5)]
    assert len({me for me, *_ in answers}) == 1
    assert [count for _, count, *_ in answers] == [1, 2, 3, 4, 5]


def test_an_environment_runs_one_invocation_at_a_time(cloud):
    function = deploy(cloud, COUNTING)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(function.invoke({"sleep": 1}).value)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 5
    runs = sorted(answers, key=lambda run: run[2])
    overlapping = [(a, b) for i, a in enumerate(runs) for b in runs[i + 1:] if b[2] < a[3]]
    assert overlapping and all(a[0] != b[0] for a, b in overlapping)


def test_reserved_concurrency_throttles(cloud, refused):
    function = deploy(cloud, COUNTING)
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=0)
    with refused("TooManyRequestsException", 429) as error:
        function.invoke()
    assert error.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded" and error.message == "Rate Exceeded."
    function.client.delete_function_concurrency(FunctionName="worker")
    assert function.invoke().value[1] == 1


def test_an_idle_environment_ends_after_a_while_on_the_clock(own_cloud, clock):
    function = deploy(own_cloud, COUNTING)
    first = function.invoke().value[0]
    assert function.invoke().value[0] == first

    def replaced():
        clock.advance("11m")
        return function.invoke().value[0] != first
    wait_until(replaced, "another environment answers")


def test_output_after_the_answer_belongs_to_the_log_too(cloud):
    function = deploy(cloud, """
        import threading, time
        def late():
            time.sleep(0.2)
            print("late words")
        def handler(event, context):
            if event == "start":
                threading.Thread(target=late).start()
        """)
    function.invoke("start")
    wait_until(lambda: function.invoke().value is None and function.log("late words"), "the late words are in the log")


def test_what_each_environment_writes_has_its_own_stream(cloud):
    function = deploy(cloud, COUNTING)
    function.invoke()
    function.update_code(python(COUNTING))
    function.configure(Description="another revision")
    function.invoke()
    logs = cloud.client("logs")
    streams = wait_until(
        lambda: len(found := logs.describe_log_streams(logGroupName=function.log_group)["logStreams"]) == 2 and found,
        "there are two streams")
    assert all(re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", s["logStreamName"]) for s in streams)
    events = logs.get_log_events(logGroupName=function.log_group, logStreamName=streams[0]["logStreamName"], startFromHead=True)
    assert [e["message"].split(" ")[0] for e in events["events"]] == ["INIT_START", "START", "END", "REPORT"]
