"""Asynchronous invocations: retries on the clock, dead letters, limits, and that nothing accepted is lost."""

import json
import re

import pytest

from harness import send, wait_until
from lambdas import ECHO, LOGS, deploy, make_queue, make_role, receive_all

MINUTE = 60_000

RECORDING = """
    import json
    def handler(event, context):
        print("attempt of", json.dumps(event))
        if event.get("fail"):
            raise ValueError("told to fail")
        return "done"
    """

SENDING = """
    import boto3, os
    sqs = boto3.client("sqs")
    def handler(event, context):
        sqs.send_message(QueueUrl=os.environ["RESULTS"], MessageBody=str(event))
    """


@pytest.fixture
def frozen(timed_cloud):
    timed_cloud.clock.freeze()
    return timed_cloud


def has_failed(function, times):
    """So many attempts are over, and what follows from each has been noted: no event of the server is being tried."""
    _, body, _ = send(function.cloud.server.endpoint + "/_dewpoint/metrics")
    return len(function.log("REPORT")) == times and 'dewpoint_lambda_async_events{state="taken"} 0' in body.decode()



def starts(function):
    """When it was invoked, and with which request id."""
    return [(time, re.search(r"RequestId: (\S+)", text)[1]) for time, text in function.log("START RequestId")]


def dead_letters(cloud, url):
    return cloud.client("sqs").receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"], MaxNumberOfMessages=10).get("Messages", [])


def test_an_event_runs_once_when_it_succeeds(frozen):
    function = deploy(frozen, RECORDING)
    start = frozen.clock.now_ms()
    request = function.send({"n": 1})
    wait_until(lambda: function.log("END"), "the event has run")
    assert [text for _, text in function.log("attempt of")] == ['attempt of {"n": 1}\n']
    frozen.clock.advance("10m")
    function.send({"n": 2})
    wait_until(lambda: function.log('{"n": 2}'), "a later event has run")
    assert starts(function)[0] == (start, request) and len(starts(function)) == 2


def test_a_failing_event_is_tried_three_times_and_becomes_a_dead_letter(frozen):
    url, arn = make_queue(frozen, "dead")
    function = deploy(frozen, RECORDING, DeadLetterConfig={"TargetArn": arn})
    start = frozen.clock.now_ms()
    request = function.send({"fail": True, "text": "grün"})
    wait_until(lambda: has_failed(function, 1), "the first attempt")
    # The clock moves in steps, so that the time of each attempt tells what it waited for.
    for step in range(4):
        frozen.clock.advance("30s")
        wait_until(lambda: len(starts(function)) == 1 + (step >= 1), f"attempts after step {step}")
        # The pause before the third counts from the end of the second.
        wait_until(lambda: has_failed(function, 1 + (step >= 1)), f"their ends after step {step}")
    for step in range(2):
        frozen.clock.advance("30s")
    wait_until(lambda: len(starts(function)) == 3, "the third attempt")
    assert starts(function) == [(start, request), (start + MINUTE, request), (start + 3 * MINUTE, request)]

    letter = wait_until(lambda: dead_letters(frozen, url), "the dead letter")[0]
    assert json.loads(letter["Body"]) == {"fail": True, "text": "grün"}
    attributes = letter["MessageAttributes"]
    assert attributes["RequestID"] == {"StringValue": request, "DataType": "String"}
    assert attributes["ErrorCode"] == {"StringValue": "200", "DataType": "Number"}
    assert attributes["ErrorMessage"] == {"StringValue": "told to fail", "DataType": "String"}
    frozen.clock.advance("1h")
    function.send({})
    wait_until(lambda: len(function.log("attempt of {}")) == 1, "a later event has run")
    assert len(starts(function)) == 4


def test_retries_can_be_turned_off(frozen):
    url, arn = make_queue(frozen, "dead")
    function = deploy(frozen, RECORDING, DeadLetterConfig={"TargetArn": arn})
    function.client.put_function_event_invoke_config(FunctionName="worker", MaximumRetryAttempts=0)
    function.send({"fail": True})
    wait_until(lambda: dead_letters(frozen, url), "the dead letter")
    assert len(starts(function)) == 1


def test_an_event_that_grows_too_old_is_given_up(frozen):
    url, arn = make_queue(frozen, "dead")
    function = deploy(frozen, RECORDING, DeadLetterConfig={"TargetArn": arn})
    function.client.put_function_event_invoke_config(FunctionName="worker", MaximumEventAgeInSeconds=60)
    function.send({"fail": True})
    wait_until(lambda: has_failed(function, 1), "the first attempt")
    frozen.clock.advance("1m")
    wait_until(lambda: len(starts(function)) == 2, "the second attempt")
    # The third would come after more than the sixty seconds.
    letter = wait_until(lambda: dead_letters(frozen, url), "the dead letter")[0]
    assert "RequestID" in letter["MessageAttributes"]
    assert len(starts(function)) == 2


def test_an_event_that_was_kept_for_longer_than_its_age_is_not_run(frozen):
    url, arn = make_queue(frozen, "dead")
    function = deploy(frozen, RECORDING, DeadLetterConfig={"TargetArn": arn})
    function.client.put_function_event_invoke_config(FunctionName="worker", MaximumEventAgeInSeconds=300)
    function.send({"fail": True})
    wait_until(lambda: has_failed(function, 1), "the first attempt")
    frozen.clock.advance("10m")
    wait_until(lambda: dead_letters(frozen, url), "the dead letter")
    assert len(starts(function)) == 1


def test_zero_reserved_concurrency_sends_events_straight_to_the_dead_letter_queue(frozen):
    url, arn = make_queue(frozen, "dead")
    function = deploy(frozen, RECORDING, DeadLetterConfig={"TargetArn": arn})
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=0)
    request = function.send({"n": 1})
    letter = wait_until(lambda: dead_letters(frozen, url), "the dead letter")[0]
    assert letter["MessageAttributes"]["RequestID"]["StringValue"] == request
    assert function.log() == []


def test_a_dead_letter_queue_needs_the_roles_permission(cloud, refused):
    _, arn = make_queue(cloud, "dead")
    with refused("InvalidParameterValueException", 400, containing="The provided execution role does not have permissions to call SendMessage on SQS"):
        deploy(cloud, ECHO, role=make_role(cloud, "logs-only", LOGS), DeadLetterConfig={"TargetArn": arn})


def test_events_for_a_throttled_function_wait_for_it(frozen):
    """One environment at a time: the others are tried again after some seconds of the clock."""
    url, _ = make_queue(frozen, "results")
    function = deploy(frozen, SENDING, Environment={"Variables": {"RESULTS": url}})
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=1)
    for n in range(8):
        function.send(n)
    sqs = frozen.client("sqs")
    results = []

    def all_ran():
        frozen.clock.advance("1m")
        results.extend(int(m["Body"]) for m in receive_all(sqs, url))
        return sorted(set(results)) == list(range(8))
    wait_until(all_ran, "all eight ran", limit=30)
    assert sorted(results) == list(range(8))


def test_accepted_events_and_retries_survive_a_kill(frozen):
    url, _ = make_queue(frozen, "results")
    role = make_role(frozen)
    sending = deploy(frozen, SENDING, name="sending", role=role, Environment={"Variables": {"RESULTS": url}})
    failing = deploy(frozen, RECORDING, name="failing", role=role)
    failing.send({"fail": True})
    wait_until(lambda: len(failing.log("REPORT")) == 1, "the first attempt")
    for n in range(30):
        sending.send(n)
    frozen.restart(kill=True)
    assert frozen.clock.state()["mode"] == "frozen"
    sqs = frozen.client("sqs")
    results = set()

    def all_ran():
        results.update(int(m["Body"]) for m in receive_all(sqs, url))
        return results == set(range(30))
    wait_until(all_ran, "all thirty ran", limit=30)
    assert len(starts(failing)) <= 1
    frozen.clock.advance("1m")
    wait_until(lambda: len(failing.log("REPORT")) >= 2, "the second attempt")
    frozen.restart(kill=False)
    frozen.clock.advance("2m")
    wait_until(lambda: len(failing.log("REPORT")) >= 3, "the third attempt")
    assert len({request for _, request in starts(failing)}) == 1


def test_events_of_a_deleted_function_are_dropped(frozen):
    function = deploy(frozen, RECORDING)
    function.send({"fail": True})
    wait_until(lambda: len(starts(function)) == 1, "the first attempt")
    function.client.delete_function(FunctionName="worker")
    again = deploy(frozen, RECORDING, name="other", role=f"arn:aws:iam::{frozen.account}:role/role-of-worker")
    frozen.clock.advance("1h")
    again.send({"n": 1})
    wait_until(lambda: len(starts(again)) == 1, "a later event has run")
    assert len(starts(function)) == 1
