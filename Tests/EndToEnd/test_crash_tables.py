"""The server is killed under load: what a table acknowledged is there, whole, in its indexes and in its stream."""

import itertools
import threading

import botocore.exceptions

from test_dynamodb import index, make

WRITERS = 4
KILLS = 4
DEAD_SERVER = (botocore.exceptions.BotoCoreError, OSError)


class Writer:
    """Writes pairs of items in transactions, one after the other, and notes those that were acknowledged."""

    def __init__(self, cloud, name, stop):
        self.client, self.name, self.stop = cloud.client("dynamodb"), name, stop
        self.acknowledged, self.errors = 0, []
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        for number in itertools.count():
            while not self.stop.is_set():
                try:
                    self.client.transact_write_items(ClientRequestToken=f"{self.name}-{number}", TransactItems=[
                        {"Put": {"TableName": "tab", "Item": {
                            "p": {"S": f"{self.name}-{side}"}, "s": {"N": str(number)}, "g": {"S": self.name}}}}
                        for side in ("left", "right")])
                    self.acknowledged = number + 1
                    break
                except botocore.exceptions.ClientError as error:
                    self.errors.append(str(error))
                    return
                except DEAD_SERVER:
                    self.stop.wait(0.02)
            if self.stop.is_set():
                return


def test_what_was_acknowledged_is_there_after_a_kill(own_cloud):
    client = own_cloud.client("dynamodb")
    make(client, definitions=[{"AttributeName": "g", "AttributeType": "S"}], GlobalSecondaryIndexes=[index("by-g", "g", "s")],
         StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    stop = threading.Event()
    writers = [Writer(own_cloud, f"w{n}", stop) for n in range(WRITERS)]
    for writer in writers:
        writer.thread.start()
    for _ in range(KILLS):
        seen = sum(w.acknowledged for w in writers)
        while sum(w.acknowledged for w in writers) < seen + 60 and not any(w.errors for w in writers):
            stop.wait(0.02)
        own_cloud.restart(kill=True)
    stop.set()
    for writer in writers:
        writer.thread.join()
        assert not writer.errors, writer.errors

    def numbers(**query):
        pages = client.get_paginator("query").paginate(TableName="tab", **query)
        return [int(i["s"]["N"]) for page in pages for i in page["Items"]]

    total = 0
    for writer in writers:
        left, right = (numbers(KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": {"S": f"{writer.name}-{side}"}})
                       for side in ("left", "right"))
        assert left == right == list(range(len(left))) and len(left) >= writer.acknowledged
        by_index = numbers(IndexName="by-g", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": {"S": writer.name}})
        assert by_index == [n for n in left for _ in range(2)]
        total += 2 * len(left)
    table = client.describe_table(TableName="tab")["Table"]
    assert table["ItemCount"] == total and table["GlobalSecondaryIndexes"][0]["ItemCount"] == total
    streams = own_cloud.client("dynamodbstreams")
    shard = streams.describe_stream(StreamArn=table["LatestStreamArn"])["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(
        StreamArn=table["LatestStreamArn"], ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    changes = []
    while page := streams.get_records(ShardIterator=iterator)["Records"]:
        changes += page
        iterator = streams.get_shard_iterator(
            StreamArn=table["LatestStreamArn"], ShardId=shard, ShardIteratorType="AFTER_SEQUENCE_NUMBER",
            SequenceNumber=page[-1]["dynamodb"]["SequenceNumber"])["ShardIterator"]
    assert len(changes) == total == len({(c["dynamodb"]["Keys"]["p"]["S"], c["dynamodb"]["Keys"]["s"]["N"]) for c in changes})
