"""Event source mappings of FIFO queues and with filters."""

import json

import pytest

from harness import wait_until
from lambdas import deploy, make_queue
from test_mappings import BATCHES, attach, batches, bodies, depth, send_all


@pytest.fixture
def frozen(timed_cloud):
    timed_cloud.clock.freeze()
    return timed_cloud


def make_fifo(cloud, **attributes):
    return make_queue(cloud, "queue.fifo", FifoQueue="true", ContentBasedDeduplication="true", **attributes)


def send_fifo(cloud, url, *messages):
    """Each is group and body."""
    for group, body in messages:
        cloud.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group)


def seen(function, group):
    return [body for batch in batches(function) for body, _ in batch if body.startswith(group)]


def test_a_fifo_queue_is_handled_in_the_order_of_its_groups(cloud):
    url, arn = make_fifo(cloud)
    send_fifo(cloud, url, *[(group, f"{group}{n}") for n in range(8) for group in ("a", "b", "c")])
    function = deploy(cloud, BATCHES)
    attach(function, arn, BatchSize=3)
    wait_until(lambda: len(bodies(function)) == 24, "all messages", limit=40)
    for group in ("a", "b", "c"):
        assert seen(function, group) == [f"{group}{n}" for n in range(8)]
    wait_until(lambda: depth(cloud.client("sqs"), url) == (0, 0), "the queue is empty")


def test_a_failed_message_stops_its_group_and_no_other(frozen):
    url, arn = make_fifo(frozen, VisibilityTimeout=30)
    send_fifo(frozen, url, ("x", "bad first"), ("x", "x second"), ("y", "y first"), ("y", "y second"))
    function = deploy(frozen, BATCHES)
    attach(function, arn, BatchSize=1, FunctionResponseTypes=["ReportBatchItemFailures"])
    wait_until(lambda: sorted(seen(function, "y")) == ["y first", "y second"], "the other group")
    wait_until(lambda: len(seen(function, "bad")) == 1, "the first attempt")
    # Its group waits: nothing of it is seen before the message is visible again.
    frozen.clock.advance("29s")
    assert seen(function, "x second") == []
    frozen.clock.advance("2s")
    wait_until(lambda: len(seen(function, "bad")) == 2, "the second attempt")
    assert seen(function, "x second") == []


def test_a_fifo_mapping_has_small_batches_and_no_window(cloud, refused):
    _, arn = make_fifo(cloud)
    function = deploy(cloud, BATCHES)
    with refused("InvalidParameterValueException", 400) as error:
        attach(function, arn, MaximumBatchingWindowInSeconds=1)
    assert error.message == "Batching window is not supported for FIFO queues."


def test_unwanted_messages_are_deleted_unseen(cloud):
    url, arn = make_queue(cloud)
    function = deploy(cloud, BATCHES)
    filters = {"Filters": [{"Pattern": json.dumps({"body": {"kind": ["order"], "total": [{"numeric": [">", 10]}]}})},
                           {"Pattern": json.dumps({"body": [{"prefix": "plain"}]})}]}
    uuid = attach(function, arn, FilterCriteria=filters)
    assert function.client.get_event_source_mapping(UUID=uuid)["FilterCriteria"] == filters
    wanted = ['{"kind": "order", "total": 11}', "plain text"]
    send_all(cloud.client("sqs"), url, ['{"kind": "order", "total": 10}', "other", '{"plain": 1}', *wanted])
    wait_until(lambda: bodies(function) == sorted(wanted), "the wanted messages")
    wait_until(lambda: depth(cloud.client("sqs"), url) == (0, 0), "the queue is empty")
    assert bodies(function) == sorted(wanted)
    changed = function.client.update_event_source_mapping(UUID=uuid, FilterCriteria={})
    assert "FilterCriteria" not in changed
    send_all(cloud.client("sqs"), url, ["other again"])
    wait_until(lambda: bodies(function) == sorted(wanted + ["other again"]), "everything is wanted now")


def test_filters_outlive_a_kill(own_cloud):
    url, arn = make_queue(own_cloud)
    function = deploy(own_cloud, BATCHES)
    attach(function, arn, FilterCriteria={"Filters": [{"Pattern": '{"body": ["yes"]}'}]})
    own_cloud.restart()
    send_all(own_cloud.client("sqs"), url, ["no", "yes", "no again"])
    again = type(function)(own_cloud, "worker")
    wait_until(lambda: bodies(again) == ["yes"], "the wanted message")
    wait_until(lambda: depth(own_cloud.client("sqs"), url) == (0, 0), "the queue is empty")
    assert bodies(again) == ["yes"]


def test_a_mapping_keeps_to_its_maximum_concurrency(cloud):
    url, arn = make_queue(cloud)
    send_all(cloud.client("sqs"), url, [str(n) for n in range(12)])
    function = deploy(cloud, """
        import time
        def handler(event, context):
            began = time.time()
            time.sleep(0.3)
            print("RAN", began, time.time())
        """)
    attach(function, arn, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    wait_until(lambda: len(function.log("RAN")) == 12, "all messages", limit=40)
    spans = [tuple(map(float, text.split()[1:])) for _, text in function.log("RAN")]
    assert max(sum(a <= at < b for a, b in spans) for at, _ in spans) == 2
