"""Extensions: programs of layers beside the runtime, and what they are told."""

import json
import re
import time

import pytest

from extensions import TALKING, layer
from harness import wait_until
from lambdas import deploy, python, zipped

NOTES = """
    import glob, os
    def handler(event, context):
        if event == 'exit': os._exit(3)
        if event == 'sleep':
            import time; time.sleep(30)
        return {os.path.basename(p): open(p).read() for p in glob.glob('/tmp/*')}
    """


def said(function, name):
    return [text for _, text in function.log() if text.startswith(name + " ")]


def lines(function, prefix):
    return [text for _, text in function.log() if text.startswith(prefix)]


def test_an_extension_registers_is_told_of_invocations_and_of_the_end(own_cloud):
    cloud = own_cloud
    function = deploy(cloud, python(NOTES), Layers=[layer(cloud, {"talker": TALKING})])
    answer = function.invoke("x")
    assert answer.value == {}
    wait_until(lambda: lines(function, "REPORT"), "the invocation is in the log")
    registered, event = said(function, "talker")
    assert json.loads(registered.split(" ", 3)[3]) == {
        "accountId": cloud.account, "functionName": "worker", "functionVersion": "$LATEST", "handler": "index.handler"}
    event = json.loads(event.split(" ", 2)[2])
    assert event["eventType"] == "INVOKE" and event["requestId"] == answer.request_id
    assert event["invokedFunctionArn"] == function.arn and event["tracing"]["type"] == "X-Amzn-Trace-Id"
    assert 0 < event["deadlineMs"] / 1000 - time.time() < 20
    assert lines(function, "EXTENSION") == ["EXTENSION\tName: talker\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n"]
    order = [re.split(r"[ \t:]", text)[0] for _, text in function.log()]
    assert order == ["INIT_START", "talker", "EXTENSION", "START", "talker", "END", "REPORT"]
    # The environment of the old configuration goes.
    function.configure(Description="another")
    function.invoke("x")
    wait_until(lambda: any("SHUTDOWN" in text for text in said(function, "talker")), "it is told of the shutdown")
    shutdown = json.loads([text for text in said(function, "talker") if "SHUTDOWN" in text][0].split(" ", 2)[2])
    assert shutdown["shutdownReason"] == "spindown"


@pytest.mark.parametrize("event, reason, status", [("exit", "failure", "error\tError Type: Runtime.ExitError"), ("sleep", "timeout", "timeout")])
def test_a_failure_resets_the_environment_and_tells_the_extensions(cloud, event, reason, status):
    function = deploy(cloud, python(NOTES), Layers=[layer(cloud, {"talker": TALKING})], Timeout=8)
    first = function.invoke(event)
    assert first.error == "Unhandled" and f"Status: {status}" in first.log
    # /tmp has outlived the processes: the extension's note is there, and everything was booted again.
    assert function.invoke("x").value == {"talker.shutdown": f"{reason}\n"}
    wait_until(lambda: sum("registered" in text for text in said(function, "talker")) >= 2, "the extension has been started again")


def test_the_answer_does_not_wait_for_extensions_but_the_next_invocation_does(cloud):
    slow = """
        register(["INVOKE"])
        while True:
            event = next_event()
            time.sleep(1)
            open("/tmp/done", "a").write("x")
        """
    function = deploy(cloud, python(NOTES), Layers=[layer(cloud, {"slow": slow})], Timeout=5)
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=1)
    function.invoke("warm")
    start = time.monotonic()
    answer = function.client.invoke(FunctionName="worker", Payload=b'"x"')
    assert json.loads(answer["Payload"].read()) == {"done": "x"}
    assert time.monotonic() - start < 0.8
    # With the log the caller waits for REPORT.
    wait_until(lambda: len(lines(function, "REPORT")) == 2, "the second invocation is over")
    last = function.invoke("x")
    assert last.value == {"done": "xx"}
    assert float(re.search(r"\tDuration: ([\d.]+) ms", last.log)[1]) > 1000


def test_the_variables_of_the_runtime_are_not_the_extensions(cloud):
    source = """
        register([])
        say(json.dumps(sorted(os.environ)))
        next_event()
        """
    function = deploy(cloud, python(NOTES), Layers=[layer(cloud, {"env": source})], Environment={"Variables": {"OWN": "1"}})
    function.invoke("x")
    wait_until(lambda: said(function, "env"), "it has said its variables")
    names = set(json.loads(said(function, "env")[0].split(" ", 1)[1]))
    assert {"OWN", "AWS_LAMBDA_RUNTIME_API", "AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "PATH"} <= names
    assert not names & {"AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "LAMBDA_TASK_ROOT", "_HANDLER"}


@pytest.mark.parametrize("source, kind, words, state", [
    ("sys.exit(7)", "Extension.Crash", "exit status 7", "Started\tEvents: []"),
    ("register(['INVOKE'])\nsys.exit(0)", "Extension.Crash", "exit code 0", "Exited\tEvents: [INVOKE]"),
    ("register(['INVOKE'])\ncall('POST', '/2020-01-01/extension/init/error', {}, {'Lambda-Extension-Identifier': ID,"
     "'Lambda-Extension-Function-Error-Type': 'Extension.NoKey'})\nsys.exit(0)",
     "Extension.InitError", "exit code 0", "InitError\tEvents: [INVOKE]\tError Type: Extension.NoKey"),
])
def test_an_extension_that_fails_its_init_fails_the_invocation(cloud, source, kind, words, state):
    function = deploy(cloud, python(NOTES), Layers=[layer(cloud, {"bad": source})])
    answer = function.invoke("x")
    assert answer.failure == {"errorType": kind, "errorMessage": f"RequestId: {answer.request_id} Error: {words}"}
    assert f"Status: error\tError Type: {kind}" in answer.log
    wait_until(lambda: lines(function, "REPORT"), "it is in the log")
    reports = [re.sub(r"[\d.]+ ms", "N ms", text) for text in lines(function, "INIT_REPORT")]
    assert reports == [f"INIT_REPORT Init Duration: N ms\tPhase: {phase}\tStatus: error\tError Type: {kind}\n" for phase in ("init", "invoke")]
    assert f"RequestId: {answer.request_id} Error: {words}\n{kind}\n" in [text for _, text in function.log()]


def test_a_file_that_cannot_be_run_is_a_launch_error(cloud):
    files = {"extensions/plain": "not executable", "extensions/folder/inner*": "#!/bin/sh\n"}
    arn = cloud.client("lambda").publish_layer_version(LayerName="plain", Content={"ZipFile": zipped(files)})["LayerVersionArn"]
    function = deploy(cloud, python(NOTES), Layers=[arn])
    answer = function.invoke("x")
    assert answer.failure["errorType"] == "Extension.LaunchError"
    assert answer.failure["errorMessage"].endswith("fork/exec /opt/extensions/plain: permission denied")
    wait_until(lambda: lines(function, "EXTENSION"), "it is in the log")
    assert lines(function, "EXTENSION")[0] == "EXTENSION\tName: plain\tState: LaunchError\tEvents: []\tError Type: PermissionDenied\n"


def test_an_extension_that_crashes_during_an_invocation_fails_it_and_the_next_one_works(cloud):
    crashing = """
        register(["INVOKE"])
        while True:
            event = next_event()
            if not os.path.exists("/tmp/crashed"):
                open("/tmp/crashed", "w").write("x")
                os.kill(os.getpid(), signal.SIGSEGV)
        """
    waiting = "def handler(event, context):\n    import time; time.sleep(event)\n    return event\n"
    function = deploy(cloud, waiting, Layers=[layer(cloud, {"crasher": crashing})])
    answer = function.invoke(5)
    assert answer.failure == {
        "errorType": "Extension.Crash", "errorMessage": f"RequestId: {answer.request_id} Error: signal: segmentation fault"}
    assert function.invoke(0).value == 0


def test_an_extension_inside_the_runtime_may_not_ask_for_shutdowns(cloud):
    source = """
        import http.client, json, os, threading
        def call(method, path, body, headers):
            api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
            api.request(method, '/2020-01-01/extension/' + path, body, headers)
            answer = api.getresponse()
            return answer.status, answer.getheader('Lambda-Extension-Identifier'), json.loads(answer.read())
        refused = call('POST', 'register', '{"events": ["INVOKE", "SHUTDOWN"]}', {'Lambda-Extension-Name': 'inner'})
        status, identifier, function = call('POST', 'register', '{"events": ["INVOKE"]}', {'Lambda-Extension-Name': 'inner'})
        events = []
        def listen():
            while True: events.append(call('GET', 'event/next', None, {'Lambda-Extension-Identifier': identifier})[2])
        threading.Thread(target=listen, daemon=True).start()
        def handler(event, context):
            import time
            time.sleep(0.2)
            return [refused, status, function, [e['requestId'] == context.aws_request_id for e in events]]
        """
    function = deploy(cloud, source)
    refused, status, about, events = function.invoke().value
    assert refused == [403, None, {
        "errorType": "Extension.InvalidEventType", "errorMessage": "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"}]
    assert status == 200 and about["functionName"] == "worker" and events == [True]
    assert function.invoke().value[3] == [False, True]
    wait_until(lambda: lines(function, "EXTENSION"), "it is in the log")
    assert lines(function, "EXTENSION") == ["EXTENSION\tName: inner\tState: Ready\tEvents: [INVOKE]\n"]


def test_extensions_are_frozen_with_the_function(cloud):
    counting = """
        register(["INVOKE"])
        ticks = [0]
        def tick():
            while True:
                time.sleep(0.01)
                ticks[0] += 1
        threading.Thread(target=tick, daemon=True).start()
        while True:
            next_event()
            open("/tmp/ticks", "w").write(str(ticks[0]))
        """
    function = deploy(cloud, python(NOTES), Layers=[layer(cloud, {"counter": counting})])
    other = deploy(cloud, "import time\ndef handler(e, c):\n    time.sleep(e)\n", name="other")
    function.invoke("x")
    other.invoke(1.5)
    function.invoke("x")
    assert int(function.invoke("x").value["ticks"]) < 100
