"""`dewpoint exec`: a process on this machine is the environment of a function."""

import concurrent.futures
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from harness import Server, send, wait_until
from lambdas import Answer, deploy, make_queue

SANDBOX = "def handler(event, context):\n    return 'sandbox'\n"
# A runtime in a few lines: what the event asks for is done by Python itself.
LOOP = """
    import json, os, sys, time, urllib.request
    api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
    print("started", flush=True)
    while True:
        with urllib.request.urlopen(f"{api}/next") as answer:
            id, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
            deadline = int(answer.headers["Lambda-Runtime-Deadline-Ms"])
        result = eval(event["do"]) if isinstance(event, dict) and "do" in event else ["local", event]
        urllib.request.urlopen(urllib.request.Request(f"{api}/{id}/response", json.dumps(result).encode())).close()
    """


class Exec:
    """A running `dewpoint exec`, with what it has printed."""

    def __init__(self, cloud, tmp_path, *command, function="worker", options=()):
        environment = os.environ | {
            "DEWPOINT_ENDPOINT": cloud.server.endpoint, "AWS_ACCESS_KEY_ID": cloud.account, "AWS_REGION": "us-east-1",
            "OF_THE_SHELL": "yes", "AWS_PROFILE": "nobody"}
        self.path = tmp_path / "exec.out"
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(
                [Server.binary(), "exec", "--function", function, *options, "--", *map(str, command)], env=environment,
                stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=tmp_path)

    @property
    def text(self):
        return self.path.read_text()

    def wait_for(self, words):
        wait_until(lambda: words in self.text, f"{words!r} in {self.text!r}")
        return self

    def child(self):
        """The pid of the program."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = wait_until(lambda: [int(p) for t in children.parent.parent.iterdir() for p in (t / "children").read_text().split()], "a child")
        return found[0]

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(20)


@pytest.fixture
def loop(tmp_path):
    path = tmp_path / "loop.py"
    path.write_text(textwrap.dedent(LOOP))
    return path


@pytest.fixture
def attach(cloud, tmp_path):
    running = []

    def start(*command, **options):
        running.append(Exec(cloud, tmp_path, *command, **options))
        return running[-1]
    yield start
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def attached(function):
    """Its process answers."""
    wait_until(lambda: function.invoke({"do": "1"}).value == 1, "the process answers")


def test_a_process_gets_the_events_and_then_the_function_goes_back_to_its_sandboxes(cloud, attach, loop):
    function = deploy(cloud, SANDBOX, Environment={"Variables": {"OWN": "of the function"}})
    assert function.invoke({}).value == "sandbox"
    exec = attach(sys.executable, loop).wait_for("started")
    assert function.invoke({"a": 1}).value == ["local", {"a": 1}]
    names = ["OWN", "OF_THE_SHELL", "AWS_PROFILE", "AWS_LAMBDA_FUNCTION_NAME", "_HANDLER", "AWS_ENDPOINT_URL", "LAMBDA_TASK_ROOT"]
    values = function.invoke({"do": f"[os.environ.get(n) for n in {names}]"}).value
    assert values == ["of the function", "yes", None, "worker", "index.handler", cloud.server.endpoint, str(loop.parent)]
    assert exec.end() == 128 + signal.SIGTERM
    assert function.invoke({}).value == "sandbox"


def test_it_has_the_role_of_the_function(cloud, attach, loop):
    function = deploy(cloud, SANDBOX)
    attach(sys.executable, loop).wait_for("started")
    arn = function.invoke({"do": "__import__('boto3').client('sts').get_caller_identity()['Arn']"}).value
    assert arn == f"arn:aws:sts::{cloud.account}:assumed-role/role-of-worker/worker"


def test_what_it_prints_is_on_the_terminal_and_in_the_log_between_start_and_end(cloud, attach, loop):
    function = deploy(cloud, SANDBOX)
    exec = attach(sys.executable, loop).wait_for("started")
    for number in range(3):
        answer = function.invoke({"do": f"[print('out', {number}), print('err', {number}, file=sys.stderr)]"})
        assert answer.value == [None, None]
        lines = answer.log.splitlines()
        assert lines[0].startswith("START RequestId: ") and lines[-1].startswith("REPORT ") and lines[-2].startswith("END ")
        assert sorted(lines[1:-2]) == [f"err {number}", f"out {number}"]
    exec.wait_for("out 2\n").wait_for("REPORT ")
    wait_until(lambda: exec.text.count("REPORT ") == 3, "three reports")
    said = [line.split()[0] for line in exec.text.splitlines() if line.split()[0] in ["START", "out", "END"]]
    assert said == ["START", "out", "END"] * 3
    wait_until(lambda: len(function.log("out")) == 3, "the log has it")


def test_the_official_python_client_runs_a_handler_here(cloud, attach, tmp_path):
    (tmp_path / "app.py").write_text("def handler(event, context):\n    print('seen', event)\n    return [event, context.function_name]\n")
    function = deploy(cloud, SANDBOX)
    exec = attach(sys.executable, "-m", "awslambdaric", "app.handler")
    wait_until(lambda: function.invoke(7).value == [7, "worker"], "the process answers")
    exec.wait_for("seen 7")


def test_invocations_wait_for_each_other(cloud, attach, loop):
    function = deploy(cloud, SANDBOX)
    attach(sys.executable, loop).wait_for("started")
    function.invoke({"do": "globals().update(count=0, most=0)"})
    work = "[globals().update(count=count + 1), time.sleep(0.02), globals().update(most=max(most, count), count=count - 1)]"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for answer in pool.map(lambda _: function.invoke({"do": work}), range(8)):
            assert answer.error is None
    assert function.invoke({"do": "[most, count]"}).value == [1, 0]


def test_queued_and_asynchronous_events_come_to_it(cloud, attach, loop):
    function = deploy(cloud, SANDBOX)
    url, arn = make_queue(cloud, VisibilityTimeout=30)
    function.client.create_event_source_mapping(EventSourceArn=arn, FunctionName="worker", BatchSize=1)
    exec = attach(sys.executable, loop).wait_for("started")
    function.send({"do": "print('asynchronous')"})
    exec.wait_for("asynchronous")
    cloud.client("sqs").send_message(QueueUrl=url, MessageBody="hello")

    def gone():
        answer = cloud.client("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"])
        return set(answer["Attributes"].values()) == {"0"}
    wait_until(gone, "the message is worked on")
    assert exec.text.count("START ") >= 3


@pytest.mark.parametrize("how", ["killed", "exits"])
def test_a_process_that_ends_in_the_midst_of_an_invocation_fails_it(cloud, attach, loop, how):
    function = deploy(cloud, SANDBOX)
    exec = attach(sys.executable, loop).wait_for("started")
    answers = []
    work = "[print('at work', flush=True), time.sleep(60)]" if how == "killed" else "os._exit(3)"
    running = threading.Thread(target=lambda: answers.append(function.invoke({"do": work})))
    running.start()
    if how == "killed":
        exec.wait_for("at work")
        os.kill(exec.child(), signal.SIGKILL)
    running.join(20)
    failure = answers[0].failure
    assert failure["errorType"] == "Runtime.ExitError"
    assert failure["errorMessage"].endswith("signal: killed" if how == "killed" else "exit status 3")
    assert exec.process.wait(20) == (137 if how == "killed" else 3)
    assert function.invoke({}).value == "sandbox"


def test_a_command_that_is_killed_lets_the_function_go(cloud, attach, loop):
    function = deploy(cloud, SANDBOX)
    exec = attach(sys.executable, loop).wait_for("started")
    answers = []
    running = threading.Thread(target=lambda: answers.append(function.invoke({"do": "[print('at work', flush=True), time.sleep(5)]"})))
    running.start()
    exec.wait_for("at work")
    exec.process.kill()
    running.join(20)
    assert answers[0].failure["errorType"] == "Runtime.ExitError"
    assert function.invoke({}).value == "sandbox"


def test_what_waits_for_a_process_goes_to_a_sandbox_when_it_ends(cloud, attach, tmp_path):
    function = deploy(cloud, SANDBOX)
    # It never asks for work.
    (tmp_path / "idle.py").write_text("import time\nprint('started', flush=True)\ntime.sleep(60)\n")
    exec = attach(sys.executable, tmp_path / "idle.py").wait_for("started")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(function.invoke, {}) for _ in range(3)]

        def waiting():
            _, metrics, _ = send(cloud.server.endpoint + "/_dewpoint/metrics")
            return "dewpoint_lambda_invocations_waiting 3" in metrics.decode()
        wait_until(waiting, "three wait")
        exec.end()
        assert [answer.result().value for answer in answers] == ["sandbox"] * 3


def test_the_time_out_ends_it_and_stands_still_while_it_is_stopped(cloud, attach, loop):
    function = deploy(cloud, SANDBOX, Timeout=1)
    exec = attach(sys.executable, loop).wait_for("started")
    answers = []
    running = threading.Thread(target=lambda: answers.append(function.invoke({"do": "[print('at work', flush=True), time.sleep(0.3)]"})))
    began = time.monotonic()
    running.start()
    exec.wait_for("at work")
    os.kill(exec.child(), signal.SIGSTOP)
    # Three times as long as it may take.
    wait_until(lambda: time.monotonic() - began > 3, "time passes")
    os.kill(exec.child(), signal.SIGCONT)
    running.join(20)
    assert answers[0].value == [None, None]
    late = function.invoke({"do": "time.sleep(30)"})
    assert late.failure["errorType"] == "Sandbox.Timedout" and "1.00 seconds" in late.failure["errorMessage"]
    assert exec.process.wait(20) == 1
    exec.wait_for("The process is ended.")
    assert function.invoke({}).value == "sandbox"


def test_the_time_stands_still_while_it_is_traced(cloud, attach, loop):
    function = deploy(cloud, SANDBOX, Timeout=1)
    exec = attach(sys.executable, loop).wait_for("started")
    child = exec.child()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    seize = 0x4206
    # A debugger that lets it run; this thread is the tracer, and takes no part in the invocation.
    if libc.ptrace(seize, child, None, None) != 0:
        pytest.skip(f"processes may not be traced here: {os.strerror(ctypes.get_errno())}")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(function.invoke, {"do": "[time.sleep(2), int(open('/proc/self/status').read().split('TracerPid:')[1].split()[0])]"})
        assert answer.result().value == [None, os.getpid()]


def test_there_may_be_no_time_out(cloud, attach, loop):
    function = deploy(cloud, SANDBOX, Timeout=1)
    attach(sys.executable, loop, options=["--no-timeout"]).wait_for("started")
    assert function.invoke({"do": "[time.sleep(1.5), deadline / 1000 - time.time() > 3600]"}).value == [None, True]


def test_only_the_version_that_it_is_attached_to(cloud, attach, loop):
    function = deploy(cloud, SANDBOX)
    function.client.publish_version(FunctionName="worker")
    function.client.create_alias(FunctionName="worker", Name="live", FunctionVersion="1")
    attach(sys.executable, loop, function="worker:live").wait_for("started")
    for qualifier, expected in [("live", ["local", {}]), ("1", ["local", {}]), ("$LATEST", "sandbox")]:
        answer = Answer(function.client.invoke(FunctionName="worker", Qualifier=qualifier, Payload=b"{}"))
        assert answer.value == expected
        assert answer.version == ("$LATEST" if expected == "sandbox" else "1")


def test_it_ends_with_its_function_and_with_the_server(own_cloud, tmp_path, loop):
    function = deploy(own_cloud, SANDBOX)
    exec = Exec(own_cloud, tmp_path, sys.executable, loop).wait_for("started")
    function.client.delete_function(FunctionName="worker")
    assert exec.process.wait(20) == 1
    deploy(own_cloud, SANDBOX, name="other")
    exec = Exec(own_cloud, tmp_path, sys.executable, loop, function="other").wait_for("started")
    own_cloud.server.stop()
    assert exec.process.wait(20) == 1


def test_what_cannot_be_done_is_said_in_one_line(cloud, attach, loop, tmp_path):
    deploy(cloud, SANDBOX)

    def words(*arguments, **options):
        one = attach(*arguments, **options)
        assert one.process.wait(20) != 0
        return one.text
    assert "Function not found" in words(sys.executable, loop, function="nobody")
    assert "cannot start" in words(tmp_path / "nothing")
    attach(sys.executable, loop).wait_for("started")
    (tmp_path / "second").mkdir()
    second = Exec(cloud, tmp_path / "second", sys.executable, loop)
    assert second.process.wait(20) != 0 and "already" in second.text
    assert "Say what to run" in words(options=[])
    nobody = subprocess.run(
        [Server.binary(), "exec", "--endpoint", "http://127.0.0.1:9", "--function", "worker", "--", "true"], capture_output=True, text=True)
    assert nobody.returncode != 0 and "No server answers" in nobody.stderr


def test_who_may_attach(cloud, tmp_path, loop):
    deploy(cloud, SANDBOX)
    path = f"/_dewpoint/lambda/attach?function=worker&account={cloud.account}"
    assert cloud.server.page(path, "POST", {"Origin": "https://example.com"})[0] == 403
    assert cloud.server.page(path, "GET")[0] == 405
    assert cloud.server.page("/_dewpoint/lambda/attach/0123?status=0", "POST")[0] == 404
    directory = tmp_path / "server"
    directory.mkdir()
    server = Server(directory, "--root-key", "ROOTKEYID:a-secret-of-root").start()
    try:
        assert server.page(path, "POST")[0] == 403
    finally:
        server.stop()


def test_function_code_may_not_attach(cloud):
    source = """
        import os, urllib.error, urllib.request
        def handler(event, context):
            answers = []
            for path in ['lambda/attach?function=worker', 'lambda/attach/0123?status=0', 'lambda/reloads?functions=worker']:
                method = 'GET' if 'reloads' in path else 'POST'
                request = urllib.request.Request(os.environ['AWS_ENDPOINT_URL'] + '/_dewpoint/' + path, method=method)
                try:
                    answers.append(urllib.request.urlopen(request).status)
                except urllib.error.HTTPError as error:
                    answers.append(error.code)
            return answers
        """
    assert deploy(cloud, source).invoke().value == [403, 403, 403]


def test_web_pages_do_not_reach_its_runtime_api(cloud, attach, loop):
    function = deploy(cloud, SANDBOX)
    attach(sys.executable, loop).wait_for("started")
    api = function.invoke({"do": "os.environ['AWS_LAMBDA_RUNTIME_API']"}).value
    for headers in [{"Origin": "http://localhost"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}]:
        assert send(f"http://{api}/2018-06-01/runtime/invocation/next", headers=headers)[0] == 403
    attached(function)
