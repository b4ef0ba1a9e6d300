"""DynamoDB: single items, a query of ten, and transactions of four."""
import json

from suite import load
from suite.server import Key

VALUE = "x" * 960


def run(server, machine, report):
    print("DynamoDB")
    client = server.client("dynamodb")
    client.create_table(
        TableName="bench", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}])
    for p in range(100):
        for start in (0, 10):
            client.batch_write_item(RequestItems={"bench": [{"PutRequest": {"Item": item(f"p{p}", s)}} for s in range(start, start + 10)]})
    echo = machine.echo(16)
    measure(server, report, echo, "GetItem of 1 KB", "GetItem", 0.4, [
        {"TableName": "bench", "Key": key(f"p{n % 100}", n % 20)} for n in range(200)])
    measure(server, report, echo, "PutItem of 1 KB", "PutItem", 0.25, [
        # An item that is put as it stands already is not written, so each comes again with another count.
        {"TableName": "bench", "Item": item(f"w{n % 1000}", n % 1000, n)} for n in range(3000)])
    measure(server, report, echo, "Query of 10 items", "Query", 0.25, [
        {"TableName": "bench", "KeyConditionExpression": "p = :p AND s < :n",
         "ExpressionAttributeValues": {":p": {"S": f"p{n % 100}"}, ":n": {"N": "10"}}, "ProjectionExpression": "p, s"}
        for n in range(200)])
    measure(server, report, echo, "TransactWriteItems of 4", "TransactWriteItems", 0.1, [
        {"TransactItems": [
            {"Put": {"TableName": "bench", "Item": item(f"t{n % 250}", 1, n)}},
            {"Put": {"TableName": "bench", "Item": item(f"t{n % 250}", 2, n)}},
            {"Update": {"TableName": "bench", "Key": key(f"t{n % 250}", 3), "UpdateExpression": "ADD n :n",
                        "ExpressionAttributeValues": {":n": {"N": "1"}}}},
            {"ConditionCheck": {"TableName": "bench", "Key": key("p1", 1), "ConditionExpression": "attribute_exists(p)"}}]}
        for n in range(750)])
    client.delete_table(TableName="bench")


def measure(server, report, echo, name, operation, goal, inputs):
    requests = [
        load.Request("dynamodb", server.endpoint, "/", json.dumps(given).encode(), {
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}"}, Key())
        for given in inputs]
    file = load.request_file(server, operation, requests)
    load.replay(server.endpoint, file, 16, 1)  # warms up
    result = load.replay(server.endpoint, file, 16, 3)
    report.rate(f"{name}, 16 conn.", result["rate"], echo, "echo", goal)


def key(p, s):
    return {"p": {"S": p}, "s": {"N": str(s)}}


def item(p, s, count=12345):
    return {**key(p, s), "value": {"S": VALUE}, "count": {"N": str(count)}, "flag": {"BOOL": True}}
