"""Lifecycles of buckets on a clock that tests move."""

import json

from buckets import new_bucket, new_name
from harness import wait_until
from lambdas import make_queue, receive_all


def lifecycle_bucket(s3, versioned=False):
    name = new_bucket(s3)
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def rules(s3, bucket, *rules):
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={
        "Rules": [{"ID": f"r{n}", "Status": "Enabled", "Filter": {"Prefix": ""}} | rule for n, rule in enumerate(rules)]})


def keys(s3, bucket):
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_objects_expire(timed_cloud):
    s3, clock = timed_cloud.client("s3"), timed_cloud.clock
    clock.freeze()
    bucket = lifecycle_bucket(s3)
    url, arn = make_queue(timed_cloud)
    timed_cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
                                                "Action": "sqs:SendMessage", "Resource": arn}]})})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [
        {"QueueArn": arn, "Events": ["s3:LifecycleExpiration:*", "s3:ObjectRemoved:*"]}]})
    receive_all(timed_cloud.client("sqs"), url)
    rules(s3, bucket, {"Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 2}})
    for key in ("logs/a", "logs/b", "other"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    clock.advance("1d")
    assert keys(s3, bucket) == ["logs/a", "logs/b", "other"]
    clock.advance("3d")
    wait_until(lambda: keys(s3, bucket) == ["other"], "what is old has expired")
    heard = []

    def told():
        for message in receive_all(timed_cloud.client("sqs"), url):
            heard.extend((r["eventName"], r["s3"]["object"]["key"]) for r in json.loads(message["Body"])["Records"])
        return len(heard) == 2
    wait_until(told, "the queue has been told")
    assert sorted(heard) == [("LifecycleExpiration:Delete", "logs/a"), ("LifecycleExpiration:Delete", "logs/b")]


def test_versions_and_markers_go(timed_cloud):
    s3, clock = timed_cloud.client("s3"), timed_cloud.clock
    clock.freeze()
    bucket = lifecycle_bucket(s3, versioned=True)
    rules(s3, bucket, {"Expiration": {"Days": 1}}, {"NoncurrentVersionExpiration": {"NoncurrentDays": 3}},
          {"Expiration": {"ExpiredObjectDeleteMarker": True}})
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")

    def shape():
        listed = s3.list_object_versions(Bucket=bucket)
        return len(listed.get("Versions", [])), len(listed.get("DeleteMarkers", []))
    clock.advance("2d")
    wait_until(lambda: shape() == (1, 1), "a delete marker hides the object")
    clock.advance("5d")
    wait_until(lambda: shape() == (0, 0), "the version and its marker are gone")


def test_uploads_are_aborted_and_classes_change(timed_cloud):
    s3, clock = timed_cloud.client("s3"), timed_cloud.clock
    clock.freeze()
    bucket = lifecycle_bucket(s3)
    rules(s3, bucket, {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
          {"Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}]})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="u")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="u", UploadId=upload, PartNumber=1, Body=b"x")
    s3.put_object(Bucket=bucket, Key="big", Body=bytes(200_000))
    s3.put_object(Bucket=bucket, Key="small", Body=b"1")
    clock.advance("2d")
    wait_until(lambda: not s3.list_multipart_uploads(Bucket=bucket).get("Uploads"), "the upload is aborted")
    clock.advance("30d")
    wait_until(lambda: s3.head_object(Bucket=bucket, Key="big").get("StorageClass") == "STANDARD_IA", "the class has changed")
    assert "StorageClass" not in s3.head_object(Bucket=bucket, Key="small")


def test_a_lock_outlasts_a_lifecycle(timed_cloud):
    s3, clock = timed_cloud.client("s3"), timed_cloud.clock
    clock.freeze()
    bucket = new_name()
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 10}}})
    rules(s3, bucket, {"Expiration": {"Days": 1}}, {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")

    def shape():
        listed = s3.list_object_versions(Bucket=bucket)
        return len(listed.get("Versions", [])), len(listed.get("DeleteMarkers", []))
    clock.advance("2d")
    wait_until(lambda: shape() == (1, 1), "a delete marker hides the object")
    clock.advance("4d")
    # Another bucket's expiry shows that the day's work is done.
    other = lifecycle_bucket(s3)
    s3.put_object(Bucket=other, Key="k", Body=b"1")
    rules(s3, other, {"Expiration": {"Days": 1}})
    clock.advance("2d")
    wait_until(lambda: not keys(s3, other), "the other object has expired")
    assert shape() == (1, 1)
    clock.advance("10d")
    wait_until(lambda: shape()[0] == 0, "the version is gone once nothing holds it")


def test_answers_say_when_the_lifecycle_acts(timed_cloud):
    s3, clock = timed_cloud.client("s3"), timed_cloud.clock
    clock.freeze()
    bucket = lifecycle_bucket(s3)
    rules(s3, bucket, {"ID": "old logs", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 2},
                       "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}})
    put = s3.put_object(Bucket=bucket, Key="logs/a", Body=b"1")
    assert put["Expiration"].startswith('expiry-date="') and put["Expiration"].endswith(' 00:00:00 GMT", rule-id="old%20logs"')
    assert s3.head_object(Bucket=bucket, Key="logs/a")["Expiration"] == put["Expiration"]
    assert s3.get_object(Bucket=bucket, Key="logs/a")["Expiration"] == put["Expiration"]
    assert s3.copy_object(Bucket=bucket, Key="logs/b", CopySource=f"{bucket}/logs/a")["Expiration"] == put["Expiration"]
    assert "Expiration" not in s3.put_object(Bucket=bucket, Key="other", Body=b"1")
    begun = s3.create_multipart_upload(Bucket=bucket, Key="logs/c")
    assert begun["AbortRuleId"] == "old logs" and begun["AbortDate"].hour == 0
    listed = s3.list_parts(Bucket=bucket, Key="logs/c", UploadId=begun["UploadId"])
    assert (listed["AbortRuleId"], listed["AbortDate"]) == ("old logs", begun["AbortDate"])


def test_an_archived_object_is_restored_for_some_days(timed_cloud, refused):
    s3, clock = timed_cloud.client("s3"), timed_cloud.clock
    clock.freeze()
    bucket = new_bucket(s3)
    url, arn = make_queue(timed_cloud, "restored")
    timed_cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
                                                "Action": "sqs:SendMessage", "Resource": arn}]})})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [
        {"QueueArn": arn, "Events": ["s3:ObjectRestore:*"]}]})
    receive_all(timed_cloud.client("sqs"), url)
    heard = []

    def told(event):
        for message in receive_all(timed_cloud.client("sqs"), url):
            heard.extend(json.loads(message["Body"]).get("Records", []))
        return heard and heard[-1]["eventName"] == event and heard[-1]
    s3.put_object(Bucket=bucket, Key="k", Body=b"cold", StorageClass="DEEP_ARCHIVE")
    with refused("InvalidObjectState", status=403):
        s3.get_object(Bucket=bucket, Key="k")
    with refused("InvalidObjectState", status=403):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    begun = s3.restore_object(Bucket=bucket, Key="k", RestoreRequest={"Days": 2, "GlacierJobParameters": {"Tier": "Standard"}})
    assert begun["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert s3.head_object(Bucket=bucket, Key="k")["Restore"] == 'ongoing-request="true"'
    wait_until(lambda: told("ObjectRestore:Post"), "the beginning")
    with refused("RestoreAlreadyInProgress", status=409):
        s3.restore_object(Bucket=bucket, Key="k", RestoreRequest={"Days": 2})
    clock.advance("12h")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"cold"
    done = wait_until(lambda: told("ObjectRestore:Completed"), "the end")
    assert done["glacierEventData"]["restoreEventData"]["lifecycleRestoreStorageClass"] == "DEEP_ARCHIVE"
    listed = s3.list_objects_v2(Bucket=bucket, OptionalObjectAttributes=["RestoreStatus"])["Contents"][0]["RestoreStatus"]
    assert listed["IsRestoreInProgress"] is False and listed["RestoreExpiryDate"].hour == 0
    clock.advance("4d")
    wait_until(lambda: told("ObjectRestore:Delete"), "the end of its days")
    with refused("InvalidObjectState", status=403):
        s3.get_object(Bucket=bucket, Key="k")
