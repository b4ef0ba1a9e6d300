"""Tables and functions: streams that invoke them, and the idempotency of aws-lambda-powertools."""

import json

from harness import wait_until
from lambdas import LOGS, deploy, make_role
from test_dynamodb import item, make
from test_powertools import package

TABLES = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
NOTE = """
import boto3, json
table = boto3.resource("dynamodb").Table("seen")
def handler(event, context):
    for record in event["Records"]:
        table.put_item(Item={"p": record["eventID"], "record": json.dumps(record)})
"""
ONCE = """
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent
import boto3

store = DynamoDBPersistenceLayer(table_name="idempotency")
config = IdempotencyConfig(event_key_jmespath="order", expires_after_seconds=60)
counter = boto3.resource("dynamodb").Table("counter")


@idempotent(persistence_store=store, config=config)
def handler(event, context):
    answer = counter.update_item(Key={"p": event["order"]}, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": 1},
                                 ReturnValues="UPDATED_NEW")
    if event.get("fails"):
        raise ValueError("no")
    return {"count": int(answer["Attributes"]["n"])}
"""


def test_changes_of_a_table_invoke_a_function_with_its_filter(cloud):
    client = cloud.client("dynamodb")
    make(client, "source", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    make(client, "seen", sort=False)
    function = deploy(cloud, NOTE, name="note", role=make_role(cloud, "reader", LOGS, TABLES))
    arn = client.describe_table(TableName="source")["Table"]["LatestStreamArn"]
    cloud.client("lambda").create_event_source_mapping(
        FunctionName=function.name, EventSourceArn=arn, StartingPosition="TRIM_HORIZON", BatchSize=3,
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"eventName": ["INSERT", "MODIFY"]})}]})
    for n in range(5):
        client.put_item(TableName="source", Item=item("a", n, v={"S": "old"}))
    client.update_item(
        TableName="source", Key=item("a", 0), UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"S": "new"}})
    client.delete_item(TableName="source", Key=item("a", 1))

    def seen():
        return [json.loads(i["record"]["S"]) for i in client.scan(TableName="seen", ConsistentRead=True)["Items"]]

    wait_until(lambda: len(seen()) == 6, "all changes have come", limit=60)
    records = sorted(seen(), key=lambda r: int(r["dynamodb"]["SequenceNumber"]))
    assert [r["eventName"] for r in records] == ["INSERT"] * 5 + ["MODIFY"]
    assert records[-1]["dynamodb"]["NewImage"]["v"] == {"S": "new"} and records[-1]["dynamodb"]["OldImage"]["v"] == {"S": "old"}
    assert records[0]["eventSourceARN"] == arn and records[0]["eventSource"] == "aws:dynamodb"


def test_idempotency_of_powertools_runs_unchanged(cloud):
    client = cloud.client("dynamodb")
    client.create_table(
        TableName="idempotency", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    client.update_time_to_live(
        TableName="idempotency", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expiration"})
    make(client, "counter", sort=False)
    function = deploy(cloud, package(ONCE), name="once", role=make_role(cloud, "once", LOGS, TABLES), Timeout=25)
    first = [function.invoke({"order": "a"}).value for _ in range(3)]
    assert first == [{"count": 1}] * 3
    assert function.invoke({"order": "b"}).value == {"count": 1}
    # What failed may be tried again.
    assert function.invoke({"order": "c", "fails": True}).error
    assert function.invoke({"order": "c"}).value == {"count": 2}
    assert client.scan(TableName="idempotency")["Count"] == 3
