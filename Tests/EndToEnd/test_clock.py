"""The `dewpoint clock` commands, as people type them."""

import datetime
import re
import subprocess

import pytest

from harness import Server, wait_until
from lambdas import make_queue

LINE = re.compile(r"(?P<now>\S+)  (?P<mode>\w+)  (?P<offset>\S+) from real time\n")


@pytest.fixture
def dewpoint(timed_cloud):
    def run(*arguments, fails=False):
        done = subprocess.run(
            [Server.binary(), "clock", *arguments, "--endpoint", timed_cloud.server.endpoint], capture_output=True, text=True, timeout=20)
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else LINE.fullmatch(done.stdout)
    run()
    yield run
    run("reset")


def time_of(line):
    return datetime.datetime.fromisoformat(line["now"])


def test_the_clock_is_frozen_advanced_resumed_and_reset(dewpoint):
    running = dewpoint()
    assert running["mode"] == "running" and running["offset"] in ("+0m00s", "-0m00s")
    frozen = dewpoint("freeze")
    assert frozen["mode"] == "frozen"
    assert dewpoint()["now"] == frozen["now"]
    assert time_of(dewpoint("advance", "6h")) == time_of(frozen) + datetime.timedelta(hours=6)
    advanced = dewpoint("advance", "1d12h")
    assert time_of(advanced) == time_of(frozen) + datetime.timedelta(hours=42) and advanced["mode"] == "frozen"
    resumed = dewpoint("resume")
    assert resumed["mode"] == "running" and time_of(resumed) >= time_of(advanced)
    assert re.fullmatch(r"\+(41h59m\d\ds|42h00m\d\ds)", resumed["offset"])
    reset = dewpoint("reset")
    assert reset["mode"] == "running" and reset["offset"] in ("+0m00s", "-0m00s")


@pytest.mark.parametrize("duration", ["6", "soon", "-1h", "1y"])
def test_a_duration_that_is_none_is_refused(dewpoint, duration):
    assert dewpoint("advance", "--", duration, fails=True)
    assert dewpoint()["offset"] in ("+0m00s", "-0m00s")


def test_a_delayed_message_comes_when_the_clock_is_advanced(timed_cloud, dewpoint):
    dewpoint("freeze")
    url, _ = make_queue(timed_cloud)
    sqs = timed_cloud.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    dewpoint("advance", "14m59s")
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    dewpoint("advance", "1s")
    wait_until(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), "the message is there")


def test_without_a_server_the_command_says_so():
    done = subprocess.run(
        [Server.binary(), "clock", "--endpoint", "http://127.0.0.1:1"], capture_output=True, text=True, timeout=20)
    assert done.returncode != 0 and "127.0.0.1:1" in done.stderr
