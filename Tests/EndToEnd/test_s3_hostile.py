"""What a client of S3 may send that is odd, broken or meant to harm: it is kept as it is, or refused and leaves nothing."""

import base64
import hashlib
import os
import socket
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from harness import wait_until
from test_s3_objects import fetch

KEYS = [
    "../../etc/passwd", "a//b", "/lead", "trail/", "trail//", "%2F", "a%00b", "?", "#", "+ +", "&amp;", "<x>", "é", "e\u0301", "\U0001d4b3",
    "a" * 1024, "a\x7fb", "a'b\"c", "~", "*", "state-dewpoint-abcdef", "ends with ", "\u202e",
]


def test_keys_are_bytes_and_nothing_else(s3, bucket):
    for number, key in enumerate(KEYS):
        s3.put_object(Bucket=bucket, Key=key, Body=str(number).encode())
    listed = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(KEYS, key=lambda key: key.encode())
    for number, key in enumerate(KEYS):
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == str(number).encode(), key
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in KEYS]})
    assert {item["Key"] for item in gone["Deleted"]} == set(KEYS)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def signed(cloud, method, path, query="", body=b"", headers=None, account=None):
    url = cloud.server.endpoint + path + ("?" + query if query else "")
    request = botocore.awsrequest.AWSRequest(method=method, url=url, data=body, headers=dict(headers or {}))
    botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(account or cloud.account, "s"), "s3", "us-east-1").add_auth(request)
    return url, dict(request.headers.items())


XML = [
    b"", b"<", b"<Delete>", b"<Delete></Delete>", b"<Delete/>", b"<Other/>", b"\xff\xfe\x00", b"<Delete><Object/></Delete>",
    b"<Delete><Object><Key></Key></Object></Delete>" * 2, b"<Delete>" + b"<Object>" * 5000, b"<Delete a='1' a='2'/>",
    b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><Delete><Object><Key>&b;</Key></Object></Delete>",
    b"<Delete><Object><Key>&#0;</Key></Object></Delete>", b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>",
    b"<Delete><Quiet>perhaps</Quiet><Object><Key>k</Key></Object></Delete>",
]


@pytest.mark.parametrize("body", XML, ids=range(len(XML)))
@pytest.mark.parametrize("operation", ["delete", "complete"])
def test_broken_documents_are_refused(cloud, s3, bucket, operation, body):
    path, query = f"/{bucket}", "delete="
    if operation == "complete":
        upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
        path, query = f"/{bucket}/k", f"uploadId={upload}"
        body = body.replace(b"Delete", b"CompleteMultipartUpload").replace(b"Object", b"Part")
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    url, headers = signed(cloud, "POST", path, query, body, {"Content-MD5": md5})
    status, answer, _ = fetch(url, "POST", body, headers)
    assert status == 400 and answer.startswith(b"<?xml") and b"<Code>" in answer, (status, answer)


def test_a_client_that_goes_away_leaves_nothing(cloud, s3, bucket):
    url, headers = signed(cloud, "PUT", f"/{bucket}/k", body=b"x" * 1_000_000)
    place = urllib.parse.urlsplit(url)
    folder = os.path.join(cloud.server.data, "objects")
    before = sum(len(files) for _, _, files in os.walk(folder))
    for sent in (0, 1000, 999_999):
        with socket.create_connection(("127.0.0.1", place.port)) as connection:
            head = f"PUT {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 1000000\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            connection.sendall(head.encode() + b"\r\n" + b"x" * sent)
    wait_until(lambda: sum(len(files) for _, _, files in os.walk(folder)) == before, "the files are gone")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("headers, code", [
    ({"x-amz-storage-class": "NONE"}, b"InvalidStorageClass"), ({"x-amz-tagging": "a=1&a=2"}, b"InvalidArgument"),
    ({"x-amz-tagging": "&".join(f"k{i}=" for i in range(11))}, b"BadRequest"), ({"x-amz-server-side-encryption": "none"}, b"InvalidArgument"),
    ({"x-amz-object-lock-mode": "GOVERNANCE"}, b"InvalidRequest"), ({"x-amz-meta-a": "x" * 2100}, b"MetadataTooLarge"),
    ({"content-md5": "nonsense"}, b"InvalidDigest"), ({"x-amz-checksum-crc32": "nonsense"}, b"InvalidRequest"),
    ({"x-amz-checksum-xxhash64": "AAAAAAAAAAA="}, b"NotImplemented"), ({"x-amz-sdk-checksum-algorithm": "CRC32"}, b"InvalidRequest"),
    ({"x-amz-acl": "public-read"}, b"AccessControlListNotSupported"), ({"if-none-match": "abc"}, b"NotImplemented"),
    ({"x-amz-server-side-encryption-customer-algorithm": "AES256"}, b"InvalidArgument"),
    ({"x-amz-website-redirect-location": "javascript:x"}, b"InvalidRedirectLocation"),
    ({"x-amz-expected-bucket-owner": "999999999999"}, b"AccessDenied")])
def test_what_cannot_be_is_refused_and_nothing_is_kept(cloud, s3, bucket, headers, code):
    url, fields = signed(cloud, "PUT", f"/{bucket}/k", body=b"body", headers=headers)
    status, answer, _ = fetch(url, "PUT", b"body", fields)
    assert status >= 400 and b"<Code>" + code + b"</Code>" in answer, (status, answer)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_body_of_unknown_length_is_refused(cloud, s3, bucket):
    url, headers = signed(cloud, "PUT", f"/{bucket}/k", headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    place = urllib.parse.urlsplit(url)
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as connection:
        head = f"PUT {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nTransfer-Encoding: chunked\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(head.encode() + b"\r\n11170\r\n" + b"x" * 70_000)
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 411") and b"MissingContentLength" in answer
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_body_that_is_too_large_is_refused_before_it_comes(cloud, bucket):
    url, headers = signed(cloud, "PUT", f"/{bucket}/k")
    place = urllib.parse.urlsplit(url)
    with socket.create_connection(("127.0.0.1", place.port), timeout=10) as connection:
        head = f"PUT {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {6 << 30}\r\nExpect: 100-continue\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(head.encode() + b"\r\n")
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 400") and b"EntityTooLarge" in answer
