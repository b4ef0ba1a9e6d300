"""Charges what each order costs, once: the id of the order is kept in a table, and what comes again is answered from there."""
import json

import boto3
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function

charges = boto3.resource("dynamodb").Table("charges")
config = IdempotencyConfig(event_key_jmespath="id", raise_on_no_idempotency_key=True, expires_after_seconds=3600)


@idempotent_function(data_keyword_argument="order", config=config, persistence_store=DynamoDBPersistenceLayer(table_name="seen"))
def charge(order):
    charges.update_item(
        Key={"function": "idempotent", "order": order["id"]}, UpdateExpression="ADD charged :price",
        ExpressionAttributeValues={":price": order["price"]})


def handler(event, context):
    config.register_lambda_context(context)
    for record in event["Records"]:
        charge(order=json.loads(record["body"]))
