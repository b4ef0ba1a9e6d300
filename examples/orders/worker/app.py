"""Takes orders from a queue: ships the good ones, reports the bad ones back so that only they are tried again."""
import json

import boto3

events = boto3.client("events")


def handler(event, context):
    failures = []
    for record in event["Records"]:
        order = json.loads(record["body"])
        attempt = record["attributes"]["ApproximateReceiveCount"]
        if order["quantity"] <= 0:
            print(f"order {order['id']}: quantity {order['quantity']} makes no sense (attempt {attempt})")
            failures.append({"itemIdentifier": record["messageId"]})
            continue
        total = order["quantity"] * order["price"]
        events.put_events(Entries=[{
            "Source": "orders", "DetailType": "Order Shipped", "Detail": json.dumps({"order": order["id"], "total": total})}])
        print(f"order {order['id']}: shipped, total {total:.2f}")
    return {"batchItemFailures": failures}
