"""Events of buckets: to queues, to functions, and loops that are stopped."""

import json

from buckets import new_name
from harness import wait_until
from lambdas import LOGS, deploy, make_queue, make_role, receive_all


def let_in(cloud, url, arn, bucket, account=None):
    """The queue's policy lets S3 send for this bucket."""
    cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
            "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
                          "StringEquals": {"aws:SourceAccount": account or cloud.account}}}]})})


def notify(s3, bucket, arn, events=("s3:ObjectCreated:*",), filters=()):
    rules = [{"Name": name, "Value": value} for name, value in filters]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [
        {"QueueArn": arn, "Events": list(events)} | ({"Filter": {"Key": {"FilterRules": rules}}} if rules else {})]})


def records(cloud, url, count):
    """Waits for so many records; returns them by the names of their events, with their keys."""
    found = []

    def all_there():
        for message in receive_all(cloud.client("sqs"), url):
            found.extend(json.loads(message["Body"]).get("Records", []))
        return len(found) >= count
    wait_until(all_there, f"{count} records are there: {found}")
    return found


def test_a_queue_hears_of_objects(cloud, s3, bucket):
    url, arn = make_queue(cloud)
    let_in(cloud, url, arn, bucket)
    notify(s3, bucket, arn, ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*"], [("prefix", "in/")])
    test, = receive_all(cloud.client("sqs"), url)
    assert json.loads(test["Body"])["Event"] == "s3:TestEvent"
    put = s3.put_object(Bucket=bucket, Key="in/a b@.csv", Body=b"123")
    s3.put_object(Bucket=bucket, Key="out/a.csv", Body=b"123")
    s3.put_object_tagging(Bucket=bucket, Key="in/a b@.csv", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.copy_object(Bucket=bucket, Key="in/copy", CopySource=f"{bucket}/out/a.csv")
    s3.delete_object(Bucket=bucket, Key="in/copy")
    found = {r["eventName"]: r for r in records(cloud, url, 4)}
    assert set(found) == {"ObjectCreated:Put", "ObjectTagging:Put", "ObjectCreated:Copy", "ObjectRemoved:Delete"}
    record = found["ObjectCreated:Put"]
    assert record["eventVersion"] == "2.1" and record["awsRegion"] == "us-east-1"
    assert record["responseElements"]["x-amz-request-id"] == put["ResponseMetadata"]["RequestId"]
    assert record["requestParameters"]["sourceIPAddress"] == "127.0.0.1"
    assert record["s3"]["bucket"]["name"] == bucket
    assert {k: v for k, v in record["s3"]["object"].items() if k != "sequencer"} == {
        "key": "in/a+b%40.csv", "size": 3, "eTag": put["ETag"].strip('"')}
    assert set(found["ObjectRemoved:Delete"]["s3"]["object"]) == {"key", "sequencer"}
    order = [found[name]["s3"]["object"]["sequencer"] for name in ("ObjectCreated:Copy", "ObjectRemoved:Delete")]
    assert [text.rjust(32, "0") for text in order] == sorted(text.rjust(32, "0") for text in order)


def test_versions_and_multipart(cloud, s3, bucket):
    url, arn = make_queue(cloud)
    let_in(cloud, url, arn, bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    notify(s3, bucket, arn, ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"p")["ETag"]
    done = s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker)
    found = [(r["eventName"], r["s3"]["object"].get("versionId")) for r in records(cloud, url, 3)]
    assert sorted(found) == sorted([
        ("ObjectCreated:CompleteMultipartUpload", done["VersionId"]), ("ObjectRemoved:DeleteMarkerCreated", marker),
        ("ObjectRemoved:Delete", marker)])


def test_a_destination_that_does_not_let_s3_in(cloud, s3, bucket, refused):
    url, arn = make_queue(cloud)
    text = "Unable to validate the following destination configurations"
    with refused("InvalidArgument", status=400, containing=text):
        notify(s3, bucket, arn)
    let_in(cloud, url, arn, "another-bucket")
    with refused("InvalidArgument", status=400, containing=text):
        notify(s3, bucket, arn)
    let_in(cloud, url, arn, bucket, account="999999999999")
    with refused("InvalidArgument", status=400, containing=text):
        notify(s3, bucket, arn)
    with refused("InvalidArgument", status=400, containing=text):
        notify(s3, bucket, arn + "-gone")
    let_in(cloud, url, arn, bucket)
    notify(s3, bucket, arn)
    shown = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    assert [(rule["QueueArn"], rule["Events"]) for rule in shown] == [(arn, ["s3:ObjectCreated:*"])] and shown[0]["Id"]


def test_events_outlive_the_process(own_cloud):
    s3, bucket = own_cloud.client("s3"), new_name()
    s3.create_bucket(Bucket=bucket)
    url, arn = make_queue(own_cloud)
    let_in(own_cloud, url, arn, bucket)
    notify(s3, bucket, arn)
    for n in range(20):
        s3.put_object(Bucket=bucket, Key=f"k{n}", Body=b"")
    own_cloud.restart(kill=True)
    found = {r["s3"]["object"]["key"] for r in records(own_cloud, url, 20)}
    assert found == {f"k{n}" for n in range(20)}


TELL = """
import boto3, os
def handler(event, context):
    for record in event["Records"]:
        print("heard", record["eventName"], record["s3"]["object"]["key"])
"""


def let_invoke(cloud, function, bucket):
    cloud.client("lambda").add_permission(
        FunctionName=function.name, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}", SourceAccount=cloud.account)


def notify_function(s3, bucket, function):
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [
        {"LambdaFunctionArn": function.arn, "Events": ["s3:ObjectCreated:*"]}]})


def test_a_function_is_invoked(cloud, s3, bucket, refused):
    function = deploy(cloud, TELL)
    with refused("InvalidArgument", status=400):
        notify_function(s3, bucket, function)
    let_invoke(cloud, function, bucket)
    notify_function(s3, bucket, function)
    s3.put_object(Bucket=bucket, Key="a key", Body=b"1")
    wait_until(lambda: function.log("heard ObjectCreated:Put a+key"), "the function has been told")


LOOP = """
import boto3, os
def handler(event, context):
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        number = int(record["s3"]["object"]["key"]) + 1
        print("round", number)
        boto3.client("s3").put_object(Bucket=bucket, Key=str(number), Body=b"")
"""


def test_a_loop_through_a_bucket_is_stopped(cloud, s3, bucket):
    role = make_role(cloud, "looper", LOGS, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    function = deploy(cloud, LOOP, name="looper", role=role)
    let_invoke(cloud, function, bucket)
    notify_function(s3, bucket, function)
    s3.put_object(Bucket=bucket, Key="0", Body=b"")
    dropped = {"Namespace": "AWS/Lambda", "MetricName": "RecursiveInvocationsDropped",
               "Dimensions": [{"Name": "FunctionName", "Value": "looper"}]}

    def is_stopped():
        metrics = cloud.client("cloudwatch").list_metrics(**dropped)["Metrics"]
        return bool(metrics)
    wait_until(is_stopped, "the loop is stopped", limit=60)
    rounds = len(s3.list_objects_v2(Bucket=bucket)["Contents"])
    assert 15 <= rounds <= 18, rounds


def test_a_topic_hears_of_objects(cloud, s3, bucket):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="objects")["TopicArn"]
    url, arn = make_queue(cloud)
    cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]})})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def put():
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"TopicConfigurations": [
            {"TopicArn": topic, "Events": ["s3:ObjectCreated:Put"]}]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "SNS:Publish", "Resource": topic,
            "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}}}]}))
    put()
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    heard = []

    def told():
        for message in receive_all(cloud.client("sqs"), url):
            envelope = json.loads(message["Body"])
            assert envelope["Subject"] == "Amazon S3 Notification"
            heard.append(json.loads(envelope["Message"]))
        return len(heard) == 2
    wait_until(told, f"the topic has told of the test and the object: {heard}")
    # Neither topic nor queue keeps an order.
    test, event = sorted(heard, key=lambda message: "Records" in message)
    assert test["Event"] == "s3:TestEvent" and event["Records"][0]["s3"]["object"]["key"] == "k"


def test_a_rule_hears_of_objects(cloud, s3, bucket):
    events = cloud.client("events")
    url, arn = make_queue(cloud)
    cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]})})
    events.put_rule(Name="objects", EventPattern=json.dumps({
        "source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": "in/"}]}}}))
    events.put_targets(Rule="objects", Targets=[{"Id": "q", "Arn": arn}])
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    put = s3.put_object(Bucket=bucket, Key="in/a b", Body=b"123")
    s3.put_object(Bucket=bucket, Key="out", Body=b"123")
    s3.delete_object(Bucket=bucket, Key="in/a b")
    heard = []

    def told():
        heard.extend(json.loads(message["Body"]) for message in receive_all(cloud.client("sqs"), url))
        return len(heard) >= 2
    wait_until(told, f"the rule has told of both: {heard}")
    created, deleted = sorted(heard, key=lambda event: event["detail-type"])
    assert created["detail-type"] == "Object Created" and created["source"] == "aws.s3"
    assert created["resources"] == [f"arn:aws:s3:::{bucket}"] and created["account"] == cloud.account
    detail = created["detail"]
    assert detail["reason"] == "PutObject" and detail["requester"] == cloud.account
    assert detail["request-id"] == put["ResponseMetadata"]["RequestId"]
    assert {k: v for k, v in detail["object"].items() if k != "sequencer"} == {
        "key": "in/a b", "size": 3, "etag": put["ETag"].strip('"')}
    assert deleted["detail"]["deletion-type"] == "Permanently Deleted" and deleted["detail"]["reason"] == "DeleteObject"
    assert set(deleted["detail"]["object"]) == {"key", "sequencer"}
