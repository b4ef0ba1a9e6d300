"""Buckets as the SDK and the CLI set them up: being, settings, policies, other accounts, nobody in particular."""

import json
import urllib.error
import urllib.request

import botocore.handlers
import pytest

from buckets import new_name


def fetch(url, method="GET", headers=None, body=None):
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def allow(action, resource, principal="*", **more):
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource} | more


def test_the_cli_makes_and_removes_buckets(cloud):
    name = new_name()
    assert cloud.cli("s3", "mb", f"s3://{name}", region="eu-west-1").strip() == f"make_bucket: {name}"
    assert cloud.cli_json("s3api", "get-bucket-location", "--bucket", name)["LocationConstraint"] == "eu-west-1"
    assert name in cloud.cli("s3", "ls")
    again = cloud.cli("s3", "mb", f"s3://{name}", region="eu-west-1", check=False)
    assert again.returncode != 0 and "BucketAlreadyOwnedByYou" in again.stderr
    cloud.cli("s3api", "put-object", "--bucket", name, "--key", "k")
    full = cloud.cli("s3", "rb", f"s3://{name}", check=False)
    assert full.returncode != 0 and "BucketNotEmpty" in full.stderr
    cloud.cli("s3", "rb", "--force", f"s3://{name}")
    assert name not in cloud.cli("s3", "ls")


def test_names_are_unique_in_the_world(cloud, s3, bucket, refused):
    other = cloud.client("s3", account="123456789012")
    with refused("BucketAlreadyExists", status=409):
        other.create_bucket(Bucket=bucket)
    with refused("InvalidBucketName", status=400):
        raw_create(cloud.client("s3"), "bad..name")
    with refused("403", status=403):
        other.head_bucket(Bucket=bucket)
    with refused("404", status=404):
        s3.head_bucket(Bucket=new_name())
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"
    assert bucket in [b["Name"] for b in s3.list_buckets()["Buckets"]]


def raw_create(s3, name):
    """botocore itself refuses bad names."""
    s3.meta.events.unregister("before-parameter-build.s3", botocore.handlers.validate_bucket_name)
    s3.create_bucket(Bucket=name)


def test_regions(cloud, refused):
    here, there = cloud.client("s3"), cloud.client("s3", region="eu-west-1")
    with refused("IllegalLocationConstraintException", status=400):
        there.create_bucket(Bucket=new_name())
    with refused("InvalidLocationConstraint", status=400):
        here.create_bucket(Bucket=new_name(), CreateBucketConfiguration={"LocationConstraint": "us-east-1"})
    name = new_name()
    there.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert here.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    assert [b["Name"] for b in here.list_buckets(BucketRegion="eu-west-1")["Buckets"]] == [name]


SETTINGS = [
    ("tagging", {"Tagging": {"TagSet": [{"Key": "team", "Value": "a b"}]}}, "TagSet", "NoSuchTagSet"),
    ("cors", {"CORSConfiguration": {"CORSRules": [
        {"ID": "r", "AllowedMethods": ["GET"], "AllowedOrigins": ["https://a.example"], "MaxAgeSeconds": 5}]}},
     "CORSRules", "NoSuchCORSConfiguration"),
    ("website", {"WebsiteConfiguration": {
        "IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"},
        "RoutingRules": [{"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}}]}},
     "RoutingRules", "NoSuchWebsiteConfiguration"),
    ("lifecycle_configuration", {"LifecycleConfiguration": {"Rules": [
        {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}]}},
     "Rules", "NoSuchLifecycleConfiguration"),
]


@pytest.mark.parametrize("name,given,member,missing", SETTINGS, ids=[s[0] for s in SETTINGS])
def test_a_setting_is_shown_as_it_was_put(s3, bucket, refused, name, given, member, missing):
    get, put = getattr(s3, f"get_bucket_{name}"), getattr(s3, f"put_bucket_{name}")
    delete = getattr(s3, f"delete_bucket_{name.replace('_configuration', '')}")
    with refused(missing, status=404):
        get(Bucket=bucket)
    put(Bucket=bucket, **given)
    assert get(Bucket=bucket)[member] == list(given.values())[0][member]
    delete(Bucket=bucket)
    with refused(missing, status=404):
        get(Bucket=bucket)


def test_settings_that_every_bucket_has(s3, bucket):
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    rule, = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert rule["ObjectOwnership"] == "BucketOwnerEnforced"
    rule, = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    acl = s3.get_bucket_acl(Bucket=bucket)
    assert [(g["Grantee"]["ID"], g["Permission"]) for g in acl["Grants"]] == [(acl["Owner"]["ID"], "FULL_CONTROL")]
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert "InventoryConfigurationList" not in s3.list_bucket_inventory_configurations(Bucket=bucket)


def test_what_is_not_there_is_refused(s3, bucket, refused):
    with refused("NotImplemented", status=501):
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": bucket, "TargetPrefix": "l"}})
    with refused("NotImplemented", status=501):
        s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": "arn:aws:iam::1:role/r", "Rules": [
            {"Status": "Enabled", "Destination": {"Bucket": f"arn:aws:s3:::{bucket}"}, "Prefix": ""}]})
    with refused("ReplicationConfigurationNotFoundError", status=404):
        s3.get_bucket_replication(Bucket=bucket)


def test_public_policies_are_blocked_until_allowed(cloud, s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="page", Body=b"hello")
    url = f"{cloud.server.endpoint}/{bucket}/page"
    assert fetch(url)[0] == 403
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")]})
    with refused("AccessDenied", status=403, containing="BlockPublicPolicy"):
        s3.put_bucket_policy(Bucket=bucket, Policy=document)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=document)
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(document)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    assert fetch(url)[:2] == (200, b"hello")
    assert fetch(url, "PUT", body=b"x")[0] == 403
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert fetch(url)[0] == 403
    with refused("MalformedPolicy", status=400, containing="invalid resource"):
        s3.put_bucket_policy(Bucket=bucket, Policy=document.replace(bucket, "another"))


def test_a_policy_lets_another_account_in(cloud, s3, bucket, refused):
    other = cloud.client("s3", account="333333333333")
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    with refused("AccessDenied", status=403):
        other.get_object(Bucket=bucket, Key="k")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", {"AWS": "arn:aws:iam::333333333333:root"})]}))
    assert other.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    with refused("AccessDenied", status=403):
        other.put_object(Bucket=bucket, Key="k", Body=b"2")


def test_a_deny_counts_and_the_root_can_mend_it(s3, bucket, refused):
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        allow("s3:*", [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]) | {"Effect": "Deny"}]}))
    with refused("AccessDenied", status=403):
        s3.list_objects_v2(Bucket=bucket)
    s3.delete_bucket_policy(Bucket=bucket)
    s3.list_objects_v2(Bucket=bucket)


def test_access_control_lists(cloud, s3, refused):
    bucket = new_name()
    s3.create_bucket(Bucket=bucket, ObjectOwnership="BucketOwnerPreferred")
    with refused("AccessDenied", status=403, containing="BlockPublicAcls"):
        s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    grants = s3.get_bucket_acl(Bucket=bucket)["Grants"]
    assert {g["Grantee"].get("URI"): g["Permission"] for g in grants if "URI" in g["Grantee"]} == {
        "http://acs.amazonaws.com/groups/global/AllUsers": "READ"}
    status, body, _ = fetch(f"{cloud.server.endpoint}/{bucket}")
    assert status == 200 and b"<ListBucketResult" in body
    s3.put_object(Bucket=bucket, Key="open", Body=b"o", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="shut", Body=b"s")
    assert fetch(f"{cloud.server.endpoint}/{bucket}/open")[:2] == (200, b"o")
    assert fetch(f"{cloud.server.endpoint}/{bucket}/shut")[0] == 403
    with refused("AccessControlListNotSupported", status=400):
        closed = new_name()
        s3.create_bucket(Bucket=closed)
        s3.put_bucket_acl(Bucket=closed, ACL="private")


def test_settings_outlive_the_process(own_cloud):
    s3, name = own_cloud.client("s3"), new_name()
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    own_cloud.restart(kill=True)
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "a", "Value": "b"}]


def test_requesters_pay(cloud, s3, bucket, refused):
    other = cloud.client("s3", account="333333333333")
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", {"AWS": "arn:aws:iam::333333333333:root"})]}))
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"
    with refused("AccessDenied", status=403):
        other.get_object(Bucket=bucket, Key="k")
    assert other.get_object(Bucket=bucket, Key="k", RequestPayer="requester")["Body"].read() == b"1"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
