"""Objects as the SDK and the CLI use them: bodies, ranges, versions, parts, presigned URLs."""

import base64
import hashlib
import http.client
import json
import os
import urllib.parse
import zlib

import boto3.s3.transfer
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.session
import pytest

from buckets import new_bucket, new_name
from harness import wait_until


def fetch(url, method="GET", body=None, headers=None):
    """Sends these fields and no others: some signatures cover a type that a library would add."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=20)
    connection.request(method, url.removeprefix(f"{parts.scheme}://{parts.netloc}"), body, {"Host": parts.netloc} | (headers or {}))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, answer.headers


@pytest.mark.parametrize("size", [0, 5, 16 << 10, 70_000, 3_000_001])
def test_put_and_get(s3, bucket, size):
    body = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key="dir/a key+ü", Body=body, Metadata={"Shade": "blue"}, ContentType="text/x")
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert put["ChecksumCRC32"] == base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    got = s3.get_object(Bucket=bucket, Key="dir/a key+ü", ChecksumMode="ENABLED")
    assert got["Body"].read() == body
    assert (got["ETag"], got["ContentType"], got["Metadata"]) == (put["ETag"], "text/x", {"shade": "blue"})
    assert got["ChecksumType"] == "FULL_OBJECT"
    head = s3.head_object(Bucket=bucket, Key="dir/a key+ü")
    assert (head["ContentLength"], head["ETag"], head["AcceptRanges"]) == (size, put["ETag"], "bytes")


def test_ranges_and_conditions(s3, bucket, refused):
    body = os.urandom(1_000_000)
    tag = s3.put_object(Bucket=bucket, Key="k", Body=body)["ETag"]
    part = s3.get_object(Bucket=bucket, Key="k", Range="bytes=300000-300009")
    assert part["Body"].read() == body[300_000:300_010]
    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert part["ContentRange"] == "bytes 300000-300009/1000000"
    assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=-5")["Body"].read() == body[-5:]
    with refused("InvalidRange", status=416):
        s3.get_object(Bucket=bucket, Key="k", Range="bytes=1000000-")
    with refused("PreconditionFailed", status=412):
        s3.get_object(Bucket=bucket, Key="k", IfMatch='"x"')
    with refused("304", status=304):
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=tag)
    with refused("PreconditionFailed", status=412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"", IfNoneMatch="*")
    with refused("NoSuchKey", status=404) as error:
        s3.get_object(Bucket=bucket, Key="none")
    assert error.response["Error"]["Key"] == "none"
    with refused("404", status=404):
        s3.head_object(Bucket=bucket, Key="none")


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums(s3, bucket, algorithm):
    try:
        put = s3.put_object(Bucket=bucket, Key="k", Body=b"123456789", ChecksumAlgorithm=algorithm)
    except Exception as error:
        if "crt" in str(error).lower():
            pytest.skip("this SDK needs its native part for the algorithm")
        raise
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Checksum" + algorithm] == put["Checksum" + algorithm]


def test_large_files_go_in_parts_both_ways(cloud, s3, bucket, tmp_path):
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(os.urandom(30_000_000))
    transfer = boto3.s3.transfer.TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20, max_concurrency=4)
    s3.upload_file(str(source), bucket, "large", Config=transfer)
    s3.download_file(bucket, "large", str(back), Config=transfer)
    assert back.read_bytes() == source.read_bytes()
    head = s3.head_object(Bucket=bucket, Key="large", PartNumber=1)
    assert (head["ContentLength"], head["PartsCount"]) == (8 << 20, 4)
    assert head["ETag"].endswith('-4"')
    s3.copy({"Bucket": bucket, "Key": "large"}, bucket, "copy", Config=transfer)
    assert hashlib.md5(s3.get_object(Bucket=bucket, Key="copy")["Body"].read()).digest() == hashlib.md5(source.read_bytes()).digest()
    s3.copy_object(Bucket=bucket, Key="plain", CopySource={"Bucket": bucket, "Key": "large"})
    assert s3.head_object(Bucket=bucket, Key="plain")["ETag"] == f'"{hashlib.md5(source.read_bytes()).hexdigest()}"'


def test_the_command_line(cloud, s3, bucket, tmp_path):
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    files = {"a.txt": b"a", "deep/b.bin": os.urandom(9_000_000), "deep/ü +%.txt": b"odd"}
    for name, body in files.items():
        (tree / name).write_bytes(body)
        # Times of objects are whole seconds: what is as new as its copy is sent again.
        os.utime(tree / name, (1e9, 1e9))
    cloud.cli("s3", "cp", str(tree), f"s3://{bucket}/up/", "--recursive")
    assert "a.txt" in cloud.cli("s3", "ls", f"s3://{bucket}/up/")
    cloud.cli("s3", "sync", f"s3://{bucket}/up/", str(tmp_path / "down"))
    for name, body in files.items():
        assert (tmp_path / "down" / name).read_bytes() == body
    assert cloud.cli("s3", "sync", str(tree), f"s3://{bucket}/up/").strip() == ""
    url = cloud.cli("s3", "presign", f"s3://{bucket}/up/a.txt").strip()
    assert fetch(url)[:2] == (200, b"a")
    cloud.cli("s3", "mv", f"s3://{bucket}/up/a.txt", f"s3://{bucket}/moved.txt")
    cloud.cli("s3", "rm", f"s3://{bucket}/", "--recursive")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    cloud.cli("s3", "rb", f"s3://{bucket}")


@pytest.mark.parametrize("version", ["s3", "s3v4"])
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_presigned(cloud, s3, bucket, version, style):
    config = botocore.config.Config(signature_version=version, s3={"addressing_style": style})
    endpoint = cloud.server.endpoint if style == "path" else cloud.server.endpoint.replace("127.0.0.1", "s3.localhost")
    key, secret = issued_key(cloud)
    client = botocore.session.Session().create_client(
        "s3", region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret, config=config)

    put = client.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "a/b c"})
    assert fetch(put, "PUT", b"x" * 100_000)[0] == 200
    get = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a/b c", "ResponseContentType": "text/y"})
    status, body, headers = fetch(get)
    assert (status, len(body), headers["content-type"]) == (200, 100_000, "text/y")
    assert fetch(get.replace("text%2Fy", "text%2Fz"))[0] == 403
    assert b"SignatureDoesNotMatch" in fetch(get.replace("b%20c", "b%20d").replace("b+c", "b+d"))[1]
    late = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a/b c"}, ExpiresIn=1)
    answer = wait_until(lambda: (found := fetch(late))[0] == 403 and found, "the URL ends")
    assert b"Request has expired" in answer[1]


def issued_key(cloud):
    iam = cloud.client("iam")
    name = new_name()
    iam.create_user(UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


@pytest.mark.parametrize("payload", ["hash", "unsigned"])
@pytest.mark.parametrize("size", [10, 300_000])
def test_a_body_that_is_not_the_signed_one_is_refused(cloud, s3, bucket, refused, size, payload):
    """And nothing of it is kept."""
    key = issued_key(cloud)
    client = cloud.client("s3", credentials=key)

    def spoil(request, **_):
        if request.method == "PUT":
            request.body = b"y" * size if payload == "hash" else request.body

    client.meta.events.register("before-send.s3.PutObject", spoil)
    if payload == "unsigned":
        with refused("BadDigest", status=400):
            client.put_object(Bucket=bucket, Key="k", Body=b"x" * size, ChecksumCRC32="AAAAAA==")
    else:
        with refused("XAmzContentSHA256Mismatch", status=400):
            client.put_object(Bucket=bucket, Key="k", Body=b"x" * size)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_nobody_may_but_for_the_policy(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    url = f"{cloud.server.endpoint}/{bucket}/k"
    status, body, _ = fetch(url)
    assert status == 403 and b"<Code>AccessDenied</Code>" in body


def test_continue_is_said_before_the_body(cloud, s3, bucket):
    """And not when the head is refused already."""
    for size, secret, first in [(5, None, b"HTTP/1.1 100"), (5_000_000, None, b"HTTP/1.1 100"), (5_000_000, "wrong", b"HTTP/1.1 403")]:
        key, own = issued_key(cloud)
        request = botocore.awsrequest.AWSRequest(
            method="PUT", url=f"{cloud.server.endpoint}/{bucket}/k", data=b"z" * size, headers={"Expect": "100-continue"})
        botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(key, secret or own), "s3", "us-east-1").add_auth(request)
        parts = urllib.parse.urlsplit(cloud.server.endpoint)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=10)
        connection.putrequest("PUT", f"/{bucket}/k", skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": parts.netloc, "Content-Length": str(size), **dict(request.headers.items())}.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.sock.recv(12) == first
        connection.close()


def test_versions(s3, bucket, refused):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    one = s3.put_object(Bucket=bucket, Key="k", Body=b"one")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"two")
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    with refused("NoSuchKey") as error:
        s3.get_object(Bucket=bucket, Key="k")
    assert error.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=one)["Body"].read() == b"one"
    with refused("MethodNotAllowed", status=405):
        s3.get_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    listed = s3.list_object_versions(Bucket=bucket)
    assert [v["IsLatest"] for v in listed["Versions"]] == [False, False]
    assert listed["DeleteMarkers"][0]["VersionId"] == marker["VersionId"]
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [
        {"Key": "k", "VersionId": v["VersionId"]} for v in listed["Versions"] + listed["DeleteMarkers"]]})
    assert len(gone["Deleted"]) == 3 and "Errors" not in gone
    s3.delete_bucket(Bucket=bucket)


@pytest.mark.parametrize("body", [
    b"", b"0\r\n\r\n", b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", b"5\r\nhel", b"zz\r\nhello\r\n0\r\n\r\n",
    b"ffffffffffffffff\r\n", b"6\r\nhello!\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\nx-evil: 1\r\n\r\n"])
def test_chunks_that_are_broken_leave_nothing(cloud, s3, bucket, body):
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "5",
        "x-amz-trailer": "x-amz-checksum-crc32", "Content-Encoding": "aws-chunked"}
    status, answer = put_signed(cloud, f"/{bucket}/k", body, headers)
    assert status == 400, answer
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("size", [5, 1_000_000])
def test_chunks_with_a_trailer(cloud, s3, bucket, size):
    data = os.urandom(size)
    framed = b"".join(
        f"{len(data[i:i + 65536]):x}\r\n".encode() + data[i:i + 65536] + b"\r\n" for i in range(0, size, 65536))
    checksum = base64.b64encode(zlib.crc32(data).to_bytes(4, "big"))
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": str(size),
        "x-amz-trailer": "x-amz-checksum-crc32", "Content-Encoding": "gzip,aws-chunked"}
    status, answer = put_signed(cloud, f"/{bucket}/k", framed + b"0\r\nx-amz-checksum-crc32:" + checksum + b"\r\n\r\n", headers)
    assert status == 200, answer
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["ContentEncoding"] == "gzip" and got["ChecksumCRC32"].encode() == checksum
    assert got["Body"]._raw_stream.read(decode_content=False) == data


def put_signed(cloud, path, body, headers):
    request = botocore.awsrequest.AWSRequest(method="PUT", url=cloud.server.endpoint + path, data=body, headers=dict(headers))
    auth = botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(cloud.account, "s"), "s3", "us-east-1")
    auth.payload = lambda _: headers["x-amz-content-sha256"]
    auth.add_auth(request)
    fields = {name: value for name, value in request.headers.items()}
    fields["x-amz-content-sha256"] = headers["x-amz-content-sha256"]
    status, answer, _ = fetch(cloud.server.endpoint + path, "PUT", body, fields)
    return status, answer


SELECT = {"Expression": "select 1", "ExpressionType": "SQL", "InputSerialization": {"CSV": {}}, "OutputSerialization": {"CSV": {}}}
RULES = {"Role": "arn:aws:iam::000000000000:role/r", "Rules": [
    {"Status": "Enabled", "Prefix": "", "Destination": {"Bucket": "arn:aws:s3:::other"}}]}


@pytest.mark.parametrize("operation, arguments", [
    ("select_object_content", {"Key": "k"} | SELECT),
    ("restore_object", {"Key": "k", "RestoreRequest": {"Type": "SELECT", "SelectParameters": SELECT, "OutputLocation": {"S3": {
        "BucketName": "b", "Prefix": "p"}}}}),
    ("put_bucket_replication", {"ReplicationConfiguration": RULES}),
    ("put_bucket_logging", {"BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "b", "TargetPrefix": "p"}}}),
    ("put_bucket_inventory_configuration", {"Id": "i", "InventoryConfiguration": {
        "Id": "i", "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"},
        "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::b", "Format": "CSV"}}}}),
    ("put_bucket_metrics_configuration", {"Id": "i", "MetricsConfiguration": {"Id": "i"}}),
    ("put_bucket_analytics_configuration", {"Id": "i", "AnalyticsConfiguration": {"Id": "i", "StorageClassAnalysis": {}}}),
    ("put_bucket_intelligent_tiering_configuration", {"Id": "i", "IntelligentTieringConfiguration": {
        "Id": "i", "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}}),
], ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_not_there_is_refused(s3, bucket, refused, operation, arguments):
    s3.put_object(Bucket=bucket, Key="k", Body=b"a,b", StorageClass="GLACIER")
    with refused("NotImplemented", status=501):
        getattr(s3, operation)(Bucket=bucket, **arguments)


def test_what_is_not_there_is_not_set(s3, bucket, refused):
    """Tools ask for these of every bucket."""
    with refused("ReplicationConfigurationNotFoundError", status=404):
        s3.get_bucket_replication(Bucket=bucket)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    for kind in ("analytics", "inventory", "metrics", "intelligent_tiering"):
        with refused("NoSuchConfiguration", status=404):
            getattr(s3, f"get_bucket_{kind}_configuration")(Bucket=bucket, Id="i")
        answer = getattr(s3, f"list_bucket_{kind}_configurations")(Bucket=bucket)
        assert answer["IsTruncated"] is False and not [name for name in answer if name.endswith("List")]


def test_owners_of_what_another_account_puts(cloud, s3, refused):
    def uploaded(ownership, **how):
        bucket = new_bucket(s3, ObjectOwnership=ownership)
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": other}, "Action": ["s3:PutObject", "s3:PutObjectAcl"],
            "Resource": f"arn:aws:s3:::{bucket}/*"}]}))
        theirs.put_object(Bucket=bucket, Key="k", Body=b"x", **how)
        owner = s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]["Owner"]["ID"]
        assert owner == s3.list_object_versions(Bucket=bucket)["Versions"][0]["Owner"]["ID"]
        return bucket, "mine" if owner == mine else "theirs"
    other = str(int(cloud.account) + 500_000_000_000)
    theirs = cloud.client("s3", account=other)
    mine = s3.list_buckets()["Owner"]["ID"]
    given = {"ACL": "bucket-owner-full-control"}
    assert uploaded("BucketOwnerEnforced")[1] == "mine"
    assert uploaded("BucketOwnerEnforced", **given)[1] == "mine"
    assert uploaded("BucketOwnerPreferred", **given)[1] == "mine"
    bucket, owner = uploaded("BucketOwnerPreferred")
    assert owner == "theirs"
    # The owner of the bucket cannot read it, but take it away.
    with refused("AccessDenied", status=403):
        s3.get_object(Bucket=bucket, Key="k")
    assert theirs.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    theirs.put_object_acl(Bucket=bucket, Key="k", **given)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    acl = s3.get_object_acl(Bucket=bucket, Key="k")
    assert acl["Owner"]["ID"] != mine and {grant["Grantee"]["ID"] for grant in acl["Grants"]} == {mine, acl["Owner"]["ID"]}
    s3.delete_object(Bucket=bucket, Key="k")
    bucket, owner = uploaded("ObjectWriter", **given)
    assert owner == "theirs" and s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    # Where ACLs are turned off everything is the bucket owner's.
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    assert s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]["Owner"]["ID"] == mine


def resident(server):
    """Bytes of the server's process that are in memory."""
    with open(f"/proc/{server.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_large_object_takes_no_memory(own_cloud):
    """Both ways, and when the client does not take what it has asked for."""
    s3 = own_cloud.client("s3")
    name = new_bucket(s3)
    size, piece = 256 << 20, os.urandom(1 << 20)
    digest, md5 = hashlib.sha256(), hashlib.md5()
    for _ in range(size // len(piece)):
        digest.update(piece)
        md5.update(piece)
    before = peak = resident(own_cloud.server)
    checksum = base64.b64encode(digest.digest()).decode()
    url = s3.generate_presigned_url("put_object", {"Bucket": name, "Key": "k", "ChecksumSHA256": checksum})
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=120)
    connection.putrequest("PUT", url.removeprefix(f"{parts.scheme}://{parts.netloc}"), skip_accept_encoding=True)
    connection.putheader("Content-Length", str(size))
    connection.putheader("x-amz-checksum-sha256", checksum)
    connection.endheaders()
    for _ in range(size // len(piece)):
        connection.send(piece)
        peak = max(peak, resident(own_cloud.server))
    answer = connection.getresponse()
    assert (answer.status, answer.headers["etag"]) == (200, f'"{md5.hexdigest()}"'), answer.read()
    body = s3.get_object(Bucket=name, Key="k")["Body"]
    back = hashlib.sha256()
    for chunk in body.iter_chunks(4 << 20):
        back.update(chunk)
        peak = max(peak, resident(own_cloud.server))
    assert back.digest() == digest.digest()
    stuck = s3.get_object(Bucket=name, Key="k")["Body"]
    stuck.read(1000)
    assert fetch(f"{own_cloud.server.endpoint}/_dewpoint/health")[0] == 200
    peak = max(peak, resident(own_cloud.server))
    stuck.close()
    assert peak - before < 40 << 20, f"{(peak - before) >> 20} MiB more"


def test_a_snapshot_holds_objects(own_cloud):
    s3 = own_cloud.client("s3")
    name = new_bucket(s3)
    bodies = {"small": b"x" * 100, "large": os.urandom(3_000_000), "empty": b""}
    for key, body in bodies.items():
        s3.put_object(Bucket=name, Key=key, Body=body)
    page = f"{own_cloud.server.endpoint}/_dewpoint/snapshot"
    status, snapshot, _ = fetch(page)
    assert status == 200 and len(snapshot) > 3_000_000
    for key in bodies:
        s3.delete_object(Bucket=name, Key=key)
    s3.put_object(Bucket=name, Key="later", Body=b"y" * 100_000)
    assert fetch(page, "POST", snapshot)[0] == 200
    assert {item["Key"] for item in s3.list_objects_v2(Bucket=name)["Contents"]} == bodies.keys()
    for key, body in bodies.items():
        assert s3.get_object(Bucket=name, Key=key)["Body"].read() == body
    own_cloud.restart(kill=True)
    assert s3.get_object(Bucket=name, Key="large")["Body"].read() == bodies["large"]
