"""Code of functions and layers that lies in S3."""

import os

from harness import Cloud, Server
from lambdas import LOGS, Function, make_role, policy, python, zipped


def answer(text):
    return python(f"def handler(event, context):\n    return {text!r}\n")


def create(cloud, code, name="stored", client=None):
    function = Function(cloud, name)
    (client or function.client).create_function(
        FunctionName=name, Role=make_role(cloud, f"role-of-{name}", LOGS), Runtime="python3.13", Handler="index.handler", Timeout=20,
        MemorySize=1769, Code=code)
    return function.wait_ready()


def test_a_function_runs_what_lies_in_a_bucket(cloud, s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="f.zip", Body=answer("one"))["VersionId"]
    s3.put_object(Bucket=bucket, Key="f.zip", Body=answer("two"))
    function = create(cloud, {"S3Bucket": bucket, "S3Key": "f.zip"})
    assert function.invoke().value == "two"
    function.client.update_function_code(FunctionName=function.name, S3Bucket=bucket, S3Key="f.zip", S3ObjectVersion=first)
    assert function.wait_ready().invoke().value == "one"


def test_a_large_package(cloud, s3, bucket):
    package = zipped({"index.py": "def handler(event, context):\n    return 'large'\n", "ballast": os.urandom(60 << 20)})
    assert len(package) > 50 << 20
    s3.put_object(Bucket=bucket, Key="large.zip", Body=package)
    assert create(cloud, {"S3Bucket": bucket, "S3Key": "large.zip"}, name="large").invoke().value == "large"


def test_a_layer_from_a_bucket(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="layer.zip", Body=zipped({"python/shared.py": "WORD = 'layered'\n"}))
    client = cloud.client("lambda")
    layer = client.publish_layer_version(LayerName="shared", Content={"S3Bucket": bucket, "S3Key": "layer.zip"})["LayerVersionArn"]
    s3.put_object(Bucket=bucket, Key="f.zip", Body=python("import shared\ndef handler(event, context):\n    return shared.WORD\n"))
    function = create(cloud, {"S3Bucket": bucket, "S3Key": "f.zip"}, name="layered")
    function.configure(Layers=[layer])
    assert function.invoke().value == "layered"


def test_code_that_cannot_be_had(cloud, s3, bucket, refused):
    text = "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}"
    with refused("InvalidParameterValueException", containing=text.format("NoSuchKey", "The specified key does not exist.")):
        create(cloud, {"S3Bucket": bucket, "S3Key": "none"}, name="a")
    missing = text.format("NoSuchBucket", "The specified bucket does not exist")
    with refused("InvalidParameterValueException", containing=missing):
        create(cloud, {"S3Bucket": bucket + "-gone", "S3Key": "none"}, name="b")
    s3.put_object(Bucket=bucket, Key="f.zip", Body=b"no zip")
    with refused("InvalidParameterValueException", containing="Could not unzip uploaded file"):
        create(cloud, {"S3Bucket": bucket, "S3Key": "f.zip"}, name="c")
    there = cloud.client("s3", region="eu-west-1")
    far = f"{bucket}-far"
    there.create_bucket(Bucket=far, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    with refused("InvalidParameterValueException", containing="PermanentRedirect"):
        create(cloud, {"S3Bucket": far, "S3Key": "f.zip"}, name="d")


def test_only_who_may_read_the_object_can_deploy_it(cloud, s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="f.zip", Body=answer("secret"))
    iam = cloud.client("iam")
    iam.create_user(UserName="deployer")
    iam.put_user_policy(UserName="deployer", PolicyName="p", PolicyDocument=policy(
        {"Effect": "Allow", "Action": ["lambda:*", "iam:PassRole"], "Resource": "*"}))
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    client = cloud.client("lambda", credentials=(key["AccessKeyId"], key["SecretAccessKey"]))
    with refused("AccessDeniedException", status=403, containing="Your access has been denied by S3"):
        create(cloud, {"S3Bucket": bucket, "S3Key": "f.zip"}, name="denied", client=client)


def test_a_function_follows_its_object_where_the_operator_says_so(tmp_path, account):
    server = Server(tmp_path, "--reload-from-s3").start()
    try:
        cloud = Cloud(server, account)
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="code")
        s3.put_object(Bucket="code", Key="f.zip", Body=answer("one"))
        function = create(cloud, {"S3Bucket": "code", "S3Key": "f.zip"})
        assert function.invoke().value == "one"
        version = function.client.publish_version(FunctionName="stored")["Version"]
        for text in ("two", "three"):
            s3.put_object(Bucket="code", Key="f.zip", Body=answer(text))
            assert function.invoke().value == text
        assert function.invoke(Qualifier=version).value == "one"
        s3.put_object(Bucket="code", Key="f.zip", Body=b"no zip")
        assert function.invoke().value == "three"
        s3.put_object(Bucket="code", Key="f.zip", Body=answer("four"))
        server.stop()
        server.start()
        assert function.invoke().value == "four"
    finally:
        server.stop()


def test_without_the_setting_a_function_keeps_its_code(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="f.zip", Body=answer("one"))
    function = create(cloud, {"S3Bucket": bucket, "S3Key": "f.zip"}, name="steady")
    s3.put_object(Bucket=bucket, Key="f.zip", Body=answer("two"))
    assert function.invoke().value == "one"
