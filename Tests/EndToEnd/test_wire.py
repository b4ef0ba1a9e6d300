"""Bodies in the forms that SDKs send them, signed by botocore: in chunks, compressed, presigned."""

import base64
import gzip
import hashlib
import hmac
import json
import zlib

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from harness import send

EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.fixture
def keys(cloud):
    """A key that IAM issued: what it signs is verified."""
    iam = cloud.client("iam")
    iam.create_user(UserName="wire")
    iam.put_user_policy(
        UserName="wire", PolicyName="all",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}))
    key = iam.create_access_key(UserName="wire")["AccessKey"]
    return botocore.credentials.Credentials(key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture
def url(cloud):
    return cloud.client("sqs").create_queue(QueueName="wire")["QueueUrl"]


def code(request, keys, kind, *parts):
    """The signature of a chunk or of the trailer; botocore signs the head alone."""
    time = request.context["timestamp"]
    key = ("AWS4" + keys.secret_key).encode()
    for part in (time[:8], "us-east-1", "sqs", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = "\n".join([f"AWS4-HMAC-SHA256-{kind}", time, f"{time[:8]}/us-east-1/sqs/aws4_request", *parts])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def chunked(cloud, keys, body, form="STREAMING-AWS4-HMAC-SHA256-PAYLOAD", spoil=None, size=16):
    request = botocore.awsrequest.AWSRequest("POST", cloud.server.endpoint + "/", headers={
        "X-Amz-Target": "AmazonSQS.SendMessage", "Content-Type": "application/x-amz-json-1.0", "X-Amz-Content-SHA256": form,
        "X-Amz-Decoded-Content-Length": str(len(body)), "Content-Encoding": "aws-chunked"}, data=b"")
    checksum = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    if form.endswith("TRAILER"):
        request.headers["X-Amz-Trailer"] = "x-amz-checksum-crc32"
    botocore.auth.SigV4Auth(keys, "sqs", "us-east-1").add_auth(request)
    previous = request.headers["Authorization"].rpartition("Signature=")[2]
    signed = "HMAC" in form
    wire = b""
    for piece in [body[at:at + size] for at in range(0, len(body), size)] + [b""]:
        previous = code(request, keys, "PAYLOAD", previous, EMPTY, hashlib.sha256(piece).hexdigest())
        wire += b"%x" % len(piece) + (f";chunk-signature={previous}".encode() if signed else b"") + b"\r\n"
        wire += piece + b"\r\n" if piece else b""
    if form.endswith("TRAILER"):
        line = f"x-amz-checksum-crc32:{checksum}"
        wire += line.encode() + b"\r\n"
        if signed:
            digest = hashlib.sha256((line + "\n").encode()).hexdigest()
            wire += f"x-amz-trailer-signature:{code(request, keys, 'TRAILER', previous, digest)}\r\n".encode()
    wire += b"\r\n"
    status, answer, headers = send(request.url, "POST", dict(request.headers.items()), spoil(wire) if spoil else wire)
    return status, json.loads(answer), headers


FORMS = ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"]


@pytest.mark.parametrize("form", FORMS)
def test_a_body_in_chunks_arrives_whole(cloud, keys, url, form):
    body = json.dumps({"QueueUrl": url, "MessageBody": "in chunks " * 20}).encode()
    status, answer, _ = chunked(cloud, keys, body, form)
    assert status == 200, answer
    received = cloud.client("sqs").receive_message(QueueUrl=url)["Messages"][0]
    assert received["Body"] == "in chunks " * 20 and received["MessageId"] == answer["MessageId"]


@pytest.mark.parametrize("form,spoil,code", [
    (FORMS[0], lambda wire: wire.replace(b"chunks", b"chanks"), "InvalidSignatureException"),
    (FORMS[0], lambda wire: wire[:-90], "IncompleteBody"),
    (FORMS[1], lambda wire: wire.replace(b"crc32:", b"crc32:A"), "InvalidSignatureException"),
    (FORMS[2], lambda wire: wire.replace(b"chunks", b"chanks"), "BadDigest"),
    (FORMS[2], lambda wire: wire[:wire.index(b"x-amz-checksum")], "MalformedTrailerError"),
])
def test_a_body_that_was_changed_does_nothing(cloud, keys, url, form, spoil, code):
    body = json.dumps({"QueueUrl": url, "MessageBody": "chunks"}).encode()
    status, answer, headers = chunked(cloud, keys, body, form, spoil, size=1000)
    assert status == 400 and headers["x-amzn-errortype"] == code, answer
    assert "Messages" not in cloud.client("sqs").receive_message(QueueUrl=url)


def test_a_compressed_body_is_read(cloud, keys, url):
    body = gzip.compress(json.dumps({"QueueUrl": url, "MessageBody": "x" * 50_000}).encode())
    request = botocore.awsrequest.AWSRequest("POST", cloud.server.endpoint + "/", headers={
        "X-Amz-Target": "AmazonSQS.SendMessage", "Content-Type": "application/x-amz-json-1.0", "Content-Encoding": "gzip"}, data=body)
    botocore.auth.SigV4Auth(keys, "sqs", "us-east-1").add_auth(request)
    status, answer, _ = send(request.url, "POST", dict(request.headers.items()), body)
    assert status == 200, answer
    assert cloud.client("sqs").receive_message(QueueUrl=url)["Messages"][0]["Body"] == "x" * 50_000
