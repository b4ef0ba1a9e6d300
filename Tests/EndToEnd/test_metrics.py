"""What the server tells of itself, and the pages that tools wait on."""

import json
import math
import re

import pytest

from harness import Server, send, wait_until
from lambdas import ECHO, deploy, make_queue

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"^(?P<name>{NAME})(?:\{{(?P<labels>.*)\}})? (?P<value>[^ ]+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


def parse(text):
    """Prometheus' text format, strictly: {name: {labels: value}}, and {family: type}."""
    assert text.endswith("\n")
    samples, types, helps, current = {}, {}, set(), None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, help = line.split(" ", 3)
            assert re.fullmatch(NAME, name) and name not in helps and help
            helps.add(name)
            current = name
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == current and name not in types and kind in {"counter", "gauge", "histogram"}
            types[name] = kind
        else:
            match = SAMPLE.match(line)
            assert match, line
            name, labels = match["name"], match["labels"] or ""
            assert "".join(m.group(0) for m in LABEL.finditer(labels)) == labels, line
            family = re.sub(r"_(bucket|sum|count)$", "", name) if types.get(current) == "histogram" else name
            assert family == current, f"{line} stands apart from its family"
            key = tuple(LABEL.findall(labels))
            assert len({k for k, _ in key}) == len(key)
            assert key not in samples.setdefault(name, {}), line
            samples[name][key] = float(match["value"])
    for name, kind in types.items():
        if kind == "histogram":
            check_histogram(name, samples)
        if kind == "counter":
            assert name.endswith("_total")
            assert all(value >= 0 for value in samples[name].values())
    return samples, types


def check_histogram(name, samples):
    for labels, count in samples.get(name + "_count", {}).items():
        buckets = [(float(dict(key)["le"]), value) for key, value in samples[name + "_bucket"].items()
                   if tuple(pair for pair in key if pair[0] != "le") == labels]
        assert buckets == sorted(buckets) and [v for _, v in buckets] == sorted(v for _, v in buckets)
        assert buckets[-1] == (math.inf, count)
        assert labels in samples[name + "_sum"]


def metrics(server):
    status, body, headers = send(server.endpoint + "/_dewpoint/metrics")
    assert status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4")
    return parse(body.decode())


def value(samples, name, **labels):
    """The sum of the samples that have these labels."""
    return sum(v for key, v in samples.get(name, {}).items() if set(labels.items()) <= set(key))


def test_calls_are_counted_by_operation_status_and_duration(own_cloud):
    url, _ = make_queue(own_cloud)
    sqs = own_cloud.client("sqs")
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="x")
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=url + "2", MessageBody="x")
    own_cloud.signed("sqs", {"X-Amz-Target": "AmazonSQS.MadeUp", "Content-Type": "application/x-amz-json-1.0"}, b"{}")
    samples, types = metrics(own_cloud.server)
    count = lambda **labels: value(samples, "dewpoint_requests_total", service="sqs", origin="client", **labels)
    assert count(operation="SendMessage", status="200") == 3
    assert count(operation="SendMessage", status="400") == 1
    assert count(operation="Unknown") == 1 and count(operation="MadeUp") == 0
    assert value(samples, "dewpoint_request_duration_seconds_count", operation="SendMessage") == 4
    assert types["dewpoint_request_duration_seconds"] == "histogram"


def test_the_store_the_process_and_lambda_are_measured(own_cloud):
    function = deploy(own_cloud, ECHO)
    function.invoke(1)
    samples, _ = metrics(own_cloud.server)
    assert value(samples, "dewpoint_store_transactions_total") > 0
    assert value(samples, "dewpoint_store_commit_duration_seconds_count") > 0
    assert value(samples, "dewpoint_store_committed_bytes_total") > 0
    assert 1e6 < value(samples, "process_resident_memory_bytes") < 1e10
    assert 3 < value(samples, "process_open_fds") < value(samples, "process_max_fds")
    assert value(samples, "dewpoint_uptime_seconds") > 0
    assert value(samples, "dewpoint_lambda_environments", state="idle") == 1
    assert value(samples, "dewpoint_lambda_invocations_running") == 0


def test_queued_events_and_busy_environments_are_measured(own_cloud):
    failing = deploy(own_cloud, "def handler(event, context):\n    raise RuntimeError('no')\n")
    own_cloud.clock.freeze()
    failing.send(1)
    events = lambda state: value(metrics(own_cloud.server)[0], "dewpoint_lambda_async_events", state=state)
    wait_until(lambda: events("due") == 1 and events("taken") == 0, "the event waits for its second attempt")
    slow = deploy(own_cloud, "import time\ndef handler(event, context):\n    time.sleep(60)\n", "slow", Timeout=90)
    slow.send(1)
    environments = lambda: value(metrics(own_cloud.server)[0], "dewpoint_lambda_environments", state="busy")
    wait_until(lambda: environments() == 1 and events("taken") == 1, "the slow function runs")
    send(own_cloud.server.endpoint + "/_dewpoint/reset", "POST")
    assert environments() == 0 and events("taken") == 0 and events("due") == 0


def test_health_answers_reads_only(cloud):
    endpoint = cloud.server.endpoint
    for path in ("/_dewpoint/health", "/_localstack/health", "/_localstack/init", "/_localstack/init/ready"):
        assert send(endpoint + path)[0] == 200
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert send(endpoint + path, method)[0] == 405
        assert send(endpoint + path, "HEAD")[0] == 200


def test_tools_of_localstack_find_what_they_wait_for(cloud):
    health = json.loads(send(cloud.server.endpoint + "/_localstack/health")[1])
    assert health["services"]["sqs"] == "running" and health["services"]["lambda"] == "running"
    assert health["version"] and health["edition"]
    ready = json.loads(send(cloud.server.endpoint + "/_localstack/init/ready")[1])
    assert ready["completed"] is True
    assert json.loads(send(cloud.server.endpoint + "/_localstack/init")[1])["completed"]["READY"] is True


def test_a_clients_mistake_is_no_warning_in_the_log(own_cloud):
    sqs = own_cloud.client("sqs")
    for bad in ({"QueueName": "a b"}, {"QueueName": "x" * 100}):
        with pytest.raises(Exception):
            sqs.create_queue(**bad)
    with pytest.raises(Exception):
        own_cloud.client("lambda").create_function(
            FunctionName="f", Role=f"arn:aws:iam::{own_cloud.account}:role/none", Runtime="python3.13", Handler="a.b",
            Code={"ZipFile": b"no zip"})
    assert "call failed" not in own_cloud.server.log()


def test_sigterm_ends_a_long_function_within_the_stop_limit(tmp_path, account):
    from harness import Cloud
    server = Server(tmp_path, "--stop-limit", "1s").start()
    function = deploy(Cloud(server, account), "import time\ndef handler(event, context):\n    print('began', flush=True)\n    time.sleep(300)\n", Timeout=310)
    function.send(1)
    wait_until(lambda: function.log("began"), "the function runs")
    server.stop()
    server.start()
    # The event was not handled to its end, so it is tried again.
    wait_until(lambda: len(function.log("began")) >= 2, "the event is tried again", limit=30)
    server.kill()
