"""Every operation of S3 needs the actions of AWS's Service Authorization Reference, and no others.

The walk over all services leaves S3 to this file: here an operation's resource is a bucket or a key in it, whose ARNs have neither account
nor Region, actions are named by version and by what a request brings, and most operations want an object, an upload or a lock of their own.
"""

import itertools

import botocore.exceptions
import pytest

from lambdas import policy

BODY = b"0123456789"
OBJECT = "arn:aws:s3:::{bucket}/{key}"
BUCKET = "arn:aws:s3:::{bucket}"
_names = itertools.count()


def tags(key="a"):
    return {"TagSet": [{"Key": key, "Value": "1"}]}


# (operation, what its input has besides bucket and key, the actions, on which ARN)
CASES = [
    ("put_object", {"Body": BODY}, ["PutObject"], OBJECT),
    ("put_object", {"Body": BODY, "Tagging": "a=1"}, ["PutObject", "PutObjectTagging"], OBJECT),
    ("get_object", {}, ["GetObject"], OBJECT),
    ("get_object", {"VersionId": "null"}, ["GetObjectVersion"], OBJECT),
    ("head_object", {}, ["GetObject"], OBJECT),
    ("get_object_attributes", {"ObjectAttributes": ["ETag"]}, ["GetObject", "GetObjectAttributes"], OBJECT),
    ("get_object_tagging", {}, ["GetObjectTagging"], OBJECT),
    ("put_object_tagging", {"Tagging": tags()}, ["PutObjectTagging"], OBJECT),
    ("delete_object_tagging", {}, ["DeleteObjectTagging"], OBJECT),
    ("get_object_acl", {}, ["GetObjectAcl"], OBJECT),
    ("delete_object", {}, ["DeleteObject"], OBJECT),
    ("delete_object", {"VersionId": "null"}, ["DeleteObjectVersion"], OBJECT),
    ("create_multipart_upload", {}, ["PutObject"], OBJECT),
    ("upload_part", {"UploadId": "upload", "PartNumber": 1, "Body": BODY}, ["PutObject"], OBJECT),
    ("list_parts", {"UploadId": "upload"}, ["ListMultipartUploadParts"], OBJECT),
    ("abort_multipart_upload", {"UploadId": "upload"}, ["AbortMultipartUpload"], OBJECT),
    ("complete_multipart_upload", {"UploadId": "upload", "MultipartUpload": "parts"}, ["PutObject"], OBJECT),
    ("list_objects", {"Key": None}, ["ListBucket"], BUCKET),
    ("list_objects_v2", {"Key": None}, ["ListBucket"], BUCKET),
    ("list_object_versions", {"Key": None}, ["ListBucketVersions"], BUCKET),
    ("list_multipart_uploads", {"Key": None}, ["ListBucketMultipartUploads"], BUCKET),
]

# In a bucket with locks and ACLs.
LOCK = {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": "2099-01-01T00:00:00Z"}}
LOCKED = [
    ("put_object", {"Body": BODY, "ObjectLockLegalHoldStatus": "ON"}, ["PutObject", "PutObjectLegalHold"]),
    ("put_object", {"Body": BODY, "ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2099-01-01T00:00:00Z"},
     ["PutObject", "PutObjectRetention"]),
    ("put_object", {"Body": BODY, "ACL": "bucket-owner-full-control"}, ["PutObject", "PutObjectAcl"]),
    ("put_object_retention", LOCK, ["PutObjectRetention"]),
    ("put_object_retention", LOCK | {"BypassGovernanceRetention": True}, ["PutObjectRetention", "BypassGovernanceRetention"]),
    ("get_object_retention", {}, ["GetObjectRetention"]),
    ("put_object_legal_hold", {"LegalHold": {"Status": "OFF"}}, ["PutObjectLegalHold"]),
    ("get_object_legal_hold", {}, ["GetObjectLegalHold"]),
    ("put_object_acl", {"ACL": "private"}, ["PutObjectAcl"]),
    ("put_object_acl", {"ACL": "private", "VersionId": "version"}, ["PutObjectVersionAcl"]),
    ("get_object_acl", {"VersionId": "version"}, ["GetObjectVersionAcl"]),
    ("get_object_tagging", {"VersionId": "version"}, ["GetObjectVersionTagging"]),
    ("put_object_tagging", {"VersionId": "version", "Tagging": tags()}, ["PutObjectVersionTagging"]),
    ("delete_object_tagging", {"VersionId": "version"}, ["DeleteObjectVersionTagging"]),
    ("restore_object", {"RestoreRequest": {"Days": 1}}, ["RestoreObject"]),
]
# Reads of what a bucket is set to. A setting that is not there is an error of its own, which only who may ask learns.
SETTINGS = [
    ("get_bucket_accelerate_configuration", {}, "GetAccelerateConfiguration"), ("get_bucket_acl", {}, "GetBucketAcl"),
    ("get_bucket_cors", {}, "GetBucketCORS"), ("get_bucket_encryption", {}, "GetEncryptionConfiguration"),
    ("get_bucket_lifecycle_configuration", {}, "GetLifecycleConfiguration"), ("get_bucket_location", {}, "GetBucketLocation"),
    ("get_bucket_logging", {}, "GetBucketLogging"), ("get_bucket_notification_configuration", {}, "GetBucketNotification"),
    ("get_bucket_ownership_controls", {}, "GetBucketOwnershipControls"), ("get_bucket_policy", {}, "GetBucketPolicy"),
    ("get_bucket_policy_status", {}, "GetBucketPolicyStatus"), ("get_bucket_replication", {}, "GetReplicationConfiguration"),
    ("get_bucket_request_payment", {}, "GetBucketRequestPayment"), ("get_bucket_tagging", {}, "GetBucketTagging"),
    ("get_bucket_versioning", {}, "GetBucketVersioning"), ("get_bucket_website", {}, "GetBucketWebsite"),
    ("get_object_lock_configuration", {}, "GetBucketObjectLockConfiguration"),
    ("get_public_access_block", {}, "GetBucketPublicAccessBlock"),
    ("get_bucket_analytics_configuration", {"Id": "i"}, "GetAnalyticsConfiguration"),
    ("get_bucket_inventory_configuration", {"Id": "i"}, "GetInventoryConfiguration"),
    ("get_bucket_metrics_configuration", {"Id": "i"}, "GetMetricsConfiguration"),
    ("get_bucket_intelligent_tiering_configuration", {"Id": "i"}, "GetIntelligentTieringConfiguration"),
    ("list_bucket_analytics_configurations", {}, "GetAnalyticsConfiguration"),
    ("list_bucket_inventory_configurations", {}, "GetInventoryConfiguration"),
    ("list_bucket_metrics_configurations", {}, "GetMetricsConfiguration"),
    ("list_bucket_intelligent_tiering_configurations", {}, "GetIntelligentTieringConfiguration"),
    ("delete_bucket_cors", {}, "PutBucketCORS"), ("delete_bucket_encryption", {}, "PutEncryptionConfiguration"),
    ("delete_bucket_lifecycle", {}, "PutLifecycleConfiguration"), ("delete_bucket_policy", {}, "DeleteBucketPolicy"),
    ("delete_bucket_replication", {}, "PutReplicationConfiguration"), ("delete_bucket_tagging", {}, "PutBucketTagging"),
    ("delete_bucket_website", {}, "DeleteBucketWebsite"), ("delete_public_access_block", {}, "PutBucketPublicAccessBlock"),
]


@pytest.fixture(scope="module")
def place(module_server):
    from harness import Cloud
    cloud = Cloud(module_server, "350000000001")
    iam = cloud.client("iam")
    iam.create_user(UserName="least")
    key = iam.create_access_key(UserName="least")["AccessKey"]
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="access-walk")
    s3.create_bucket(Bucket="access-locked", ObjectLockEnabledForBucket=True, ObjectOwnership="ObjectWriter")
    return cloud, s3, cloud.client("s3", credentials=(key["AccessKeyId"], key["SecretAccessKey"]))


def allow(cloud, actions, resource):
    iam = cloud.client("iam")
    iam.put_user_policy(UserName="least", PolicyName="own", PolicyDocument=policy(
        {"Effect": "Allow", "Action": [f"s3:{action}" for action in actions] or ["nothing:AtAll"], "Resource": resource}))


@pytest.mark.parametrize("operation, more, actions, resource", CASES, ids=[f"{case[0]}-{len(case[1])}-{case[2][-1]}" for case in CASES])
def test_it_is_allowed_by_its_actions_and_by_nothing_less(place, operation, more, actions, resource):
    cloud, root, least = place
    key = f"k{next(_names)}"
    root.put_object(Bucket="access-walk", Key=key, Body=BODY)
    given = {"Bucket": "access-walk", "Key": key} | more
    if given["Key"] is None:
        del given["Key"]
    if given.get("UploadId"):
        upload = root.create_multipart_upload(Bucket="access-walk", Key=key)["UploadId"]
        given["UploadId"] = upload
        part = root.upload_part(Bucket="access-walk", Key=key, UploadId=upload, PartNumber=1, Body=BODY)
        if "MultipartUpload" in given:
            given["MultipartUpload"] = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    walk(cloud, least, operation, given, actions, resource.format(bucket="access-walk", key=key))


def walk(cloud, least, operation, given, actions, arn):
    for missing in actions:
        allow(cloud, [action for action in actions if action != missing], arn)
        with pytest.raises(botocore.exceptions.ClientError) as refusal:
            getattr(least, operation)(**given)
        error = refusal.value.response
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
        if operation != "head_object":
            assert error["Error"]["Code"] == "AccessDenied"
            assert f"is not authorized to perform: s3:{missing} on resource: {arn}" in error["Error"]["Message"]
    allow(cloud, actions, arn)
    answer = getattr(least, operation)(**given)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] < 300


@pytest.mark.parametrize("operation, more, actions", LOCKED, ids=[f"{case[0]}-{case[2][-1]}" for case in LOCKED])
def test_locks_lists_and_restorations(place, operation, more, actions):
    cloud, root, least = place
    key = f"k{next(_names)}"
    version = root.put_object(
        Bucket="access-locked", Key=key, Body=BODY, StorageClass="GLACIER", ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate="2098-01-01T00:00:00Z", ObjectLockLegalHoldStatus="OFF")["VersionId"]
    given = {"Bucket": "access-locked", "Key": key} | more
    if "VersionId" in given:
        given["VersionId"] = version
    walk(cloud, least, operation, given, actions, OBJECT.format(bucket="access-locked", key=key))


@pytest.mark.parametrize("operation, more, action", SETTINGS, ids=[case[0] for case in SETTINGS])
def test_settings_of_buckets(place, operation, more, action):
    cloud, root, least = place
    allow(cloud, [], BUCKET.format(bucket="access-walk"))
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        getattr(least, operation)(Bucket="access-walk", **more)
    assert refusal.value.response["Error"]["Code"] == "AccessDenied", refusal.value
    assert f"is not authorized to perform: s3:{action} on resource: arn:aws:s3:::access-walk" in str(refusal.value)
    allow(cloud, [action], BUCKET.format(bucket="access-walk"))
    try:
        getattr(least, operation)(Bucket="access-walk", **more)
    except botocore.exceptions.ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404, error


def test_copies_need_both_ends(place, refused):
    cloud, root, least = place
    root.put_object(Bucket="access-walk", Key="source", Body=BODY)
    given = {"Bucket": "access-walk", "Key": "target", "CopySource": "access-walk/source"}
    for actions, arn in [(["GetObject"], "arn:aws:s3:::access-walk/source"), (["PutObject"], "arn:aws:s3:::access-walk/target")]:
        allow(cloud, actions, arn)
        with refused("AccessDenied", status=403):
            least.copy_object(**given)
    allow(cloud, ["GetObject", "PutObject"], "arn:aws:s3:::access-walk/*")
    least.copy_object(**given)


def test_deletions_of_many_are_asked_one_by_one(place):
    cloud, root, least = place
    for key in ("mine", "yours"):
        root.put_object(Bucket="access-walk", Key=key, Body=BODY)
    allow(cloud, ["DeleteObject"], "arn:aws:s3:::access-walk/mine")
    answer = least.delete_objects(Bucket="access-walk", Delete={"Objects": [{"Key": "mine"}, {"Key": "yours"}]})
    assert [item["Key"] for item in answer["Deleted"]] == ["mine"]
    assert [(item["Key"], item["Code"]) for item in answer["Errors"]] == [("yours", "AccessDenied")]


def test_who_may_not_list_learns_nothing_of_what_is_missing(place, refused):
    cloud, root, least = place
    allow(cloud, ["GetObject"], "arn:aws:s3:::access-walk/*")
    with refused("AccessDenied", status=403):
        least.get_object(Bucket="access-walk", Key="none")
    allow(cloud, ["GetObject", "ListBucket"], "*")
    with refused("NoSuchKey", status=404):
        least.get_object(Bucket="access-walk", Key="none")


def test_conditions_of_a_policy(place, refused):
    cloud, root, least = place
    cloud.client("iam").put_user_policy(UserName="least", PolicyName="own", PolicyDocument=policy(
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", "Condition": {"StringLike": {"s3:prefix": "home/*"}}},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*",
         "Condition": {"StringEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}}))
    least.list_objects_v2(Bucket="access-walk", Prefix="home/ann")
    with refused("AccessDenied"):
        least.list_objects_v2(Bucket="access-walk", Prefix="other/")
    least.put_object(Bucket="access-walk", Key="k", Body=b"", ServerSideEncryption="aws:kms")
    with refused("AccessDenied"):
        least.put_object(Bucket="access-walk", Key="k", Body=b"")


def test_another_account_needs_the_buckets_policy(place, refused):
    cloud, root, _ = place
    stranger = cloud.client("s3", account="350000000002")
    root.put_object(Bucket="access-walk", Key="shared/k", Body=BODY)
    with refused("AccessDenied", status=403):
        stranger.get_object(Bucket="access-walk", Key="shared/k")
    root.put_bucket_policy(Bucket="access-walk", Policy=policy({
        "Effect": "Allow", "Principal": {"AWS": "350000000002"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::access-walk/shared/*"}))
    assert stranger.get_object(Bucket="access-walk", Key="shared/k")["Body"].read() == BODY
    with refused("AccessDenied", status=403):
        stranger.put_object(Bucket="access-walk", Key="shared/k", Body=b"")
