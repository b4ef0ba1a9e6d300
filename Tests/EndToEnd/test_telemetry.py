"""The Telemetry API and the Logs API: what extensions are told of, and in which form."""

import json
import re

import pytest

from extensions import layer
from harness import wait_until
from lambdas import deploy, python

# Subscribes as the variable SUBSCRIPTION says, and keeps every event that comes in /tmp/events.
LISTENER = """
import http.server, socket
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        events = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open("/tmp/events", "a") as file:
            for event in events: file.write(json.dumps(event) + "\\n")
        self.send_response(200)
        self.end_headers()
    do_PUT = do_POST
    def log_message(self, *words): pass
threading.Thread(target=http.server.HTTPServer(("0.0.0.0", 8080), Handler).serve_forever, daemon=True).start()
register(["INVOKE", "SHUTDOWN"])
path, body = json.loads(os.environ["SUBSCRIPTION"])
status, _, answer = call("PUT", path, body, {"Lambda-Extension-Identifier": ID})
print("subscribed", status, answer.decode(), flush=True)
while next_event()["eventType"] == "INVOKE": pass
"""
READER = """
    import json, os, sys, time
    def handler(event, context):
        if event == 'exit': os._exit(1)
        if isinstance(event, str): print(event)
        if isinstance(event, float): time.sleep(event)
        if os.path.exists('/tmp/events'): return [json.loads(line) for line in open('/tmp/events')]
        return []
    """
HTTP = {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/in"}


def subscribing(cloud, path, body, **options):
    variables = {"SUBSCRIPTION": json.dumps([path, body])}
    return deploy(
        cloud, python(READER), Layers=[layer(cloud, {"listener": LISTENER})], Environment={"Variables": variables}, **options)


def telemetry(**changes):
    return {"schemaVersion": "2022-12-13", "types": ["platform", "function", "extension"], "destination": HTTP,
            "buffering": {"timeoutMs": 25, "maxBytes": 262144, "maxItems": 1000}} | changes


def collect(function, wanted, limit=20):
    """Invokes until these types of events have come; returns all of them in their order."""
    events = []
    def found():
        events[:] = function.invoke(0.1).value
        return set(wanted) <= {event["type"] for event in events}
    wait_until(found, f"{wanted} have come", limit)
    return events


def only(events, kind):
    return [event["record"] for event in events if event["type"] == kind]


def test_an_extension_gets_the_events_of_the_platform_and_all_logs(cloud):
    function = subscribing(cloud, "/2022-07-01/telemetry", telemetry())
    first = function.invoke("hello")
    assert first.value is not None
    events = collect(function, ["platform.report", "function", "extension"])
    kinds = [event["type"] for event in events]
    for kind in ("platform.initStart", "platform.telemetrySubscription", "platform.initRuntimeDone", "platform.extension",
                 "platform.initReport", "platform.start", "platform.runtimeDone", "platform.report"):
        assert kind in kinds, (kind, kinds)
    assert kinds.index("platform.initStart") < kinds.index("platform.initRuntimeDone") < kinds.index("platform.start")
    assert kinds.index("platform.runtimeDone") < kinds.index("platform.report")
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"]) for event in events)
    [start] = only(events, "platform.initStart")
    assert (start["initializationType"], start["phase"], start["functionName"], start["functionVersion"]) == (
        "on-demand", "init", "worker", "$LATEST")
    assert start["instanceMaxMemory"] == 1769 << 20 and start["runtimeVersion"] == "python3.13"
    assert only(events, "platform.telemetrySubscription") == [
        {"name": "listener", "state": "Subscribed", "types": ["platform", "function", "extension"]}]
    assert only(events, "platform.extension") == [{"name": "listener", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}]
    [init] = only(events, "platform.initRuntimeDone")
    assert init == {"initializationType": "on-demand", "phase": "init", "status": "success"}
    report = only(events, "platform.initReport")[0]
    assert report["status"] == "success" and report["metrics"]["durationMs"] > 0
    assert only(events, "platform.start")[0] == {"requestId": first.request_id, "version": "$LATEST"}
    done = only(events, "platform.runtimeDone")[0]
    assert (done["requestId"], done["status"]) == (first.request_id, "success")
    assert [span["name"] for span in done["spans"]] == ["responseLatency", "responseDuration", "runtimeOverhead"]
    assert done["metrics"]["producedBytes"] == len(first.body) and done["metrics"]["durationMs"] > 0
    report = only(events, "platform.report")[0]
    assert set(report["metrics"]) == {"durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB", "initDurationMs"}
    assert report["status"] == "success" and report["spans"][0]["name"] == "extensionOverhead"
    assert only(events, "function") == ["hello\n"]
    assert 'subscribed 200 "OK"\n' in only(events, "extension")
    wait_until(lambda: function.log("TELEMETRY"), "the subscription is in the log")
    assert function.log("TELEMETRY")[0][1] == "TELEMETRY\tName: listener\tState: Subscribed\tTypes: [Platform, Function, Extension]\n"


@pytest.mark.parametrize("schema, expected", [("2022-07-01", str), ("2022-12-13", dict), ("2025-01-29", dict)])
def test_records_of_a_function_that_logs_json_are_objects_in_newer_schemas(cloud, schema, expected):
    source = """
        import json, logging, os
        def handler(event, context):
            logging.getLogger().warning("look")
            return [json.loads(line) for line in open('/tmp/events')] if os.path.exists('/tmp/events') else []
        """
    variables = {"SUBSCRIPTION": json.dumps(["/2022-07-01/telemetry", telemetry(schemaVersion=schema, types=["function"])])}
    function = deploy(cloud, python(source), Layers=[layer(cloud, {"listener": LISTENER})],
                      Environment={"Variables": variables}, LoggingConfig={"LogFormat": "JSON"})
    function.invoke()
    [record, *_] = only(collect(function, ["function"]), "function")
    assert type(record) is expected
    record = json.loads(record) if expected is str else record
    assert (record["level"], record["message"]) == ("WARNING", "look")


def test_a_failure_is_told_as_it_happens(cloud):
    function = subscribing(cloud, "/2022-07-01/telemetry", telemetry(types=["platform"]))
    failed = function.invoke("exit")
    assert failed.error
    events = collect(function, ["platform.report"])
    done = [record for record in only(events, "platform.runtimeDone") if record["requestId"] == failed.request_id]
    if done:  # the old listener is gone with its environment when it was quicker than the batch
        assert (done[0]["status"], done[0]["errorType"]) == ("error", "Runtime.ExitError")


@pytest.mark.parametrize("schema, has_done", [("2020-08-15", False), ("2021-03-18", True)])
def test_the_older_logs_api(cloud, schema, has_done):
    destination = HTTP | {"method": "PUT", "encoding": "JSON"}
    function = subscribing(
        cloud, "/2020-08-15/logs", telemetry(schemaVersion=schema, types=["platform", "function"], destination=destination))
    first = function.invoke("hello")
    events = collect(function, ["platform.end", "platform.report", "function"])
    kinds = {event["type"] for event in events}
    assert {"platform.start", "platform.end", "platform.report", "platform.extension", "platform.logsSubscription"} <= kinds
    assert ("platform.runtimeDone" in kinds) == has_done and not kinds & {"platform.initStart", "extension"}
    assert only(events, "platform.end")[0] == {"requestId": first.request_id}
    if has_done:
        assert only(events, "platform.runtimeDone")[0] == {"requestId": first.request_id, "status": "success"}
    wait_until(lambda: function.log("LOGS"), "the subscription is in the log")
    assert function.log("LOGS")[0][1] == "LOGS\tName: listener\tState: Subscribed\tTypes: [Platform, Function]\n"


def test_events_come_over_tcp_as_lines(cloud):
    listener = """
        import socketserver
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                for line in self.rfile:
                    with open("/tmp/events", "ab") as file: file.write(line)
        threading.Thread(target=socketserver.TCPServer(("0.0.0.0", 8081), Handler).serve_forever, daemon=True).start()
        register(["INVOKE"])
        call("PUT", "/2022-07-01/telemetry", {"schemaVersion": "2022-07-01", "types": ["platform"], "buffering": {"timeoutMs": 25},
             "destination": {"protocol": "TCP", "port": 8081}}, {"Lambda-Extension-Identifier": ID})
        while True: next_event()
        """
    function = deploy(cloud, python(READER), Layers=[layer(cloud, {"lines": listener})])
    function.invoke("x")
    events = collect(function, ["platform.start", "platform.report"])
    assert events[0]["type"] == "platform.initStart"


@pytest.mark.parametrize("path, changes, kind, words", [
    ("/2022-07-01/telemetry", {"types": []}, "ValidationError", "types should not be empty"),
    ("/2022-07-01/telemetry", {"types": [], "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain"}},
     "ValidationError", "types should not be empty; URI port is not provided"),
    ("/2022-07-01/telemetry", {"schemaVersion": "1999-01-01"}, "ValidationError",
     "schemaVersion should be one of 2022-07-01, 2022-12-13, 2025-01-29"),
    ("/2022-07-01/telemetry", {"buffering": {"maxItems": 5}}, "ValidationError", "maxItems should be between 1000 and 10000"),
    ("/2022-07-01/telemetry", {"destination": {"protocol": "HTTP", "URI": "http://example.com:80"}}, "ValidationError",
     "URI should be of the form http://sandbox.localdomain:PORT/PATH"),
    ("/2022-07-01/telemetry", {"destination": {"protocol": "HTTP", "URI": "http://sandbox:9001"}}, "ValidationError",
     "URI port is not valid or reserved"),
    ("/2020-08-15/logs", {"schemaVersion": "2021-03-18", "types": ["metrics"]}, "Logs.ValidationError",
     "types should be one of platform, function, extension"),
])
def test_a_subscription_that_is_not_right_is_refused(cloud, path, changes, kind, words):
    function = subscribing(cloud, path, telemetry(**changes))
    function.invoke("x")
    wait_until(lambda: function.log("subscribed"), "the answer is in the log")
    text = function.log("subscribed")[0][1]
    assert text.startswith("subscribed 400 ")
    assert json.loads(text[len("subscribed 400 "):]) == {"errorType": kind, "errorMessage": words}


def test_nobody_subscribes_after_the_init_or_through_both_apis(cloud):
    late = """
        register(["INVOKE"])
        body = {"schemaVersion": "2022-07-01", "types": ["platform"], "destination": {"protocol": "TCP", "port": 8081}}
        headers = {"Lambda-Extension-Identifier": ID}
        say(call("PUT", "/2022-07-01/telemetry", body, headers)[0])
        say(call("PUT", "/2022-07-01/telemetry", body, headers)[0])
        say(call("PUT", "/2020-08-15/logs", body | {"schemaVersion": "2021-03-18"}, headers)[0::2])
        say(call("PUT", "/2022-07-01/telemetry", body, {})[0::2])
        say(call("PUT", "/2022-07-01/telemetry", body, {"Lambda-Extension-Identifier": "0" * 36})[0::2])
        while True:
            next_event()
            say(call("PUT", "/2022-07-01/telemetry", body, headers)[0::2])
        """
    function = deploy(cloud, python(READER), Layers=[layer(cloud, {"late": late})])
    function.invoke("x")
    wait_until(lambda: len(function.log("late ")) >= 6, "the extension has said it")
    said = [text.strip() for _, text in function.log("late ")]
    assert said[:2] == ["late 200", "late 200"]
    assert said[2].startswith("late (400, ") and "Logs.ValidationError" in said[2]
    assert said[3].startswith("late (403, ") and "Missing Lambda-Extension-Identifier header" in said[3]
    assert said[4].startswith("late (403, ") and "Extension.UnknownExtensionIdentifier" in said[4]
    assert said[5].startswith("late (403, ") and "Telemetry.SubscriptionClosed" in said[5]


def test_a_subscriber_that_takes_nothing_loses_records_and_is_told(cloud):
    deaf = """
        import http.server
        mute = threading.Event()
        got = []
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200 if mute.is_set() else 500)
                self.end_headers()
                if mute.is_set(): got.extend(body)
            def log_message(self, *words): pass
        threading.Thread(target=http.server.HTTPServer(("0.0.0.0", 8080), Handler).serve_forever, daemon=True).start()
        register(["INVOKE"])
        call("PUT", "/2022-07-01/telemetry", {"schemaVersion": "2022-07-01", "types": ["platform", "function"],
             "buffering": {"timeoutMs": 25, "maxItems": 1000}, "destination": {"protocol": "HTTP", "URI": "http://sandbox:8080"}},
             {"Lambda-Extension-Identifier": ID})
        while True:
            next_event()
            if os.path.exists("/tmp/listen"): mute.set()
            open("/tmp/dropped", "w").write(json.dumps([e["record"] for e in got if e["type"] == "platform.logsDropped"]))
        """
    source = """
        import json, os, time
        def handler(event, context):
            if event == 'much':
                for _ in range(20_000): print('x' * 50)
                open('/tmp/listen', 'w').close()
            time.sleep(0.2)
            return json.loads(open('/tmp/dropped').read() or '[]') if os.path.exists('/tmp/dropped') else []
        """
    function = deploy(cloud, python(source), Layers=[layer(cloud, {"deaf": deaf})])
    function.invoke("much")
    dropped = []
    wait_until(lambda: dropped.extend(function.invoke("x").value) or dropped, "it is told of what was dropped", 30)
    assert dropped[0]["droppedRecords"] > 1000 and dropped[0]["droppedBytes"] > 50_000
    assert dropped[0]["reason"].startswith("Some logs were dropped because the downstream consumer is slower")
