"""What browsers meet: CORS, websites, upload forms."""

import base64
import datetime
import hmac
import http.client
import json
import os
import urllib.parse

import botocore.config
import pytest


def ask(cloud, method, path, headers=None, body=None):
    """A request as it is: no redirect is followed."""
    address = urllib.parse.urlsplit(cloud.server.endpoint)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def let_everybody_read(s3, bucket):
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]}))


def test_cors(cloud, s3, bucket):
    let_everybody_read(s3, bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    origin = {"Origin": "https://app.example.com"}
    asked = origin | {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type, x-amz-date"}
    status, body, _ = ask(cloud, "OPTIONS", f"/{bucket}/k", asked)
    assert status == 403 and b"CORS is not enabled for this bucket" in body
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [
        {"AllowedMethods": ["PUT", "GET"], "AllowedOrigins": ["https://*.example.com"], "AllowedHeaders": ["*"],
         "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 30}]})
    status, body, headers = ask(cloud, "OPTIONS", f"/{bucket}/k", asked)
    assert (status, body) == (200, b"")
    assert headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert headers["Access-Control-Allow-Methods"] == "PUT, GET" and headers["Access-Control-Max-Age"] == "30"
    assert headers["Access-Control-Allow-Headers"] == "content-type, x-amz-date"
    status, body, headers = ask(cloud, "GET", f"/{bucket}/k", origin)
    assert (status, body) == (200, b"1") and headers["Access-Control-Expose-Headers"] == "ETag"
    other = {"Origin": "https://evil.example"}
    assert ask(cloud, "OPTIONS", f"/{bucket}/k", asked | other)[0] == 403
    assert ask(cloud, "GET", f"/{bucket}/k", other)[0] == 403
    here = ask(cloud, "GET", f"/{bucket}/k", {"Origin": "http://localhost:3000"})
    assert here[0] == 200 and "Access-Control-Allow-Origin" not in here[2]
    virtual = {"Host": f"{bucket}.s3.localhost:4566"}
    assert ask(cloud, "OPTIONS", "/k", asked | virtual)[0] == 200


def test_a_website(cloud, s3, bucket):
    host = {"Host": f"{bucket}.s3-website.us-east-1.amazonaws.com"}
    assert ask(cloud, "GET", "/", host)[0] == 404
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={
        "IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"},
        "RoutingRules": [{"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}}]})
    for key, body in [("index.html", b"home"), ("docs/index.html", b"docs"), ("error.html", b"oops")]:
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="text/html")
    s3.put_object(Bucket=bucket, Key="moved", WebsiteRedirectLocation="/docs/")
    assert ask(cloud, "GET", "/", host)[0] == 403
    let_everybody_read(s3, bucket)
    status, body, headers = ask(cloud, "GET", "/", host)
    assert (status, body, headers["Content-Type"]) == (200, b"home", "text/html")
    assert ask(cloud, "GET", "/docs/", host)[:2] == (200, b"docs")
    status, _, headers = ask(cloud, "GET", "/docs", host)
    assert (status, headers["Location"]) == (302, "/docs/")
    status, body, _ = ask(cloud, "GET", "/none", host)
    assert status in (403, 404) and body == b"oops"
    status, _, headers = ask(cloud, "GET", "/old/a%20b", host)
    assert status == 301 and headers["Location"].endswith("/new/a%20b")
    status, _, headers = ask(cloud, "GET", "/moved", host)
    assert (status, headers["Location"]) == (301, "/docs/")
    assert ask(cloud, "POST", "/", host, b"x")[0] == 405
    for name in (f"{bucket}.s3-website-us-east-1.amazonaws.com", f"{bucket}.s3-website.localhost:4566"):
        assert ask(cloud, "GET", "/", {"Host": name})[:2] == (200, b"home")
    assert ask(cloud, "GET", f"/_dewpoint/website/{bucket}/docs/")[:2] == (200, b"docs")
    head = ask(cloud, "HEAD", "/", host)
    assert head[0] == 200 and head[1] == b"" and head[2]["Content-Length"] == "4"


def form(fields, file, name="photo.png"):
    """The body and content type of a form with a file."""
    mark = "----boundary7"
    parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in fields.items()]
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: image/png\r\n\r\n'
    return "".join(parts).encode() + head.encode() + file + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"


def post(cloud, bucket, fields, file, name="photo.png"):
    body, kind = form(fields, file, name)
    return ask(cloud, "POST", f"/{bucket}", {"Content-Type": kind}, body)


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_form_uploads(cloud, bucket, version):
    client = cloud.client("s3")
    signer = cloud_client(cloud, version)
    signed = signer.generate_presigned_post(
        bucket, "in/${filename}", Fields={"Content-Type": "image/png", "x-amz-meta-shade": "blue"},
        Conditions=[{"Content-Type": "image/png"}, {"x-amz-meta-shade": "blue"}, ["content-length-range", 1, 1_000_000]])
    file = os.urandom(300_000)
    status, body, headers = post(cloud, bucket, signed["fields"], file)
    assert (status, body) == (204, b"") and headers["ETag"] and headers["Location"].endswith("/in%2Fphoto.png")
    got = client.get_object(Bucket=bucket, Key="in/photo.png")
    assert got["Body"].read() == file and got["ContentType"] == "image/png" and got["Metadata"] == {"shade": "blue"}
    assert post(cloud, bucket, signed["fields"] | {"Content-Type": "text/html"}, file)[0] == 403
    status, body, _ = post(cloud, bucket, signed["fields"] | {"x-amz-meta-more": "1"}, file)
    assert status == 403 and b"Extra input fields: x-amz-meta-more" in body
    status, body, _ = post(cloud, bucket, signed["fields"], b"")
    assert status == 400 and b"EntityTooSmall" in body
    status, body, _ = post(cloud, bucket, signed["fields"], bytes(1_000_001))
    assert status == 400 and b"EntityTooLarge" in body
    status, body, _ = post(cloud, bucket, {"key": "k"}, b"x")
    assert status == 403


def cloud_client(cloud, version, credentials=None):
    import botocore.session
    key, secret = credentials or (cloud.account, "secret")
    return botocore.session.get_session().create_client(
        "s3", region_name="us-east-1", endpoint_url=cloud.server.endpoint, aws_access_key_id=key, aws_secret_access_key=secret,
        config=botocore.config.Config(signature_version=version))


def test_a_form_is_only_what_its_signer_may(cloud, s3, bucket):
    iam = cloud.client("iam")
    iam.create_user(UserName="uploader")
    key = iam.create_access_key(UserName="uploader")["AccessKey"]
    credentials = (key["AccessKeyId"], key["SecretAccessKey"])

    def send(credentials):
        client = cloud_client(cloud, "s3v4", credentials)
        signed = client.generate_presigned_post(bucket, "k", Conditions=[{"success_action_status": "201"}],
                                                Fields={"success_action_status": "201"})
        return post(cloud, bucket, signed["fields"], b"body")
    assert send(credentials)[0] == 403
    iam.put_user_policy(UserName="uploader", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]}))
    status, body, _ = send(credentials)
    assert status == 201 and b"<Key>k</Key>" in body
    status, body, _ = send((credentials[0], "wrong"))
    assert status == 403 and b"SignatureDoesNotMatch" in body


def test_a_policy_that_has_ended(cloud, bucket):
    policy = base64.b64encode(json.dumps({
        "expiration": "2020-01-01T00:00:00Z", "conditions": [{"bucket": bucket}, {"key": "k"}]}).encode()).decode()
    day = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d")
    key = b"AWS4secret"
    for part in (day, "us-east-1", "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    fields = {
        "key": "k", "policy": policy, "x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-date": f"{day}T000000Z",
        "x-amz-credential": f"{cloud.account}/{day}/us-east-1/s3/aws4_request",
        "x-amz-signature": hmac.digest(key, policy.encode(), "sha256").hex()}
    status, body, _ = post(cloud, bucket, fields, b"x")
    assert status == 403 and b"Policy expired" in body
