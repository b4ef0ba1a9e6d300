"""Functions in other languages: Node on the host's interpreter, and custom runtimes that bring their own bootstrap."""

import shutil
import subprocess

import pytest

from lambdas import deploy, zipped
from harness import wait_until
from runtime_client import CLIENT

node = pytest.mark.skipif(shutil.which("node") is None, reason="this host has no Node.js")


def deploy_node(cloud, files, **options):
    return deploy(cloud, zipped(files), runtime="nodejs20.x", **options)


@node
@pytest.mark.parametrize("files", [
    {"index.js": "exports.handler = async event => ({ got: event })"},
    {"index.mjs": "export const handler = async event => ({ got: event })"},
    {"index.js": "export const handler = async event => ({ got: event })", "package.json": '{"type": "module"}'},
    {"index.cjs": "exports.handler = event => Promise.resolve({ got: event })"},
    {"index.js": "exports.handler = (event, context, callback) => setTimeout(() => callback(null, { got: event }), 20)"},
    {"index.js": "const { wrap } = require('./lib/wrap'); exports.handler = async event => wrap(event)",
     "lib/wrap.js": "exports.wrap = got => ({ got })"},
    {"index.js": "const { wrap } = require('wrapper'); exports.handler = async event => wrap(event)",
     "node_modules/wrapper/index.js": "exports.wrap = got => ({ got })"},
], ids=["commonjs", "esm", "esm-by-package", "promise", "callback", "local-module", "node_modules"])
def test_a_node_handler_of_each_style_answers(cloud, files):
    function = deploy_node(cloud, files)
    assert function.invoke({"a": "ü"}).value == {"got": {"a": "ü"}}
    assert function.invoke([2]).value == {"got": [2]}


@node
def test_node_functions_log_and_know_their_context(cloud):
    function = deploy_node(cloud, {"index.mjs": """
        export const handler = async (event, context) => {
          console.log('one line\\nand another', { a: 1 })
          console.error('bad')
          return { id: context.awsRequestId, left: context.getRemainingTimeInMillis(), name: context.functionName }
        }
        """}, Timeout=9)
    answer = function.invoke({})
    assert answer.value["id"] == answer.request_id and answer.value["name"] == "worker"
    assert 8000 < answer.value["left"] <= 9000
    assert f"\t{answer.request_id}\tINFO\tone line\nand another {{ a: 1 }}\n" in answer.log
    assert f"\t{answer.request_id}\tERROR\tbad\n" in answer.log
    # A message of two lines is one event of the log.
    wait_until(lambda: any(text.endswith("\tINFO\tone line\nand another { a: 1 }\n") for _, text in function.log()), "one event")


@node
@pytest.mark.parametrize("source, kind, message", [
    ("exports.handler = async () => { throw new TypeError('odd') }", "TypeError", "odd"),
    ("exports.handler = () => { throw new Error('at once') }", "Error", "at once"),
    ("exports.handler = (e, c, callback) => callback(new RangeError('far'))", "RangeError", "far"),
    ("exports.handler = async () => { throw 'text' }", "string", "text"),
    ("exports.handler = async () => { Promise.reject(new Error('lost')); await new Promise(r => setTimeout(r, 500)) }",
     "Runtime.UnhandledPromiseRejection", "Error: lost"),
    ("exports.handler = async () => { setTimeout(() => { throw new Error('later') }, 10); await new Promise(r => setTimeout(r, 500)) }",
     "Error", "later"),
], ids=["async", "sync", "callback", "no-error", "unhandled-rejection", "uncaught"])
def test_a_node_error_is_an_error_object_with_a_trace(cloud, source, kind, message):
    function = deploy_node(cloud, {"index.js": source})
    failure = function.invoke({}).failure
    assert (failure["errorType"], failure["errorMessage"]) == (kind, message)
    assert isinstance(failure["trace"], list)
    assert function.invoke({}).failure["errorMessage"] == message


@node
@pytest.mark.parametrize("line, waits", [("", True), ("context.callbackWaitsForEmptyEventLoop = false", False)])
def test_a_callback_waits_for_the_event_loop_unless_it_is_told_not_to(cloud, line, waits):
    function = deploy_node(cloud, {"index.js": f"""
        const seen = []
        exports.handler = (event, context, callback) => {{
          {line}
          setTimeout(() => seen.push(event), 300)
          callback(null, seen.slice())
        }}
        """})
    assert function.invoke(1).value == []
    answer = function.invoke(2)
    duration = float(answer.log.split("\tDuration: ")[1].split(" ")[0])
    assert (duration > 290) == waits
    # What was left over goes on with the next invocation, as on AWS.
    wait_until(lambda: 1 in function.invoke(3).value, "the timer of the first invocation has run")


@node
@pytest.mark.parametrize("source, value", [
    ("exports.handler = (e, context) => context.succeed('ok')", "ok"),
    ("exports.handler = (e, context) => context.done(null, 'ok')", "ok"),
    ("exports.handler = (e, context) => context.fail(new Error('no'))", None),
    ("exports.handler = (e, context) => context.done(new Error('no'))", None),
])
def test_the_old_ways_to_end_a_node_invocation(cloud, source, value):
    answer = deploy_node(cloud, {"index.js": source}).invoke({})
    if value is None:
        assert (answer.failure["errorType"], answer.failure["errorMessage"]) == ("Error", "no")
    else:
        assert answer.value == value


@node
def test_an_unhandled_rejection_is_logged_with_its_reason_and_ends_the_process(cloud):
    function = deploy_node(cloud, {"index.js": """
        let count = 0
        exports.handler = async event => {
          if (event) { Promise.reject(new TypeError('lost')); await new Promise(r => setTimeout(r, 500)) }
          return ++count
        }
        """})
    assert function.invoke(0).value == 1
    answer = function.invoke(1)
    assert set(answer.failure) == {"errorType", "errorMessage", "trace"}
    assert "\tERROR\tUnhandled Promise Rejection \t" in answer.log and '"reason":{"errorType":"TypeError"' in answer.log
    assert function.invoke(0).value == 1


@node
@pytest.mark.parametrize("files, handler, kind", [
    ({"index.js": "exports.handler = 1"}, "index.handler", "Runtime.HandlerNotFound"),
    ({"index.js": "exports.handler = async () => 1"}, "index.nobody", "Runtime.HandlerNotFound"),
    ({"index.js": "exports.handler = async () => 1"}, "nowhere.handler", "Runtime.ImportModuleError"),
    ({"index.js": "require('missing-package')"}, "index.handler", "Runtime.ImportModuleError"),
    ({"index.js": "exports.handler = async () => {"}, "index.handler", "Runtime.UserCodeSyntaxError"),
    ({"index.js": "throw new Error('no')"}, "index.handler", "Error"),
], ids=["no-function", "not-exported", "no-file", "no-package", "syntax", "throws"])
def test_a_node_module_that_cannot_be_loaded_says_why(cloud, files, handler, kind):
    assert deploy_node(cloud, files, handler=handler).invoke({}).failure["errorType"] == kind


@node
def test_a_node_process_that_exits_is_replaced(cloud):
    function = deploy_node(cloud, {"index.js": "exports.handler = async event => { if (event.exit) process.exit(7); return 'here' }"})
    assert function.invoke({"exit": True}).failure["errorMessage"].endswith("Error: Runtime exited with error: exit status 7")
    assert function.invoke({}).value == "here"


@node
def test_a_node_function_that_returns_nothing_answers_null(cloud):
    assert deploy_node(cloud, {"index.mjs": "export const handler = async () => {}"}).invoke({}).value is None


# Custom runtimes

BOOTSTRAP = CLIENT + r"""
int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  for (int count = 1;; count++) {
    ask("GET", "invocation/next", "");
    char *head = strcasestr(buffer, "lambda-runtime-aws-request-id: ");
    char *body = strstr(buffer, "\r\n\r\n");
    if (!head || !body) { printf("unexpected: %s\n", buffer); return 11; }
    char id[64] = {0}, path[160], answer[4096];
    sscanf(head + strlen("lambda-runtime-aws-request-id: "), "%63[0-9a-f-]", id);
    body += 4;
    printf("event %d: %s\n", count, body);
    if (strstr(body, "crash")) abort();
    snprintf(path, sizeof path, "invocation/%s/%s", id, strstr(body, "fail") ? "error" : "response");
    snprintf(answer, sizeof answer, strstr(body, "fail") ? "{\"errorType\":\"C\",\"errorMessage\":\"no\"}" : "{\"count\":%d,\"handler\":\"%s\",\"event\":%s}",
      count, getenv("_HANDLER"), body);
    ask("POST", path, answer);
    if (strstr(body, "hang")) for (;;) pause();
  }
}
"""


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory):
    """A custom runtime in C with nothing but sockets, which knows only the published contract."""
    directory = tmp_path_factory.mktemp("bootstrap")
    (directory / "bootstrap.c").write_text(BOOTSTRAP)
    subprocess.run(["gcc", "-O1", "-o", directory / "bootstrap", directory / "bootstrap.c"], check=True)
    return zipped({"bootstrap*": (directory / "bootstrap").read_bytes()})


@pytest.mark.parametrize("runtime", ["provided.al2023", "provided.al2"])
def test_a_bootstrap_serves_invocations(cloud, bootstrap, runtime):
    function = deploy(cloud, bootstrap, runtime=runtime, handler="my.handler")
    first = function.invoke({"a": 1})
    assert first.value == {"count": 1, "handler": "my.handler", "event": {"a": 1}}
    assert 'event 1: {"a": 1}\n' in first.log
    assert function.invoke("x").value["count"] == 2
    failed = function.invoke("fail")
    assert failed.failure == {"errorType": "C", "errorMessage": "no"}
    assert function.invoke("x").value["count"] == 4
    assert function.invoke("crash").failure["errorMessage"].endswith("Error: Runtime exited with error: signal: aborted")
    assert function.invoke("x").value["count"] == 1


def test_a_runtime_that_never_asks_for_more_is_replaced_when_its_time_is_over(cloud, bootstrap):
    function = deploy(cloud, bootstrap, runtime="provided.al2023", Timeout=2)
    assert function.invoke("hang").value["count"] == 1
    assert function.invoke("next").value["count"] == 1


@pytest.mark.parametrize("files, text", [
    ({"other*": "#!/bin/sh\n"}, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
    ({"bootstrap": "#!/bin/sh\n"}, "fork/exec /var/task/bootstrap: permission denied"),
    ({"bootstrap*": "no program"}, "fork/exec /var/task/bootstrap: exec format error"),
], ids=["missing", "not-executable", "no-program"])
def test_a_bootstrap_that_cannot_run_is_an_error_of_the_function(cloud, files, text):
    function = deploy(cloud, zipped(files), runtime="provided.al2023")
    for _ in range(2):
        answer = function.invoke({})
        assert answer.failure == {"errorType": "Runtime.InvalidEntrypoint", "errorMessage": f"RequestId: {answer.request_id} Error: {text}"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="this host has no curl")
def test_a_shell_script_is_a_runtime_too(cloud):
    script = """#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while :; do
  event=$(curl -sS -D /tmp/head "$api/next")
  id=$(sed -n 's/^lambda-runtime-aws-request-id: *//Ip' /tmp/head | tr -d '\\r\\n')
  echo "handling $event" >&2
  curl -sS -d "{\\"echo\\":$event}" "$api/$id/response" >/dev/null
done
"""
    function = deploy(cloud, zipped({"bootstrap*": script}), runtime="provided.al2023")
    answer = function.invoke({"a": "b"})
    assert answer.value == {"echo": {"a": "b"}} and 'handling {"a": "b"}\n' in answer.log
    assert function.invoke(7).value == {"echo": 7}
