"""Backups, point-in-time recovery and streams of Kinesis, with boto3 and the AWS CLI; the server is killed while they are at work."""

import datetime
import itertools
import json
import threading

import botocore.exceptions

from harness import wait_until
from test_dynamodb import make

DEAD_SERVER = (botocore.exceptions.BotoCoreError, OSError)


def contents(client, table="tab"):
    pages = client.get_paginator("scan").paginate(TableName=table)
    return {(i["p"]["S"], i["s"]["N"]): i.get("n", {}).get("N") for page in pages for i in page["Items"]}


def load(client, count, n):
    for start in range(0, count, 25):
        client.batch_write_item(RequestItems={"tab": [
            {"PutRequest": {"Item": {"p": {"S": f"p{k % 40}"}, "s": {"N": str(k)}, "n": {"N": str(n)}}}}
            for k in range(start, min(count, start + 25))]})


def active(client, table):
    client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def test_a_backup_survives_a_kill_while_it_is_made_and_while_it_is_restored(own_cloud):
    client = own_cloud.client("dynamodb")
    make(client)
    load(client, 3000, 1)
    before = contents(client)
    arn = client.create_backup(TableName="tab", BackupName="first")["BackupDetails"]["BackupArn"]
    load(client, 500, 2)
    own_cloud.restart(kill=True)
    load(client, 600, 3)
    wait_until(lambda: client.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE",
               "the backup is there")
    client.restore_table_from_backup(TargetTableName="again", BackupArn=arn)
    own_cloud.restart(kill=True)
    active(client, "again")
    assert contents(client, "again") == before
    assert client.describe_table(TableName="again")["Table"]["ItemCount"] == 3000
    listed = own_cloud.cli_json("dynamodb", "list-backups", "--table-name", "tab")
    assert [b["BackupArn"] for b in listed["BackupSummaries"]] == [arn]


def test_a_table_comes_back_as_it_was(own_cloud):
    client, clock = own_cloud.client("dynamodb"), own_cloud.clock
    make(client)
    load(client, 200, 1)
    client.update_continuous_backups(TableName="tab", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    clock.freeze()
    clock.advance("10s")
    moment = clock.now_ms()
    before = contents(client)
    clock.advance("10s")
    load(client, 100, 2)
    own_cloud.restart(kill=True)
    clock.advance("10m")
    load(client, 250, 3)
    client.restore_table_to_point_in_time(
        SourceTableName="tab", TargetTableName="past",
        RestoreDateTime=datetime.datetime.fromtimestamp(moment / 1000, datetime.timezone.utc))
    clock.resume()
    active(client, "past")
    assert contents(client, "past") == before


def records(cloud, stream):
    kinesis = cloud.client("kinesis")
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    while True:
        page = kinesis.get_records(ShardIterator=iterator)
        yield from (json.loads(record["Data"]) for record in page["Records"])
        if not page["Records"] and page["MillisBehindLatest"] == 0:
            return
        iterator = page["NextShardIterator"]


def test_no_change_is_lost_on_its_way_to_kinesis(own_cloud):
    client, kinesis = own_cloud.client("dynamodb"), own_cloud.client("kinesis")
    make(client)
    kinesis.create_stream(StreamName="changes", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="changes", WaiterConfig={"Delay": 1})
    arn = kinesis.describe_stream_summary(StreamName="changes")["StreamDescriptionSummary"]["StreamARN"]
    assert client.enable_kinesis_streaming_destination(TableName="tab", StreamArn=arn)["DestinationStatus"] == "ENABLING"

    def status():
        return client.describe_kinesis_streaming_destination(TableName="tab")["KinesisDataStreamDestinations"][0]["DestinationStatus"]

    wait_until(lambda: status() == "ACTIVE", "the destination is active")
    stop, acknowledged = threading.Event(), 0

    def write():
        nonlocal acknowledged
        for number in itertools.count(1):
            while not stop.is_set():
                try:
                    client.put_item(TableName="tab", Item={"p": {"S": "p"}, "s": {"N": "1"}, "n": {"N": str(number)}})
                    acknowledged = number
                    break
                except DEAD_SERVER:
                    stop.wait(0.02)
            if stop.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(3):
        seen = acknowledged
        wait_until(lambda: acknowledged >= seen + 40, "items are written")
        own_cloud.restart(kill=True)
    stop.set()
    writer.join()
    client.disable_kinesis_streaming_destination(TableName="tab", StreamArn=arn)
    wait_until(lambda: status() == "DISABLED", "the destination is drained")
    seen, last = [], set()
    for record in records(own_cloud, "changes"):
        # What comes twice is known by its id.
        if record["eventID"] not in last:
            seen.append(int(record["dynamodb"]["NewImage"]["n"]["N"]))
        last.add(record["eventID"])
    assert seen == list(range(1, len(seen) + 1)) and len(seen) >= acknowledged


def test_an_export_is_imported_again(own_cloud):
    client, s3 = own_cloud.client("dynamodb"), own_cloud.client("s3")
    s3.create_bucket(Bucket="exports")
    make(client)
    load(client, 700, 1)
    client.update_continuous_backups(TableName="tab", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    table = client.describe_table(TableName="tab")["Table"]["TableArn"]
    arn = client.export_table_to_point_in_time(TableArn=table, S3Bucket="exports", S3Prefix="daily")["ExportDescription"]["ExportArn"]
    before = contents(client)
    load(client, 100, 2)
    own_cloud.restart(kill=True)
    wait_until(lambda: client.describe_export(ExportArn=arn)["ExportDescription"]["ExportStatus"] == "COMPLETED", "the export is done")
    done = client.describe_export(ExportArn=arn)["ExportDescription"]
    assert done["ItemCount"] == 700
    data = done["ExportManifest"].replace("manifest-summary.json", "data/")
    job = client.import_table(
        S3BucketSource={"S3Bucket": "exports", "S3KeyPrefix": data}, InputFormat="DYNAMODB_JSON", InputCompressionType="GZIP",
        TableCreationParameters={
            "TableName": "copy", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
            "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}],
        })["ImportTableDescription"]["ImportArn"]
    own_cloud.restart(kill=True)
    wait_until(lambda: client.describe_import(ImportArn=job)["ImportTableDescription"]["ImportStatus"] == "COMPLETED", "the import is done")
    assert client.describe_import(ImportArn=job)["ImportTableDescription"]["ImportedItemCount"] == 700
    assert contents(client, "copy") == before


def test_csv_is_imported_with_the_types_of_the_keys(own_cloud):
    client, s3 = own_cloud.client("dynamodb"), own_cloud.client("s3")
    s3.create_bucket(Bucket="lists")
    s3.put_object(Bucket="lists", Key="in/a.csv", Body=b'id,name\n1,"Ada, Countess"\n2,Grace\nx,nobody\n')
    s3.put_object(Bucket="lists", Key="other/b.csv", Body=b"id,name\n3,Edsger\n")
    job = client.import_table(
        S3BucketSource={"S3Bucket": "lists", "S3KeyPrefix": "in/"}, InputFormat="CSV", TableCreationParameters={
            "TableName": "people", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "N"}]})["ImportTableDescription"]["ImportArn"]
    active(client, "people")
    done = client.describe_import(ImportArn=job)["ImportTableDescription"]
    assert (done["ImportStatus"], done["ImportedItemCount"], done["ErrorCount"]) == ("COMPLETED", 2, 1)
    items = sorted(client.scan(TableName="people")["Items"], key=lambda item: item["id"]["N"])
    assert items == [{"id": {"N": "1"}, "name": {"S": "Ada, Countess"}}, {"id": {"N": "2"}, "name": {"S": "Grace"}}]
