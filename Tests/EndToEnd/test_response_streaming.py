"""Streamed answers: the Runtime API's, InvokeWithResponseStream's, and those of function URLs."""

import base64
import json
import shutil
import socket
import time

import pytest

from harness import wait_until
from lambdas import ECHO, Function, deploy, policy, zipped
from urls import make_url

node = pytest.mark.skipif(shutil.which("node") is None, reason="this host has no Node.js")

# A runtime without a library: it sends what the event lists, piece by piece, and then does what the event says.
BOOTSTRAP = r'''#!/usr/bin/python3
import base64, json, os, socket, time
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")

def connect():
    return socket.create_connection((host, int(port)))

def read_answer(connection):
    file = connection.makefile("rb")
    status = int(file.readline().split()[1])
    headers = {}
    while (line := file.readline().strip()):
        name, value = line.decode().split(":", 1)
        headers[name.lower()] = value.strip()
    return status, headers, file.read(int(headers.get("content-length", 0)))

while True:
    with connect() as connection:
        connection.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: x\r\n\r\n")
        _, headers, body = read_answer(connection)
    event, request = json.loads(body), headers["lambda-runtime-aws-request-id"]
    with connect() as connection:
        head = [f"POST /2018-06-01/runtime/invocation/{request}/response HTTP/1.1", "Host: x", "Transfer-Encoding: chunked",
                f"Lambda-Runtime-Function-Response-Mode: {event.get('mode', 'streaming')}",
                f"Content-Type: {event.get('type', 'text/plain')}"]
        if "error" in event:
            head.append("Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
        for piece in event.get("pieces", []):
            if isinstance(piece, (int, float)):
                time.sleep(piece)
                continue
            data = piece.encode()
            connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))
        if event.get("end") == "exit":
            os._exit(event.get("status", 0))
        if event.get("end") == "cut":
            connection.close()
            continue
        if event.get("end") == "hang":
            time.sleep(1000)
        tail = b""
        if "error" in event:
            error = event["error"] if isinstance(event["error"], str) else base64.b64encode(json.dumps(event["error"]).encode()).decode()
            tail = f"Lambda-Runtime-Function-Error-Type: {event['kind']}\r\nLambda-Runtime-Function-Error-Body: {error}\r\n".encode()
        connection.sendall(b"0\r\n" + tail + b"\r\n")
        print("posted", read_answer(connection)[0], flush=True)
'''


# The same, for requests that cannot say what they want: 4 MB.
ENDLESS = BOOTSTRAP.replace('event.get("pieces", [])', '["x" * 100_000] * 40')


def deploy_custom(cloud, **options):
    return deploy(cloud, zipped({"bootstrap*": BOOTSTRAP}), runtime="provided.al2023", **options)


def deploy_node(cloud, source, **options):
    return deploy(cloud, zipped({"index.mjs": source}), runtime="nodejs20.x", **options)


class Stream:
    """What an InvokeWithResponseStream gave."""

    def __init__(self, function, event=None, **options):
        self.answer = function.client.invoke_with_response_stream(FunctionName=function.name, Payload=json.dumps(event), **options)
        self.status = self.answer["StatusCode"]
        self.version = self.answer.get("ExecutedVersion")
        self.pieces, self.complete = [], None
        for event in self.answer["EventStream"]:
            assert self.complete is None, "a message after the last one"
            if "PayloadChunk" in event:
                self.pieces.append(event["PayloadChunk"]["Payload"])
            else:
                self.complete = event["InvokeComplete"]

    @property
    def body(self):
        return b"".join(self.pieces)


def test_a_buffered_function_answers_in_one_piece(cloud):
    function = deploy(cloud, ECHO)
    stream = Stream(function, {"a": "ü"})
    assert (stream.status, stream.version) == (200, "$LATEST")
    assert json.loads(stream.body) == {"a": "ü"}
    assert stream.complete == {}
    assert stream.answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/vnd.amazon.eventstream"
    logged = Stream(function, {}, LogType="Tail")
    assert b"REPORT RequestId" in base64.b64decode(logged.complete["LogResult"])


def test_a_function_error_comes_in_the_last_message(cloud):
    function = deploy(cloud, "def handler(event, context):\n    raise ValueError('no ' + event)\n")
    stream = Stream(function, "luck")
    assert stream.status == 200 and stream.pieces == []
    assert stream.complete["ErrorCode"] == "Unhandled"
    assert json.loads(stream.complete["ErrorDetails"])["errorMessage"] == "no luck"


def test_a_dry_run_invokes_nothing(cloud):
    function = deploy(cloud, ECHO)
    answer = function.client.invoke_with_response_stream(FunctionName=function.name, InvocationType="DryRun")
    assert answer["StatusCode"] == 204 and function.log() == []


def test_the_errors_are_those_of_invoke(cloud, refused):
    function = deploy(cloud, ECHO)
    invoke = function.client.invoke_with_response_stream
    with refused("ResourceNotFoundException", 404, containing=f"Function not found: {function.arn[:-6]}nobody"):
        invoke(FunctionName="nobody")
    with refused("InvalidRequestContentException", 400, containing="Could not parse request body into json"):
        invoke(FunctionName=function.name, Payload="{")
    with refused("ValidationException", 400, containing="invocationType"):
        invoke(FunctionName=function.name, InvocationType="Event")
    with refused("InvalidRequestContentException", 400):
        invoke(FunctionName=function.name, ClientContext="%%%")
    with refused("RequestTooLargeException", 413):
        invoke(FunctionName=function.name, Payload=json.dumps("x" * 7_000_000))
    function.client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    with refused("TooManyRequestsException", 429):
        invoke(FunctionName=function.name)


def test_streaming_needs_the_permission_to_invoke(cloud, refused):
    function = deploy(cloud, ECHO)
    iam = cloud.client("iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    ann = Function(cloud, function.name)
    ann.client = cloud.client("lambda", credentials=(key["AccessKeyId"], key["SecretAccessKey"]))
    with refused("AccessDeniedException", 403, containing="lambda:InvokeFunction"):
        Stream(ann)
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=policy(
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function.arn}))
    assert Stream(ann, [1]).body == b"[1]"


def test_a_custom_runtime_streams(cloud):
    function = deploy_custom(cloud)
    stream = Stream(function, {"pieces": ["one ", 0.05, "two ", 0.05, "three"]})
    assert stream.body == b"one two three" and stream.complete == {}
    assert len(stream.pieces) == 3
    # Whoever wants it whole gets it whole.
    answer = function.client.invoke(FunctionName=function.name, Payload=json.dumps({"pieces": ['{"a":', "1}"]}))
    assert json.loads(answer["Payload"].read()) == {"a": 1}
    empty = Stream(function, {})
    assert empty.pieces == [] and empty.complete == {}
    wait_until(lambda: len(function.log("posted 202")) == 3, "each answer was accepted")


def test_the_first_piece_arrives_before_the_last_is_made(cloud):
    function = deploy_custom(cloud)
    Stream(function, {})
    answer = function.client.invoke_with_response_stream(
        FunctionName=function.name, Payload=json.dumps({"pieces": ["first", 1.5, "last"]}))
    began = time.monotonic()
    times = [(event, time.monotonic() - began) for event in answer["EventStream"]]
    assert times[0][0]["PayloadChunk"]["Payload"] == b"first" and times[0][1] < 1
    assert times[1][0]["PayloadChunk"]["Payload"] == b"last" and times[1][1] > 1


OBJECT = {"errorType": "CustomKind", "errorMessage": "in the middle"}


@pytest.mark.parametrize("kind, code, error, details, whole", [
    ("Function.CustomKind", "Function.CustomKind", OBJECT, json.dumps(OBJECT), OBJECT),
    ("Runtime.CustomKind", "Runtime.CustomKind", OBJECT, json.dumps(OBJECT), OBJECT),
    ("CustomKind", "Runtime.Unknown", OBJECT, json.dumps(OBJECT), OBJECT),
    ("Function.custom-kind", "Function.Unknown", OBJECT, json.dumps(OBJECT), OBJECT),
    ("Function.CustomKind", "Function.CustomKind", "aGk=", "hi", {"errorType": "Runtime.Unknown", "errorMessage": ""}),
    ("Function.CustomKind", "Function.CustomKind", "%%%no base64", "", {"errorType": "Runtime.Unknown", "errorMessage": ""}),
], ids=["function", "runtime", "unknown", "malformed", "no-object", "no-base64"])
def test_an_error_in_the_middle_comes_after_what_was_sent(cloud, kind, code, error, details, whole):
    function = deploy_custom(cloud)
    stream = Stream(function, {"pieces": ["begun"], "error": error, "kind": kind})
    assert stream.body == b"begun"
    assert (stream.complete["ErrorCode"], stream.complete["ErrorDetails"]) == (code, details)
    assert function.invoke({"pieces": ["1"], "error": error, "kind": kind}).failure == whole
    assert Stream(function, {"pieces": ["2"]}).body == b"2"


@pytest.mark.parametrize("end", [{"end": "exit"}, {"end": "exit", "status": 3}, {"end": "cut"}], ids=["exit", "status", "cut"])
def test_a_stream_that_is_cut_off_is_truncated(cloud, end):
    function = deploy_custom(cloud)
    stream = Stream(function, {"pieces": ["begun"]} | end)
    assert stream.body == b"begun"
    assert stream.complete["ErrorCode"] == "Runtime.TruncatedResponse"
    assert Stream(function, {"pieces": ["again"]}).body == b"again"


def test_time_runs_out_in_the_middle(cloud):
    function = deploy_custom(cloud, Timeout=2)
    stream = Stream(function, {"pieces": ["begun"], "end": "hang"}, LogType="Tail")
    assert stream.body == b"begun"
    assert stream.complete["ErrorCode"] == "Sandbox.Timedout"
    assert "Task timed out after 2.00 seconds" in stream.complete["ErrorDetails"]
    assert b"Status: timeout" in base64.b64decode(stream.complete["LogResult"])


def test_an_answer_in_an_unknown_mode_fails(cloud):
    function = deploy_custom(cloud)
    assert function.invoke({"mode": "dripping", "pieces": ["1"]}).failure["errorType"] == "Runtime.InvalidResponseModeHeader"
    wait_until(lambda: function.log("posted 400"), "the runtime is told")
    assert function.invoke({"mode": "buffered", "pieces": ["1"]}).value == 1


def test_a_client_that_leaves_does_not_end_the_function(cloud):
    function = deploy_custom(cloud)
    answer = function.client.invoke_with_response_stream(
        FunctionName=function.name, Payload=json.dumps({"pieces": ["first", 0.5] + ["x" * 100_000] * 20 + ["last"]}))
    assert next(iter(answer["EventStream"]))["PayloadChunk"]["Payload"] == b"first"
    answer["EventStream"].close()
    wait_until(lambda: function.log("posted 202"), "the function came to its end")


# Node.

STREAMED = """
import { setTimeout as pause } from 'node:timers/promises'
export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.setContentType('text/plain')
  stream.write('one ')
  await pause(event.pause ?? 0)
  stream.write(Buffer.from('two '))
  stream.write({ three: 3 })
  stream.end()
})
"""


@node
def test_a_node_function_streams(cloud):
    function = deploy_node(cloud, STREAMED)
    for _ in range(3):
        stream = Stream(function, {})
        assert stream.body == b'one two {"three":3}' and stream.complete == {}


@node
def test_a_node_function_streams_a_pipeline(cloud):
    function = deploy_node(cloud, """
        import { pipeline } from 'node:stream/promises'
        import { Readable } from 'node:stream'
        export const handler = awslambda.streamifyResponse(async (event, stream) => {
          await pipeline(Readable.from((function * () { for (let i = 0; i < event.count; i++) yield Buffer.alloc(1000, 97) })()), stream)
        }, { highWaterMark: 65536 })
    """)
    assert Stream(function, {"count": 3000}).body == b"a" * 3_000_000


@node
@pytest.mark.parametrize("source, before, kind, message", [
    ("async (e, s) => { s.write('begun'); throw new RangeError('late') }", b"begun", "Runtime.Unknown", "late"),
    ("async (e, s) => { throw new RangeError('early') }", b"", "Runtime.Unknown", "early"),
    ("(e, s) => { s.write('sync'); s.end() }", b"sync", "Runtime.Unknown", "Streaming does not support non-async handlers."),
    ("async (e, s) => { s.write('begun'); s.setContentType('text/html') }", b"begun", "Runtime.InvalidStreamingOperation", "too late"),
    ("async (e, s) => { s.write('begun'); setTimeout(() => { throw new Error('lost') }, 10); await new Promise(() => {}) }",
     b"begun", "Runtime.Unknown", "lost"),
    ("async (e, s) => { s.write('begun'); Promise.reject(new Error('adrift')); await new Promise(() => {}) }",
     b"begun", "Runtime.UnhandledPromiseRejection", "adrift"),
    ("async (e, s) => { s.write('begun'); s.destroy(new Error('torn')) }", b"begun", "Runtime.Unknown", "torn"),
], ids=["middle", "early", "sync", "too-late", "exception", "rejection", "destroyed"])
def test_errors_of_a_streaming_node_handler(cloud, source, before, kind, message):
    function = deploy_node(cloud, f"export const handler = awslambda.streamifyResponse({source})")
    stream = Stream(function, {})
    assert stream.body == before, stream.complete
    assert message in stream.complete["ErrorDetails"] and stream.complete["ErrorCode"] == kind
    wait_until(lambda: function.log(message), "the log tells of it")


@node
def test_a_stream_that_never_ends_runs_into_its_time_out(cloud):
    function = deploy_node(cloud, "export const handler = awslambda.streamifyResponse(async (e, s) => { s.write('begun') })", Timeout=2)
    stream = Stream(function, {})
    assert stream.body == b"begun" and stream.complete["ErrorCode"] == "Sandbox.Timedout"


@node
@pytest.mark.parametrize("waits, is_done", [("true", True), ("false", False)])
def test_the_event_loop_is_waited_for_unless_the_function_says_no(cloud, waits, is_done):
    function = deploy_node(cloud, f"""
        let timers = 0
        export const handler = awslambda.streamifyResponse(async (event, stream, context) => {{
          context.callbackWaitsForEmptyEventLoop = {waits}
          stream.write(String(timers))
          if (event.first) setTimeout(() => {{ timers++ }}, 700)
          stream.end()
        }})
    """)
    assert Stream(function, {"first": True}).body == b"0"
    assert Stream(function, {}).body == (b"1" if is_done else b"0")


# By URL.

@node
def test_a_url_streams_with_a_status_of_the_functions_own(cloud):
    function = deploy_node(cloud, """
        export const handler = awslambda.streamifyResponse(async (event, stream) => {
          stream = awslambda.HttpResponseStream.from(stream, {
            statusCode: 418, headers: { 'Content-Type': 'text/html', 'X-Path': event.rawPath }, cookies: ['a=1', 'b=2; Path=/'] })
          stream.write('<p>')
          await new Promise(resolve => setTimeout(resolve, 1500))
          stream.write('tea')
          stream.end()
        })
    """)
    url = make_url(function, InvokeMode="RESPONSE_STREAM")
    response = url.begin("/pot")
    began = time.monotonic()
    assert response.status == 418 and response.getheader("content-type") == "text/html" and response.getheader("x-path") == "/pot"
    assert response.headers.get_all("set-cookie") == ["a=1", "b=2; Path=/"]
    assert response.read1() == b"<p>" and time.monotonic() - began < 1
    assert response.read() == b"tea" and time.monotonic() - began > 1


@node
@pytest.mark.parametrize("source", [
    "async (e, s) => { s = awslambda.HttpResponseStream.from(s, { statusCode: 1000 }); s.write('x'); s.end() }",
    "async (e, s) => { s.setContentType('application/vnd.awslambda.http-integration-response'); s.write('no prelude'); s.end() }",
    "async (e, s) => { throw new Error('early') }",
    "async (e, s) => { s = awslambda.HttpResponseStream.from(s, { headers: { a: 'b\\r\\nc: d' } }); s.write('x'); s.end() }",
], ids=["status", "no-prelude", "error", "header"])
def test_a_stream_that_is_no_response_is_502(cloud, source):
    url = make_url(deploy_node(cloud, f"export const handler = awslambda.streamifyResponse({source})"), InvokeMode="RESPONSE_STREAM")
    reply = url.call()
    assert (reply.status, reply.text) == (502, "Internal Server Error")


@node
def test_a_stream_that_writes_nothing_has_no_status_of_its_own(cloud):
    """So it is with AWS's own client, which writes the prelude before the first byte."""
    url = make_url(deploy_node(cloud, """
        export const handler = awslambda.streamifyResponse(async (event, stream) => {
          awslambda.HttpResponseStream.from(stream, { statusCode: 301, headers: { location: '/there' } }).end() })"""),
        InvokeMode="RESPONSE_STREAM")
    reply = url.call()
    assert (reply.status, reply.body, reply.headers["content-type"]) == (200, b"", "application/octet-stream")


def test_a_request_for_the_head_alone_leaves_the_function_free(cloud):
    function = deploy(cloud, zipped({"bootstrap*": ENDLESS}), runtime="provided.al2023", Timeout=20)
    url = make_url(function, InvokeMode="RESPONSE_STREAM")
    began = time.monotonic()
    for _ in range(2):
        reply = url.call(method="HEAD")
        assert (reply.status, reply.body) == (200, b"")
    wait_until(lambda: len(function.log("posted 202")) == 2, "the function came to its end")
    assert time.monotonic() - began < 15


@node
def test_a_stream_that_fails_in_its_middle_has_no_end(cloud):
    url = make_url(deploy_node(cloud, """
        export const handler = awslambda.streamifyResponse(async (e, s) => {
          s.write('begun'); await new Promise(r => setTimeout(r, 50)); throw new Error('late') })"""), InvokeMode="RESPONSE_STREAM")
    with socket.create_connection(("127.0.0.1", url.server.port)) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {url.host}\r\n\r\n".encode())
        connection.settimeout(20)
        received = b""
        while (part := connection.recv(65536)):
            received += part
    assert b"200 OK" in received and b"begun" in received and not received.endswith(b"0\r\n\r\n")


def test_a_streaming_url_of_a_buffered_function_passes_its_result_on(cloud):
    function = deploy(cloud, "def handler(event, context):\n    return {'statusCode': 201, 'body': 'x'}\n")
    reply = make_url(function, InvokeMode="RESPONSE_STREAM").call()
    assert reply.status == 200 and reply.headers["content-type"] == "application/json"
    assert reply.json == {"statusCode": 201, "body": "x"}


def test_a_slow_reader_makes_the_function_wait(cloud):
    function = deploy(cloud, zipped({"bootstrap*": ENDLESS}), runtime="provided.al2023")
    url = make_url(function, InvokeMode="RESPONSE_STREAM")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", url.server.port))
    with connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {url.host}\r\nConnection: close\r\n\r\n".encode())
        connection.settimeout(20)
        size, largest = 0, 0
        while (part := connection.recv(65536)):
            size, largest = size + len(part), max(largest, len(part))
    assert size > 4_000_000
    wait_until(lambda: function.log("posted 202"), "the function came to its end")
