"""Takes an uploaded CSV apart: each row is an order, and goes to all who have subscribed to the topic of new orders."""
import csv
import json
import os

import boto3

s3 = boto3.client("s3")
sns = boto3.client("sns")


def handler(event, context):
    for record in event["Records"]:
        bucket, key = record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]
        text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        for row in csv.DictReader(text.splitlines()):
            order = {"id": row["id"], "quantity": int(row["quantity"]), "price": float(row["price"])}
            sns.publish(TopicArn=os.environ["TOPIC"], Message=json.dumps(order))
