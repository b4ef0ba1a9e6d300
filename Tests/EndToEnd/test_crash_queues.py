"""FIFO queues and message move tasks go on while the server is killed: nothing is lost, sent twice, or out of order."""

import collections
import itertools
import json
import random
import threading

import botocore.exceptions
import pytest

from harness import wait_until
from lambdas import make_queue
from test_crash import Drain

GROUPS = 6
CONSUMERS = 3
KILLS = 6
# A message that a dead server handed out comes back when this many seconds have passed.
VISIBILITY = 2
DEAD_SERVER = (botocore.exceptions.BotoCoreError, OSError)


class Group:
    """Sends numbered messages of one group, each again with the same deduplication id until it is acknowledged."""

    def __init__(self, cloud, url, name, stop):
        self.sqs, self.url, self.name, self.stop = cloud.client("sqs"), url, name, stop
        self.acknowledged, self.retries, self.errors = {}, 0, []
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        for number in itertools.count():
            text = f"{self.name}-{number}"
            while text not in self.acknowledged:
                # What was begun is finished, so that no number is left out.
                try:
                    answer = self.sqs.send_message(
                        QueueUrl=self.url, MessageBody=text, MessageGroupId=self.name, MessageDeduplicationId=text)
                    self.acknowledged[text] = (answer["MessageId"], answer["SequenceNumber"])
                except botocore.exceptions.ClientError as error:
                    self.errors.append(str(error))
                    return
                except DEAD_SERVER:
                    self.retries += 1
                    self.stop.wait(0.02)
            if self.stop.is_set():
                return


class Consumers:
    """Receive one message at a time, note it, and delete it."""

    def __init__(self, cloud, url):
        self.cloud, self.url = cloud, url
        self.stop = threading.Event()
        self.seen, self.errors = collections.defaultdict(list), []
        self.threads = [threading.Thread(target=self._run) for _ in range(CONSUMERS)]

    def _run(self):
        sqs = self.cloud.client("sqs")
        while not self.stop.is_set():
            try:
                for message in sqs.receive_message(
                        QueueUrl=self.url, WaitTimeSeconds=1, AttributeNames=["All"]).get("Messages", []):
                    attributes = message["Attributes"]
                    self.seen[attributes["MessageGroupId"]].append(
                        (message["Body"], message["MessageId"], attributes["SequenceNumber"]))
                    sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            except botocore.exceptions.ClientError as error:
                # A machine that stood still for longer than the visibility timeout.
                if "The receipt handle has expired" not in str(error):
                    self.errors.append(str(error))
            except DEAD_SERVER:
                self.stop.wait(0.02)

    def numbers(self, group):
        return [int(body.rpartition("-")[2]) for body, _, _ in self.seen[group]]


def test_a_fifo_queue_keeps_order_and_sends_once_while_the_server_is_killed(own_cloud, capsys):
    url, _ = make_queue(own_cloud, "work.fifo", FifoQueue="true", VisibilityTimeout=VISIBILITY)
    stop = threading.Event()
    groups = [Group(own_cloud, url, f"group{i}", stop) for i in range(GROUPS)]
    consumers = Consumers(own_cloud, url)
    pauses = random.Random(7)
    for thread in [group.thread for group in groups] + consumers.threads:
        thread.start()
    try:
        for _ in range(KILLS):
            # The time between kills is the subject here: it is no wait for anything.
            stop.wait(pauses.uniform(0.5, 1.2))
            own_cloud.restart(kill=True)
        stop.wait(0.5)
        stop.set()
        for group in groups:
            group.thread.join()
        wait_until(
            lambda: all(set(group.acknowledged) <= {body for body, _, _ in consumers.seen[group.name]} for group in groups),
            "everything acknowledged was received", limit=40)
    finally:
        stop.set()
        consumers.stop.set()
        for thread in [group.thread for group in groups] + consumers.threads:
            thread.join()

    assert [error for group in groups for error in group.errors] + consumers.errors == []
    for group in groups:
        numbers = consumers.numbers(group.name)
        assert numbers == sorted(numbers), f"{group.name} out of order: {numbers}"
        assert set(numbers) == set(range(len(group.acknowledged))), "a number is missing"
        ids = collections.defaultdict(set)
        for body, *identity in consumers.seen[group.name]:
            ids[body].add(tuple(identity))
        twice = {body: found for body, found in ids.items() if len(found) > 1}
        assert not twice, f"sent twice within the deduplication window: {twice}"
        # A repeated send is answered with the message that the first one made.
        assert {body: next(iter(found)) for body, found in ids.items()} == group.acknowledged
        sequence = [int(ids_of[1]) for _, ids_of in sorted(group.acknowledged.items(), key=lambda item: int(item[0].rpartition("-")[2]))]
        assert sequence == sorted(sequence)
    with capsys.disabled():
        sent = sum(len(group.acknowledged) for group in groups)
        received = sum(len(found) for found in consumers.seen.values())
        print(f"\n  {KILLS} kills: {sent} acknowledged, {sum(group.retries for group in groups)} sends repeated, {received} received ", end="")
    assert sent > 50 and sum(group.retries for group in groups) > 0


MOVED = 600
RATE = 150


@pytest.fixture(params=["standard", "fifo"])
def letters(request, own_cloud):
    """A dead-letter queue full of numbered messages, its ARN, and the queue to which they go back."""
    is_fifo = request.param == "fifo"
    suffix, attributes = (".fifo", {"FifoQueue": "true"}) if is_fifo else ("", {})
    dead, dead_arn = make_queue(own_cloud, "dead" + suffix, VisibilityTimeout=600, **attributes)
    work, work_arn = make_queue(own_cloud, "work" + suffix, VisibilityTimeout=600, **attributes, RedrivePolicy=json.dumps(
        {"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1}))
    sqs = own_cloud.client("sqs")
    for start in range(0, MOVED, 10):
        sqs.send_message_batch(QueueUrl=dead, Entries=[
            {"Id": str(i), "MessageBody": str(i)} | ({"MessageGroupId": f"g{i % 3}", "MessageDeduplicationId": str(i)} if is_fifo else {})
            for i in range(start, start + 10)])
    return sqs, dead, dead_arn, work, work_arn


def _task(sqs, arn):
    tasks = sqs.list_message_move_tasks(SourceArn=arn, MaxResults=10).get("Results", [])
    assert len(tasks) == 1, f"one task was started: {tasks}"
    return tasks[0]


def _start(cloud, letters):
    sqs, _, dead_arn, _, work_arn = letters
    return sqs.start_message_move_task(
        SourceArn=dead_arn, DestinationArn=work_arn, MaxNumberOfMessagesPerSecond=RATE)["TaskHandle"]


def _kill_in_progress(cloud, letters, times=3):
    """Kills the server whenever the task has moved on; returns how often it was still under way."""
    sqs, _, dead_arn, _, _ = letters
    under_way = 0
    for _ in range(times):
        before = _task(sqs, dead_arn)["ApproximateNumberOfMessagesMoved"]
        wait_until(
            lambda: (task := _task(sqs, dead_arn))["Status"] != "RUNNING" or task["ApproximateNumberOfMessagesMoved"] > before,
            "the task moves on")
        under_way += _task(sqs, dead_arn)["Status"] == "RUNNING"
        cloud.restart(kill=True)
    return under_way


def test_a_move_task_goes_on_after_a_kill_and_loses_nothing(own_cloud, letters):
    sqs, dead, dead_arn, work, _ = letters
    _start(own_cloud, letters)
    assert _kill_in_progress(own_cloud, letters) >= 2, "the task was over before it could be interrupted"
    task = wait_until(
        lambda: (task := _task(sqs, dead_arn))["Status"] != "RUNNING" and task, "the task ends", limit=30)
    assert task["Status"] == "COMPLETED", task
    assert task["ApproximateNumberOfMessagesMoved"] == task["ApproximateNumberOfMessagesToMove"] == MOVED
    assert sorted(map(int, Drain(sqs, work).more())) == list(range(MOVED)), "each message was moved once"
    assert Drain(sqs, dead).more() == []


def test_a_move_task_can_be_cancelled_after_a_kill(own_cloud, letters):
    sqs, dead, dead_arn, work, _ = letters
    handle = _start(own_cloud, letters)
    _kill_in_progress(own_cloud, letters, times=1)
    moved = sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"]
    own_cloud.restart(kill=True)
    task = wait_until(lambda: (task := _task(sqs, dead_arn))["Status"] == "CANCELLED" and task, "the task is cancelled")
    assert task["ApproximateNumberOfMessagesMoved"] == moved < MOVED
    # What the task had in its hands comes back by itself.
    own_cloud.clock.advance("10m")
    arrived, left = Drain(sqs, work).more(), Drain(sqs, dead).more()
    assert sorted(map(int, arrived + left)) == list(range(MOVED)), "each message is in one of the two"
    assert len(arrived) == moved
    # Of each group the oldest went first.
    for group in range(3):
        mine = [int(text) for text in arrived if int(text) % 3 == group]
        if dead.endswith(".fifo"):
            assert mine == sorted(mine) and mine == list(range(group, group + 3 * len(mine), 3))
