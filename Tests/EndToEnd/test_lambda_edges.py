"""Limits inside a function, and what happens to functions while the server or they themselves are changed."""

import concurrent.futures
import json
import pathlib
import threading
import uuid

import boto3
import pytest

from harness import wait_until
from lambdas import ECHO, LOGS, QUEUES, deploy, make_queue, make_role, python

LIMITS = """
    import os, threading, time
    def handler(event, context):
        if event == "disk":
            written = 0
            try:
                with open("/tmp/large", "wb") as file:
                    for _ in range(700):
                        file.write(bytes(1 << 20))
                        file.flush()
                        written += 1
            except OSError as error:
                return [written, error.strerror]
            finally:
                os.remove("/tmp/large")
        if event == "files":
            files = []
            try:
                while True:
                    files.append(os.open("/dev/null", os.O_RDONLY))
            except OSError as error:
                return [len(files), error.strerror]
            finally:
                for file in files:
                    os.close(file)
        if event == "threads":
            count, end = 0, threading.Event()
            try:
                while count < 3000:
                    threading.Thread(target=end.wait, daemon=True).start()
                    count += 1
            except RuntimeError:
                return count
            finally:
                end.set()
    """


def test_disk_files_and_threads_of_a_function_are_limited(cloud):
    function = deploy(cloud, LIMITS, Timeout=60)
    written, error = function.invoke("disk").value
    assert 400 <= written <= 512 and error == "No space left on device"
    count, error = function.invoke("files").value
    assert 900 < count < 1024 and error == "Too many open files"
    assert 500 < function.invoke("threads").value < 1024


def test_environment_variables_may_hold_anything(cloud):
    variables = {"LINES": "a\nb", "QUOTES": "'\"$HOME`\\", "UNICODE": "grüße \U0001f600", "EMPTY": "", "TZ": "Europe/Berlin"}
    function = deploy(cloud, "import os\ndef handler(names, context):\n    return {n: os.environ.get(n) for n in names}\n",
                      Environment={"Variables": variables})
    assert function.invoke(list(variables)).value == variables


def test_twenty_thousand_lines_are_logged(cloud):
    function = deploy(cloud, "def handler(event, context):\n    for i in range(event):\n        print(f'line {i} ' + 'x' * 50)\n    return 'done'\n", Timeout=60)
    answer = function.invoke(20_000)
    assert answer.value == "done" and "line 19999 " in answer.log
    wait_until(lambda: function.log("line 19999 ") and function.log("REPORT"), "the last line is in the log", limit=60)
    assert len(function.log("line 0 ")) == 1


def test_versions_and_aliases_are_invoked_by_name(cloud):
    function = deploy(cloud, "def handler(event, context):\n    return ['one', context.function_version, context.invoked_function_arn]\n")
    client = function.client
    version = client.publish_version(FunctionName="worker")["Version"]
    client.create_alias(FunctionName="worker", Name="live", FunctionVersion=version)
    function.update_code(python("def handler(event, context):\n    return ['two', context.function_version, context.invoked_function_arn]\n"))
    assert function.invoke(Qualifier="live").value == ["one", "1", function.arn + ":live"]
    answer = function.invoke(Qualifier="live")
    assert answer.version == "1" and f"START RequestId: {answer.request_id} Version: 1\n" in answer.log
    assert function.invoke(Qualifier="1").value[:2] == ["one", "1"]
    assert function.invoke().value == ["two", "$LATEST", function.arn]
    assert json.load(client.invoke(FunctionName=function.arn + ":live")["Payload"])[0] == "one"
    second = client.publish_version(FunctionName="worker")["Version"]
    client.update_alias(FunctionName="worker", Name="live", FunctionVersion=second)
    assert function.invoke(Qualifier="live").value[:2] == ["two", "2"]


def test_environments_of_an_earlier_revision_end_their_work(cloud):
    source = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'REVISION'\n"
    function = deploy(cloud, source.replace("REVISION", "old"))
    function.invoke(0)
    with Running(lambda: function.invoke(2).value) as running:
        wait_until(lambda: len(function.log("START RequestId")) == 2, "it runs")
        function.update_code(python(source.replace("REVISION", "new")))
        assert function.invoke(0).value == "new"
    assert running.result == "old"


def test_an_invocation_under_way_ends_although_its_function_is_deleted(cloud):
    function = deploy(cloud, "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'ended'\n")
    with Running(lambda: function.invoke(2).value) as running:
        wait_until(lambda: function.log("START RequestId"), "it runs")
        function.client.delete_function(FunctionName="worker")
    assert running.result == "ended"


class Running:
    """Runs something in a thread until the block ends; then the result is there."""

    def __init__(self, work):
        self.result = None
        self.thread = threading.Thread(target=lambda: setattr(self, "result", work()))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.thread.join()


def processes(mark):
    """Processes of the host with the mark as their name or in their command line."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark in (path / "comm").read_text() + (path / "cmdline").read_text():
                found.append(int(path.name))
        except OSError:
            pass
    return found


def marked(cloud):
    """A function whose processes can be told on the host by a mark, and that mark."""
    mark = f"fn{uuid.uuid4().hex[:12]}"
    function = deploy(cloud, f"""
        import ctypes, subprocess, time
        ctypes.CDLL(None).prctl(15, b"{mark}")  # PR_SET_NAME
        def handler(event, context):
            subprocess.Popen(["sh", "-c", "sleep 300; : {mark}"])
            time.sleep(event)
            return "ended"
        """, Timeout=60)
    return function, mark


def test_no_process_outlives_a_killed_server(own_cloud):
    function, mark = marked(own_cloud)
    function.invoke(0)
    function.send(50)
    wait_until(lambda: len(function.log("START RequestId")) == 2, "it runs")
    assert processes(mark)
    own_cloud.server.kill()
    wait_until(lambda: not processes(mark), "its processes are gone")


def test_a_stopping_server_lets_invocations_end(own_cloud):
    function, mark = marked(own_cloud)
    with Running(lambda: function.invoke(2).value) as running:
        wait_until(lambda: function.log("START RequestId"), "it runs")
        own_cloud.server.stop()
    assert running.result == "ended"
    assert not processes(mark)
    own_cloud.server.start()
    assert len(function.log("REPORT")) == 1


def test_processes_of_a_deleted_function_are_gone(cloud):
    function, mark = marked(cloud)
    function.invoke(0)
    assert processes(mark)
    function.client.delete_function(FunctionName="worker")
    wait_until(lambda: not processes(mark), "its processes are gone")


def test_an_invocation_whose_caller_has_gone_is_finished(cloud):
    function = deploy(cloud, "import time\ndef handler(event, context):\n    time.sleep(event)\n    print('finished')\n")
    hasty = boto3.session.Session().client(
        "lambda", region_name="us-east-1", endpoint_url=cloud.server.endpoint, aws_access_key_id=cloud.account,
        aws_secret_access_key="secret", config=boto3.session.Config(read_timeout=0.5, retries={"total_max_attempts": 1}))
    with pytest.raises(Exception, match="Read timeout"):
        hasty.invoke(FunctionName="worker", Payload=b"2")
    wait_until(lambda: function.log("finished") and function.log("REPORT"), "it has finished")
    assert "Init Duration" not in function.invoke(0).log


def test_a_changed_mapping_finishes_the_batch_under_way(cloud):
    function = deploy(cloud, "import time\ndef handler(event, context):\n    print('RUN')\n    time.sleep(2)\n")
    url, arn = make_queue(cloud, VisibilityTimeout=600)
    made = function.client.create_event_source_mapping(FunctionName="worker", EventSourceArn=arn)["UUID"]
    wait_until(lambda: function.client.get_event_source_mapping(UUID=made)["State"] == "Enabled", "it polls")
    sqs = cloud.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    wait_until(lambda: function.log("RUN"), "the batch is under way")
    function.client.update_event_source_mapping(UUID=made, Enabled=False)

    def is_empty():
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()) == {"0"}
    wait_until(is_empty, "the batch was deleted")
    assert len(function.log("RUN")) == 1


def test_a_month_later_everything_works_on(timed_cloud):
    """Keys and sessions of roles expire on the clock, and are renewed."""
    role = make_role(timed_cloud, "worker", LOGS, QUEUES)
    url, arn = make_queue(timed_cloud)
    sending = deploy(timed_cloud, """
        import boto3
        sqs = boto3.client("sqs")
        def handler(event, context):
            sqs.send_message(QueueUrl=event["url"], MessageBody=event["text"])
        """, name="sending", role=role)
    receiving = deploy(timed_cloud, "def handler(event, context):\n    print('GOT', [r['body'] for r in event['Records']])\n", name="receiving", role=role)
    made = receiving.client.create_event_source_mapping(FunctionName="receiving", EventSourceArn=arn)["UUID"]
    wait_until(lambda: receiving.client.get_event_source_mapping(UUID=made)["State"] == "Enabled", "it polls")
    for day, wait in enumerate(["1s", "11h59m30s", "13h", "30d"]):
        timed_cloud.clock.advance(wait)
        assert sending.invoke({"url": url, "text": f"day {day}"}).value is None
        wait_until(lambda: receiving.log(f"GOT ['day {day}']"), f"the message of day {day} arrived")
        wait_until(lambda: len(sending.log("REPORT")) == day + 1, "the log goes on")


def test_a_burst_of_cold_invocations_does_not_time_out(cloud):
    """Sixty heavy starts share few processors: they must not slow each other down until all of them fail."""
    function = deploy(cloud, "import boto3\nsqs = boto3.client('sqs')\ndef handler(event, context):\n    return event\n", Timeout=3)
    numbers = range(60)
    with concurrent.futures.ThreadPoolExecutor(len(numbers)) as pool:
        assert [answer.value for answer in pool.map(function.invoke, numbers)] == list(numbers)
