"""Tables and items through boto3's client and resource, and the AWS CLI."""

import concurrent.futures
import decimal
import json

import boto3
import boto3.dynamodb.conditions as conditions
import pytest
from boto3.dynamodb.types import Binary

from harness import Cloud, Server, wait_until

Attr, Key = conditions.Attr, conditions.Key


@pytest.fixture
def dynamodb(cloud):
    return cloud.client("dynamodb")


def resource(cloud):
    return boto3.resource(
        "dynamodb", region_name="us-east-1", endpoint_url=cloud.server.endpoint, aws_access_key_id=cloud.account,
        aws_secret_access_key="secret")


def make(client, name="tab", sort=True, **more):
    key = [{"AttributeName": "p", "KeyType": "HASH"}] + ([{"AttributeName": "s", "KeyType": "RANGE"}] if sort else [])
    definitions = [{"AttributeName": "p", "AttributeType": "S"}] + ([{"AttributeName": "s", "AttributeType": "N"}] if sort else [])
    definitions += more.pop("definitions", [])
    client.create_table(
        TableName=name, KeySchema=key, AttributeDefinitions=definitions, BillingMode="PAY_PER_REQUEST", **more)
    client.get_waiter("table_exists").wait(TableName=name)
    return name


def index(name, *key, projection="ALL", **more):
    schema = [{"AttributeName": n, "KeyType": kind} for n, kind in zip(key, ("HASH", "RANGE"))]
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": projection, **more}}


def item(p, s, **more):
    return {"p": {"S": p}, "s": {"N": str(s)}, **more}


def test_a_table_is_made_described_listed_and_deleted(dynamodb, refused):
    made = dynamodb.create_table(
        TableName="orders", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 3}, Tags=[{"Key": "team", "Value": "a"}])["TableDescription"]
    assert made["TableStatus"] == "CREATING"
    dynamodb.get_waiter("table_exists").wait(TableName="orders")
    table = dynamodb.describe_table(TableName="orders")["Table"]
    assert table["TableStatus"] == "ACTIVE" and table["ItemCount"] == 0
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    assert dynamodb.describe_table(TableName=table["TableArn"])["Table"]["TableId"] == table["TableId"]
    assert dynamodb.list_tables()["TableNames"] == ["orders"]
    assert dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"] == [{"Key": "team", "Value": "a"}]
    with refused("ResourceInUseException", 400, containing="Table already exists: orders"):
        make(dynamodb, "orders")
    assert dynamodb.delete_table(TableName="orders")["TableDescription"]["TableStatus"] == "DELETING"
    dynamodb.get_waiter("table_not_exists").wait(TableName="orders")
    with refused("ResourceNotFoundException", 400, containing="Requested resource not found: Table: orders not found"):
        dynamodb.describe_table(TableName="orders")
    with refused("ResourceNotFoundException", 400, containing="Requested resource not found"):
        dynamodb.get_item(TableName="orders", Key={"id": {"S": "1"}})


def test_every_type_comes_back_as_it_was(cloud):
    table = resource(cloud).Table(make(cloud.client("dynamodb"), sort=False))
    given = {
        "p": "1", "text": "grüße\n\"\\ \u0001 🎉", "number": decimal.Decimal("-1234567890.123456789"), "binary": Binary(b"\x00\xff" * 9),
        "yes": True, "no": False, "nothing": None, "texts": {"a", "b"}, "numbers": {decimal.Decimal(1), decimal.Decimal("2.5")},
        "binaries": {Binary(b"1"), Binary(b"2")}, "list": [1, "two", [3, {"four": 4}]], "map": {"deep": {"er": [None, True]}}, "empty": "",
        "emptyList": [], "emptyMap": {},
    }
    table.put_item(Item=given)
    assert table.get_item(Key={"p": "1"}, ConsistentRead=True)["Item"] == given


def test_conditions_decide_and_show_what_is_there(dynamodb, refused):
    make(dynamodb)
    dynamodb.put_item(TableName="tab", Item=item("a", 1, v={"N": "1"}), ConditionExpression="attribute_not_exists(p)")
    with refused("ConditionalCheckFailedException", 400, containing="The conditional request failed") as error:
        dynamodb.put_item(
            TableName="tab", Item=item("a", 1), ConditionExpression="attribute_not_exists(p)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert error.response["Item"] == item("a", 1, v={"N": "1"})
    assert dynamodb.delete_item(
        TableName="tab", Key=item("a", 1), ConditionExpression="v BETWEEN :a AND :b AND NOT contains(w, :a)",
        ExpressionAttributeValues={":a": {"N": "0"}, ":b": {"N": "2"}}, ReturnValues="ALL_OLD")["Attributes"]["v"] == {"N": "1"}
    assert "Item" not in dynamodb.get_item(TableName="tab", Key=item("a", 1))


def test_updates_in_all_their_forms(dynamodb, refused):
    make(dynamodb)
    key = item("a", 1)

    def update(expression, values=None, returned="ALL_NEW", **more):
        if values:
            more["ExpressionAttributeValues"] = values
        return dynamodb.update_item(
            TableName="tab", Key=key, UpdateExpression=expression, ReturnValues=returned, **more).get("Attributes")

    assert update("SET n = if_not_exists(n, :z) + :o, l = :l, m = :m", {
        ":z": {"N": "10"}, ":o": {"N": "1.5"}, ":l": {"L": [{"S": "a"}]}, ":m": {"M": {"x": {"N": "1"}}}}) == {
            **key, "n": {"N": "11.5"}, "l": {"L": [{"S": "a"}]}, "m": {"M": {"x": {"N": "1"}}}}
    assert update("SET m.y = :o REMOVE m.x ADD n :o, tags :t", {":o": {"N": "1"}, ":t": {"SS": ["x", "y"]}}, "UPDATED_NEW") == {
        "m": {"M": {"y": {"N": "1"}}}, "n": {"N": "12.5"}, "tags": {"SS": ["x", "y"]}}
    assert update("SET l[1] = :b, l[9] = :c", {":b": {"S": "b"}, ":c": {"S": "c"}})["l"] == {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]}
    assert update("REMOVE l[0], l[2] DELETE tags :x", {":x": {"SS": ["x"]}})["l"] == {"L": [{"S": "b"}]}
    assert update("DELETE tags :y", {":y": {"SS": ["y"]}}, "UPDATED_OLD") == {"tags": {"SS": ["y"]}}
    assert "tags" not in dynamodb.get_item(TableName="tab", Key=key)["Item"]
    with refused("ValidationException", 400, containing="This attribute is part of the key"):
        update("SET p = :p", {":p": {"S": "b"}})
    with refused("ValidationException", 400, containing="The document path provided in the update expression is invalid for update"):
        update("SET nowhere.x = :p", {":p": {"S": "b"}})
    with refused("ValidationException", 400, containing="Two document paths overlap with each other"):
        update("SET m = :p, m.y = :p", {":p": {"S": "b"}})


@pytest.mark.parametrize("expression, values, text", [
    ("", None, "Invalid ConditionExpression: The expression can not be empty;"),
    ("a = = :b", {":b": {"S": "x"}}, 'Invalid ConditionExpression: Syntax error; token: "=", near: "= = :b"'),
    ("size = :b", {":b": {"S": "x"}}, "Attribute name is a reserved keyword; reserved keyword: size"),
    ("((a = :b))", {":b": {"S": "x"}}, "The expression has redundant parentheses;"),
    ("nope(a)", None, "Invalid function name; function: nope"),
    ("size(a)", None, "The function is not allowed to be used this way in an expression; function: size"),
    ("a = :c", {":b": {"S": "x"}}, "An expression attribute value used in expression is not defined; attribute value: :c"),
    ("a = #c", None, "An expression attribute name used in the document path is not defined; attribute name: #c"),
    ("a = :b", {":b": {"S": "x"}, ":c": {"S": "y"}}, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:c}"),
    ("a = a", None, "The first operand must be distinct from the remaining operands for this operator or function; operator: =, "
     "first operand: [a]"),
    ("begins_with(a, :b)", {":b": {"N": "1"}},
     "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"),
    ("a BETWEEN :b AND :c", {":b": {"N": "2"}, ":c": {"N": "1"}},
     "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: "
     "AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"),
])
def test_bad_expressions_are_refused_in_the_words_of_aws(dynamodb, refused, expression, values, text):
    make(dynamodb)
    more = {"ExpressionAttributeValues": values} if values else {}
    with refused("ValidationException", 400, containing=text):
        dynamodb.put_item(TableName="tab", Item=item("a", 1), ConditionExpression=expression, **more)


@pytest.mark.parametrize("value, text", [
    ({"N": "abc"}, "The parameter cannot be converted to a numeric value: abc"),
    ({"N": "1" * 39}, "Attempting to store more than 38 significant digits in a Number"),
    ({"N": "1e126"}, "Number overflow. Attempting to store a number with magnitude larger than supported range"),
    ({"SS": []}, "An string set  may not be empty"),
    ({"SS": ["a", "a"]}, "Input collection [a, a] contains duplicates."),
    ({"S": "a", "N": "1"}, "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"),
    ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"NULL": False}, "Null attribute value types must have the value of true"),
])
def test_bad_values_are_refused(dynamodb, refused, value, text):
    make(dynamodb)
    with refused("ValidationException", 400, containing=text):
        dynamodb.put_item(TableName="tab", Item=item("a", 1, v=value))


def test_keys_must_be_what_the_schema_says(dynamodb, refused):
    make(dynamodb)
    with refused("ValidationException", 400, containing="Missing the key s in the item"):
        dynamodb.put_item(TableName="tab", Item={"p": {"S": "a"}})
    with refused("ValidationException", 400, containing="Type mismatch for key s expected: N actual: S"):
        dynamodb.put_item(TableName="tab", Item={"p": {"S": "a"}, "s": {"S": "1"}})
    with refused("ValidationException", 400, containing="The provided key element does not match the schema"):
        dynamodb.get_item(TableName="tab", Key={"p": {"S": "a"}})
    with refused("ValidationException", 400, containing="cannot contain an empty string value. Key: p"):
        dynamodb.get_item(TableName="tab", Key=item("", 1))
    with refused("ValidationException", 400, containing="Item size has exceeded the maximum allowed size"):
        dynamodb.put_item(TableName="tab", Item=item("a", 1, v={"S": "x" * 410_000}))


def test_queries_go_in_the_order_of_the_sort_key_and_page(cloud):
    make(cloud.client("dynamodb"))
    table = resource(cloud).Table("tab")
    numbers = [-10, -2.5, -1, 0, 0.5, 3, 20, 100]
    with table.batch_writer() as batch:
        for n in numbers:
            batch.put_item(Item={"p": "a", "s": decimal.Decimal(str(n)), "even": int(n) % 2 == 0})
            batch.put_item(Item={"p": "b", "s": decimal.Decimal(str(n))})

    def query(condition, **more):
        found, more = [], {"KeyConditionExpression": condition, **more}
        while True:
            page = table.query(**more)
            found += [float(i["s"]) for i in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return found
            more["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    assert query(Key("p").eq("a")) == numbers
    assert query(Key("p").eq("a"), ScanIndexForward=False, Limit=3) == numbers[::-1]
    assert query(Key("p").eq("a") & Key("s").between(-1, 3), Limit=1) == [-1, 0, 0.5, 3]
    assert query(Key("p").eq("a") & Key("s").lt(0)) == [-10, -2.5, -1]
    assert query(Key("p").eq("a") & Key("s").gte(3), Limit=2) == [3, 20, 100]
    assert query(Key("p").eq("a"), FilterExpression=Attr("even").eq(True), Limit=2) == [n for n in numbers if int(n) % 2 == 0]
    count = table.query(KeyConditionExpression=Key("p").eq("b"), Select="COUNT")
    assert (count["Count"], count["ScannedCount"], count.get("Items", [])) == (8, 8, [])


def test_pages_end_at_a_megabyte_and_segments_part_a_scan(dynamodb):
    make(dynamodb)
    for n in range(12):
        dynamodb.put_item(TableName="tab", Item=item(f"p{n}", n, v={"S": "x" * 100_000}))
    pages = list(dynamodb.get_paginator("scan").paginate(TableName="tab"))
    assert len(pages) == 2 and sum(p["Count"] for p in pages) == 12
    seen = [i["p"]["S"] for n in range(3) for i in
            dynamodb.get_paginator("scan").paginate(TableName="tab", Segment=n, TotalSegments=3, PaginationConfig={"PageSize": 2})
            .build_full_result()["Items"]]
    assert sorted(seen) == sorted(f"p{n}" for n in range(12))


def test_indexes_are_sparse_projected_and_filled_later(dynamodb, refused):
    make(dynamodb, definitions=[{"AttributeName": "g", "AttributeType": "S"}, {"AttributeName": "l", "AttributeType": "N"}],
         LocalSecondaryIndexes=[index("local", "p", "l", projection="KEYS_ONLY")],
         GlobalSecondaryIndexes=[index("global", "g", "l", projection="INCLUDE", NonKeyAttributes=["kept"])])
    for n in range(5):
        dynamodb.put_item(TableName="tab", Item=item(
            "a", n, l={"N": str(-n)}, kept={"S": "k"}, lost={"S": "x"}, **({"g": {"S": "G"}} if n % 2 else {})))

    def query(name, key, **more):
        return dynamodb.query(
            TableName="tab", IndexName=name, KeyConditionExpression="#k = :v", ExpressionAttributeNames={"#k": key},
            ExpressionAttributeValues={":v": {"S": "a" if key == "p" else "G"}}, **more)["Items"]

    assert query("global", "g") == [
        item("a", n, l={"N": str(-n)}, kept={"S": "k"}, g={"S": "G"}) for n in (3, 1)]
    assert [set(i) for i in query("local", "p")] == [{"p", "s", "l"}] * 5
    assert "lost" in query("local", "p", Select="ALL_ATTRIBUTES")[0]
    with refused("ValidationException", 400, containing="Consistent reads are not supported on global secondary indexes"):
        query("global", "g", ConsistentRead=True)
    dynamodb.update_item(
        TableName="tab", Key=item("a", 3), UpdateExpression="REMOVE g SET l = :l", ExpressionAttributeValues={":l": {"N": "9"}})
    assert [i["s"]["N"] for i in query("global", "g")] == ["1"]
    assert query("local", "p")[-1]["s"] == {"N": "3"}
    dynamodb.update_table(
        TableName="tab", AttributeDefinitions=[{"AttributeName": "lost", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index("later", "lost")}])

    def described():
        return {i["IndexName"]: i for i in dynamodb.describe_table(TableName="tab")["Table"]["GlobalSecondaryIndexes"]}

    wait_until(lambda: described()["later"]["IndexStatus"] == "ACTIVE", "the index is filled")
    assert described()["later"]["ItemCount"] == 5
    found = dynamodb.scan(TableName="tab", IndexName="later")
    assert found["Count"] == 5
    dynamodb.update_table(TableName="tab", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "later"}}])
    wait_until(lambda: "later" not in described(), "the index is gone")


def test_batches_read_and_write_several_tables(dynamodb, refused):
    make(dynamodb, "one")
    make(dynamodb, "two", sort=False)
    dynamodb.batch_write_item(RequestItems={
        "one": [{"PutRequest": {"Item": item("a", n)}} for n in range(20)],
        "two": [{"PutRequest": {"Item": {"p": {"S": "x"}}}}]})
    got = dynamodb.batch_get_item(RequestItems={
        "one": {"Keys": [item("a", n) for n in range(18, 22)]}, "two": {"Keys": [{"p": {"S": "x"}}], "ProjectionExpression": "p"}})
    assert sorted(i["s"]["N"] for i in got["Responses"]["one"]) == ["18", "19"]
    assert got["Responses"]["two"] == [{"p": {"S": "x"}}] and got["UnprocessedKeys"] == {}
    with refused("ValidationException", 400, containing="Member must have length less than or equal to 25"):
        dynamodb.batch_write_item(RequestItems={"one": [{"DeleteRequest": {"Key": item("a", n)}} for n in range(26)]})
    with refused("ValidationException", 400, containing="Provided list of item keys contains duplicates"):
        dynamodb.batch_get_item(RequestItems={"one": {"Keys": [item("a", 1)] * 2}})


def test_a_transaction_is_all_or_nothing_and_says_why(dynamodb, refused):
    make(dynamodb)
    dynamodb.put_item(TableName="tab", Item=item("a", 1, v={"N": "5"}))
    put = {"Put": {"TableName": "tab", "Item": item("a", 2)}}
    check = {"ConditionCheck": {
        "TableName": "tab", "Key": item("a", 1), "ConditionExpression": "v > :n", "ExpressionAttributeValues": {":n": {"N": "9"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}
    with refused("TransactionCanceledException", 400, containing="[None, ConditionalCheckFailed]") as error:
        dynamodb.transact_write_items(TransactItems=[put, check])
    reasons = error.response["CancellationReasons"]
    assert [r["Code"] for r in reasons] == ["None", "ConditionalCheckFailed"] and reasons[1]["Item"]["v"] == {"N": "5"}
    assert "Item" not in dynamodb.get_item(TableName="tab", Key=item("a", 2))
    update = {"Update": {"TableName": "tab", "Key": item("a", 1), "UpdateExpression": "ADD v :n",
                         "ExpressionAttributeValues": {":n": {"N": "1"}}}}
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[put, update], ClientRequestToken="once")
    got = dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": "tab", "Key": item("a", n)}} for n in (1, 2, 3)])
    assert [r.get("Item", {}).get("v") for r in got["Responses"]] == [{"N": "6"}, None, None]
    with refused("IdempotentParameterMismatchException", 400):
        dynamodb.transact_write_items(TransactItems=[put], ClientRequestToken="once")
    with refused("ValidationException", 400, containing="Transaction request cannot include multiple operations on one item"):
        dynamodb.transact_write_items(TransactItems=[put, put])


def test_concurrent_transactions_lose_nothing(dynamodb):
    make(dynamodb, sort=False)
    accounts = [{"p": {"S": str(n)}} for n in range(4)]
    for account in accounts:
        dynamodb.put_item(TableName="tab", Item={**account, "v": {"N": "100"}})

    def move(n):
        source, target = accounts[n % 4], accounts[(n * 7 + 1) % 4]
        if source == target:
            return False
        try:
            dynamodb.transact_write_items(TransactItems=[
                {"Update": {"TableName": "tab", "Key": source, "UpdateExpression": "SET v = v - :n", "ConditionExpression": "v >= :n",
                            "ExpressionAttributeValues": {":n": {"N": "7"}}}},
                {"Update": {"TableName": "tab", "Key": target, "UpdateExpression": "SET v = v + :n",
                            "ExpressionAttributeValues": {":n": {"N": "7"}}}}])
            return True
        except dynamodb.exceptions.TransactionCanceledException:
            return False

    def total():
        got = dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": "tab", "Key": a}} for a in accounts])
        return sum(int(r["Item"]["v"]["N"]) for r in got["Responses"])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        moves = [pool.submit(move, n) for n in range(120)]
        sums = [pool.submit(total) for _ in range(40)]
        assert {s.result() for s in sums} == {400} and any(m.result() for m in moves)
    assert total() == 400


def test_items_end_when_their_time_has_come(timed_cloud):
    client = timed_cloud.client("dynamodb")
    make(client, sort=False, StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"})
    client.update_time_to_live(TableName="tab", TimeToLiveSpecification={"Enabled": True, "AttributeName": "end"})
    now = timed_cloud.clock.now_ms() // 1000
    for p, end in (("soon", now + 60), ("later", now + 7200), ("past", now - 6 * 366 * 86_400)):
        client.put_item(TableName="tab", Item={"p": {"S": p}, "end": {"N": str(end)}})
    timed_cloud.clock.advance("120s")
    wait_until(lambda: client.scan(TableName="tab")["Count"] == 2, "the item is gone")
    assert {i["p"]["S"] for i in client.scan(TableName="tab")["Items"]} == {"later", "past"}
    streams = timed_cloud.client("dynamodbstreams")
    removed = read(streams, client.describe_table(TableName="tab")["Table"]["LatestStreamArn"])[-1]
    assert removed["eventName"] == "REMOVE"
    assert removed["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    assert removed["dynamodb"]["OldImage"]["p"] == {"S": "soon"}


def read(streams, arn, kind="TRIM_HORIZON", **more):
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=kind, **more)["ShardIterator"]
    return streams.get_records(ShardIterator=iterator)["Records"]


def test_a_stream_tells_each_change_once_and_in_order(cloud, dynamodb, refused):
    make(dynamodb, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    streams = cloud.client("dynamodbstreams")
    arn = streams.list_streams(TableName="tab")["Streams"][0]["StreamArn"]
    dynamodb.put_item(TableName="tab", Item=item("a", 1, v={"S": "1"}))
    dynamodb.put_item(TableName="tab", Item=item("a", 1, v={"S": "1"}))
    dynamodb.update_item(
        TableName="tab", Key=item("a", 1), UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"S": "2"}})
    dynamodb.transact_write_items(TransactItems=[{"Delete": {"TableName": "tab", "Key": item("a", 1)}}])
    records = read(streams, arn)
    assert [r["eventName"] for r in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert [("OldImage" in r["dynamodb"], "NewImage" in r["dynamodb"]) for r in records] == [(False, True), (True, True), (True, False)]
    assert all(r["dynamodb"]["Keys"] == item("a", 1) and r["eventSource"] == "aws:dynamodb" for r in records)
    numbers = [r["dynamodb"]["SequenceNumber"] for r in records]
    assert numbers == sorted(numbers, key=int) and len(set(numbers)) == 3
    assert read(streams, arn, "LATEST") == []
    assert len(read(streams, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[0])) == 2
    dynamodb.update_table(TableName="tab", StreamSpecification={"StreamEnabled": False})
    assert streams.describe_stream(StreamArn=arn)["StreamDescription"]["StreamStatus"] == "DISABLED"
    assert len(read(streams, arn)) == 3


def test_the_cli_and_legacy_parameters(cloud, dynamodb, refused):
    make(dynamodb)
    cloud.cli("dynamodb", "put-item", "--table-name", "tab", "--item", json.dumps(item("a", 1, n={"N": "1"})))
    assert json.loads(cloud.cli("dynamodb", "query", "--table-name", "tab", "--key-condition-expression", "p = :p", "--expression-attribute-values",
                     '{":p": {"S": "a"}}'))["Items"] == [item("a", 1, n={"N": "1"})]
    dynamodb.update_item(TableName="tab", Key=item("a", 1), AttributeUpdates={
        "n": {"Action": "ADD", "Value": {"N": "2"}}, "w": {"Value": {"S": "w"}}}, Expected={"n": {"Value": {"N": "1"}}})
    assert dynamodb.query(TableName="tab", KeyConditions={
        "p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]},
        "s": {"ComparisonOperator": "LE", "AttributeValueList": [{"N": "1"}]}}, QueryFilter={
        "n": {"ComparisonOperator": "IN", "AttributeValueList": [{"N": "3"}, {"N": "4"}]}}, AttributesToGet=["w"])["Items"] == [
            {"w": {"S": "w"}}]
    with refused("ConditionalCheckFailedException", 400):
        dynamodb.delete_item(TableName="tab", Key=item("a", 1), Expected={"w": {"Exists": False}})
    with refused("ValidationException", 400, containing="Can not use both expression and non-expression parameters in the same request"):
        dynamodb.get_item(TableName="tab", Key=item("a", 1), AttributesToGet=["w"], ProjectionExpression="w")


def test_capacity_is_told_when_asked_for(dynamodb):
    make(dynamodb, definitions=[{"AttributeName": "g", "AttributeType": "S"}], GlobalSecondaryIndexes=[index("global", "g")])
    put = dynamodb.put_item(
        TableName="tab", Item=item("a", 1, v={"S": "x" * 2000}, g={"S": "g"}), ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert put["CapacityUnits"] == 4 and put["GlobalSecondaryIndexes"]["global"]["CapacityUnits"] == 2
    got = dynamodb.get_item(TableName="tab", Key=item("a", 1), ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert got == {"TableName": "tab", "CapacityUnits": 0.5}


def test_statements_read_and_write(dynamodb, refused):
    make(dynamodb)

    def run(statement, *parameters, **more):
        if parameters:
            more["Parameters"] = list(parameters)
        return dynamodb.execute_statement(Statement=statement, **more)["Items"]

    for n in range(4):
        run("INSERT INTO tab VALUE {'p': 'a', 's': ?, 'tags': <<'x', 'y'>>, 'm': {'list': [1, true, null]}}", {"N": str(n)})
    with refused("DuplicateItemException", 400, containing="Duplicate primary key exists in table"):
        run("INSERT INTO tab VALUE {'p': 'a', 's': 1}")
    assert [i["s"]["N"] for i in run("SELECT s FROM tab WHERE p = 'a' AND s BETWEEN 1 AND 2 ORDER BY s DESC")] == ["2", "1"]
    assert run("SELECT m.list[1] FROM \"tab\" WHERE p = ? AND s = 0", {"S": "a"}) == [{"m": {"M": {"list": {"L": [{"BOOL": True}]}}}}]
    assert len(run("SELECT * FROM tab WHERE contains(tags, 'x') AND NOT s IN [0, 3] AND v IS MISSING")) == 2
    assert run("UPDATE tab SET v = 1 SET tags = set_add(tags, <<'z'>>) REMOVE m WHERE p = 'a' AND s = 1 RETURNING ALL NEW *") == [
        item("a", 1, v={"N": "1"}, tags={"SS": ["x", "y", "z"]})]
    with refused("ConditionalCheckFailedException", 400):
        run("UPDATE tab SET v = v + 1 WHERE p = 'a' AND s = 1 AND v > 5")
    with refused("ConditionalCheckFailedException", 400):
        run("UPDATE tab SET v = 1 WHERE p = 'nobody' AND s = 1")
    with refused("ValidationException", 400, containing="Where clause does not contain a mandatory equality on all key attributes"):
        run("DELETE FROM tab WHERE p = 'a'")
    assert run("DELETE FROM tab WHERE p = 'a' AND s = 1 RETURNING ALL OLD *")[0]["v"] == {"N": "1"}
    first = dynamodb.execute_statement(Statement="SELECT s FROM tab WHERE p = 'a'", Limit=2)
    assert [i["s"]["N"] for i in first["Items"]] == ["0", "2"]
    rest = dynamodb.execute_statement(Statement="SELECT s FROM tab WHERE p = 'a'", NextToken=first["NextToken"])
    assert [i["s"]["N"] for i in rest["Items"]] == ["3"] and "NextToken" not in rest
    answers = dynamodb.batch_execute_statement(Statements=[
        {"Statement": "SELECT * FROM tab WHERE p = 'a' AND s = 0"}, {"Statement": "SELECT * FROM nowhere WHERE p = 'a'"}])["Responses"]
    assert answers[0]["Item"]["s"] == {"N": "0"} and answers[1]["Error"]["Code"] == "ResourceNotFound"
    with refused("TransactionCanceledException", 400, containing="[None, ConditionalCheckFailed]"):
        dynamodb.execute_transaction(TransactStatements=[
            {"Statement": "DELETE FROM tab WHERE p = 'a' AND s = 0"},
            {"Statement": "EXISTS(SELECT * FROM tab WHERE p = 'a' AND s = 2 AND v = 7)"}])
    assert dynamodb.execute_transaction(TransactStatements=[
        {"Statement": "SELECT s FROM tab WHERE p = 'a' AND s = 0"}])["Responses"] == [{"Item": {"s": {"N": "0"}}}]


def test_throughput_is_enforced_when_the_operator_says_so(tmp_path, account, refused):
    server = Server(tmp_path, "--enforce-throughput").start()
    try:
        cloud = Cloud(server, account)
        cloud.clock.freeze()
        client = cloud.client("dynamodb")
        client.create_table(
            TableName="tab", KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1})
        big = {"p": {"S": "a"}, "v": {"S": "x" * 300_000}}
        for _ in range(2):
            client.put_item(TableName="tab", Item=big)
        with refused("ProvisionedThroughputExceededException", 400, containing="The level of configured provisioned throughput"):
            client.put_item(TableName="tab", Item=big)
        assert client.get_item(TableName="tab", Key={"p": {"S": "a"}})["Item"] == big
        cloud.clock.advance("10m")
        client.put_item(TableName="tab", Item=big)
    finally:
        server.stop()
