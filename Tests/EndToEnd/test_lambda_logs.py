"""The logs of functions, through both versions of the AWS CLI."""

import re
import threading

import pytest

from harness import CLI_2, wait_until
from lambdas import deploy

PRINTING = "def handler(event, context):\n    print('said:', event)\n"


def test_the_cli_shows_the_log_of_a_function(cloud):
    function = deploy(cloud, PRINTING)
    answer = function.invoke("hello")
    wait_until(lambda: function.log("REPORT"), "the invocation is in the log")
    groups = cloud.cli_json("logs", "describe-log-groups", "--log-group-name-prefix", "/aws/lambda/")
    assert [g["logGroupName"] for g in groups["logGroups"]] == ["/aws/lambda/worker"]
    [stream] = cloud.cli_json("logs", "describe-log-streams", "--log-group-name", "/aws/lambda/worker")["logStreams"]
    events = cloud.cli_json(
        "logs", "get-log-events", "--log-group-name", "/aws/lambda/worker", "--log-stream-name", stream["logStreamName"],
        "--start-from-head")["events"]
    assert [re.split(r"[ :]", e["message"])[0] for e in events] == ["INIT_START", "START", "said", "END", "REPORT"]
    assert events[2]["message"] == "said: hello\n"
    found = cloud.cli_json(
        "logs", "filter-log-events", "--log-group-name", "/aws/lambda/worker", "--filter-pattern", f'"{answer.request_id}"')
    assert len(found["events"]) == 3


class Tail:
    """A running `aws logs tail --follow`; its lines so far."""

    def __init__(self, cloud, group):
        self.process = cloud.start_cli_2("logs", "tail", group, "--follow", "--format", "short", "--since", "1h")
        self.lines = []
        threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def shows(self, text, limit=30):
        def found():
            assert self.process.poll() is None, "".join(self.lines)
            return any(text in line for line in self.lines)
        wait_until(found, f"{text} is shown", limit)


@pytest.mark.skipif(not CLI_2.exists(), reason="version 2 of the CLI is not installed (scripts/setup test)")
def test_tail_follow_shows_lines_as_they_come(cloud):
    function = deploy(cloud, PRINTING)
    function.invoke("before")
    wait_until(lambda: function.log("REPORT"), "the invocation is in the log")
    with Tail(cloud, function.log_group) as tail:
        tail.shows("said: before")
        for n in range(2):
            function.invoke(f"while following {n}")
            tail.shows(f"said: while following {n}")
        # A new environment writes to another stream, which is followed too.
        function.configure(Description="another revision")
        function.invoke("from another stream")
        tail.shows("said: from another stream")
        assert sum("said: before" in line for line in tail.lines) == 1
