"""Several clients at the same time, and a server that is killed meanwhile: there is a serial order of all that they have done.

Each item counts its versions. Every action notes which versions it has read and made; an order exists when what must come before what
has no circle (`contradiction`), and then no update is lost and no transaction is half visible.
"""

import collections
import random
import threading
import time

import botocore.exceptions

from test_dynamodb import make

CLIENTS = 6
KILLS = 3
ITEMS = 5
DEAD_SERVER = (botocore.exceptions.BotoCoreError, OSError)

Action = collections.namedtuple("Action", "began ended reads writes")


class Client(threading.Thread):
    def __init__(self, cloud, number, stop):
        super().__init__()
        self.client, self.number, self.stop, self.random = cloud.client("dynamodb"), number, stop, random.Random(number)
        self.actions, self.error = [], None

    def run(self):
        count = 0
        try:
            while not self.stop.is_set():
                count += 1
                self._act(f"{self.number}-{count}")
        except Exception as error:
            self.error = error

    def _act(self, name):
        first = self.random.randrange(ITEMS)
        group = [f"item{(first + n) % ITEMS}" for n in range(self.random.randrange(1, 4))]
        began = time.monotonic()
        seen = self._until_answered(lambda: self._versions(group))
        if self.random.random() < 0.3:
            self.actions.append(Action(began, time.monotonic(), seen, {}))
            return
        began = time.monotonic()
        if self._until_answered(lambda: self._write(name, seen)):
            self.actions.append(Action(began, time.monotonic(), seen, {item: version + 1 for item, version in seen.items()}))

    def _until_answered(self, call):
        """Until the server says what came of it: tokens make a transaction happen once."""
        while True:
            try:
                return call()
            except DEAD_SERVER:
                self.stop.wait(0.02)

    def _versions(self, items):
        answers = self.client.transact_get_items(TransactItems=[
            {"Get": {"TableName": "tab", "Key": {"p": {"S": item}}}} for item in items])["Responses"]
        return {item: int(answer.get("Item", {}).get("v", {}).get("N", 0)) for item, answer in zip(items, answers)}

    def _write(self, token, seen):
        try:
            self.client.transact_write_items(ClientRequestToken=token, TransactItems=[
                {"Put": {"TableName": "tab", "Item": {"p": {"S": item}, "v": {"N": str(version + 1)}},
                         "ConditionExpression": "v = :v" if version else "attribute_not_exists(v)",
                         **({"ExpressionAttributeValues": {":v": {"N": str(version)}}} if version else {})}}
                for item, version in seen.items()])
            return True
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] == "TransactionCanceledException":
                return False
            raise


def contradiction(actions):
    """What speaks against an order of the actions; None when there is one."""
    writers, after = {}, [set() for _ in actions]
    for number, action in enumerate(actions):
        for place in action.writes.items():
            if place in writers:
                return f"{place} was written twice"
            writers[place] = number
    for number, action in enumerate(actions):
        for item, version in action.writes.items():
            if version > 1:
                if (item, version - 1) not in writers:
                    return f"{item} {version - 1} came from nowhere"
                after[writers[item, version - 1]].add(number)
        for item, version in action.reads.items():
            if version and (item, version) not in writers:
                return f"{item} {version} was read and never written"
            for other, pair in ((writers.get((item, version)), 0), (writers.get((item, version + 1)), 1)):
                if other is not None and other != number:
                    after[number if pair else other].add(other if pair else number)
    # What was over before another began comes before it.
    order = sorted(range(len(actions)), key=lambda n: actions[n].began)
    for number, action in enumerate(actions):
        after[number].update(n for n in order if actions[n].began > action.ended)
    waiting = collections.Counter(n for following in after for n in following)
    ready, done = [n for n in range(len(actions)) if not waiting[n]], 0
    while ready:
        done += 1
        for following in after[ready.pop()]:
            waiting[following] -= 1
            if not waiting[following]:
                ready.append(following)
    return None if done == len(actions) else f"{len(actions) - done} actions are in a circle"


def test_there_is_a_serial_order_over_kills(own_cloud):
    make(own_cloud.client("dynamodb"), sort=False)
    stop = threading.Event()
    clients = [Client(own_cloud, number, stop) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for _ in range(KILLS):
        seen = sum(len(client.actions) for client in clients)
        while sum(len(client.actions) for client in clients) < seen + 80 and not any(client.error for client in clients):
            stop.wait(0.02)
        own_cloud.restart(kill=True)
    stop.set()
    for client in clients:
        client.join()
        assert client.error is None, client.error
    actions = [action for client in clients for action in client.actions]
    assert sum(len(action.writes) > 1 for action in actions) > 20
    assert contradiction(actions) is None


def test_the_check_finds_what_it_is_for():
    def actions(*pairs):
        return [Action(0, 100, reads, writes) for reads, writes in pairs]

    assert contradiction(actions(({"a": 0}, {"a": 1}), ({"a": 1}, {"a": 2}), ({"a": 2}, {}))) is None
    assert "twice" in contradiction(actions(({"a": 0}, {"a": 1}), ({"a": 0}, {"a": 1})))
    assert "circle" in contradiction(actions(({}, {"a": 1, "b": 1}), ({"a": 1, "b": 0}, {})))
    assert "never" in contradiction(actions(({}, {"a": 1}), ({"a": 2}, {})))
    late = [Action(0, 10, {}, {"a": 1}), Action(20, 30, {"a": 0}, {})]
    assert "circle" in contradiction(late)
