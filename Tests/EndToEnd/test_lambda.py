"""The life of a function: create, look, change, delete; and what is refused, in AWS's words."""

import io
import json
import stat
import zipfile

import pytest

from harness import send
from lambdas import ECHO, MEMORY, Function, deploy, make_role, policy, python, zipped


def create(cloud, name="worker", **changes):
    options = {
        "FunctionName": name, "Runtime": "python3.13", "Handler": "index.handler", "Code": {"ZipFile": python(ECHO)},
        "Role": changes.pop("Role", None) or make_role(cloud), **changes}
    return cloud.client("lambda").create_function(**options)


def test_a_function_is_created_pending_and_becomes_active(cloud):
    role = make_role(cloud)
    client = cloud.client("lambda")
    made = create(cloud, Role=role, Description="d", Environment={"Variables": {"KEY": "1"}}, Tags={"team": "x"})
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (made["State"], made["StateReasonCode"], made["StateReason"]) == ("Pending", "Creating", "The function is being created.")
    assert "LastUpdateStatus" not in made
    assert (made["Timeout"], made["MemorySize"], made["Version"], made["PackageType"]) == (3, 128, "$LATEST", "Zip")
    assert made["EphemeralStorage"] == {"Size": 512} and made["Architectures"] == ["x86_64"]
    assert made["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/worker"}
    client.get_waiter("function_active_v2").wait(FunctionName="worker", WaiterConfig={"Delay": 1})

    found = client.get_function(FunctionName="worker")
    configuration = found["Configuration"]
    assert (configuration["State"], configuration["LastUpdateStatus"]) == ("Active", "Successful")
    assert configuration["FunctionArn"] == f"arn:aws:lambda:us-east-1:{cloud.account}:function:worker"
    assert configuration["RevisionId"] != made["RevisionId"]
    assert (configuration["Role"], configuration["Description"]) == (role, "d")
    assert configuration["Environment"] == {"Variables": {"KEY": "1"}}
    assert configuration["CodeSha256"] == made["CodeSha256"] and configuration["CodeSize"] == len(python(ECHO))
    assert found["Tags"] == {"team": "x"}
    assert client.get_function(FunctionName=configuration["FunctionArn"])["Configuration"]["FunctionName"] == "worker"


def test_the_code_can_be_downloaded_from_its_location(cloud):
    package = python(ECHO)
    function = deploy(cloud, package)
    location = function.client.get_function(FunctionName="worker")["Code"]["Location"]
    assert send(location)[:2] == (200, package)
    assert send(location.replace(".zip", "0.zip"))[0] == 404
    assert send(location.rpartition("/")[0] + "/..%2F..%2Fstore.zip")[0] == 404


def test_functions_are_listed_page_by_page(cloud):
    role = make_role(cloud)
    names = [f"f{i}" for i in range(7)]
    for name in names:
        create(cloud, name, Role=role)
    client = cloud.client("lambda")
    pages = list(client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["Functions"]) for page in pages] == [3, 3, 1]
    assert sorted(f["FunctionName"] for page in pages for f in page["Functions"]) == names
    assert cloud.client("lambda", region="eu-west-1").list_functions()["Functions"] == []
    assert cloud.client("lambda", account="211111111111").list_functions()["Functions"] == []


def test_new_code_runs_after_an_update(cloud, refused):
    function = deploy(cloud, "def handler(event, context):\n    return 'old'\n")
    assert function.invoke().value == "old"
    answer = function.update_code(python("def handler(event, context):\n    return 'new'\n"))
    assert answer["LastUpdateStatus"] == "InProgress"
    assert function.invoke().value == "new"
    with refused("PreconditionFailedException", 412):
        function.client.update_function_code(FunctionName="worker", ZipFile=python(ECHO), RevisionId=answer["RevisionId"])


def test_a_new_configuration_reaches_the_function(cloud):
    function = deploy(cloud, """
        import os
        def handler(event, context):
            return [os.environ.get("COLOUR"), context.memory_limit_in_mb]
        def other(event, context):
            return "other"
        """, Environment={"Variables": {"COLOUR": "red"}})
    assert function.invoke().value == ["red", str(MEMORY)]
    function.configure(Environment={"Variables": {"COLOUR": "grün"}}, MemorySize=2000)
    assert function.invoke().value == ["grün", "2000"]
    function.configure(Handler="index.other")
    assert function.invoke().value == "other"


def test_a_deleted_function_is_gone(cloud, refused):
    function = deploy(cloud, ECHO)
    function.invoke({})
    function.client.delete_function(FunctionName="worker")
    for operation in ("get_function", "invoke", "delete_function", "get_function_configuration"):
        with refused("ResourceNotFoundException", 404, containing=f"Function not found: {function.arn}"):
            getattr(function.client, operation)(FunctionName="worker")
    assert deploy(cloud, "def handler(e, c):\n    return 'second life'\n", role=f"arn:aws:iam::{cloud.account}:role/role-of-worker").invoke().value == "second life"


def test_functions_survive_a_kill(own_cloud):
    function = deploy(own_cloud, ECHO)
    assert function.invoke({"a": 1}).value == {"a": 1}
    own_cloud.restart(kill=True)
    assert function.invoke({"a": 2}).value == {"a": 2}
    # The unpacked code is a cache: what is missing is unpacked again.
    own_cloud.restart(kill=False)
    assert function.invoke({"a": 3}).value == {"a": 3}


# What is refused


def test_an_unknown_function_is_named_by_its_arn(cloud, refused):
    client = cloud.client("lambda")
    arn = f"arn:aws:lambda:us-east-1:{cloud.account}:function:nobody"
    with refused("ResourceNotFoundException", 404) as error:
        client.get_function(FunctionName="nobody")
    assert error.message == f"Function not found: {arn}"
    assert error.response["Type"] == "User"
    with refused("ResourceNotFoundException", 404) as error:
        client.invoke(FunctionName="nobody")
    assert error.message == f"Function not found: {arn}:$LATEST"


def test_a_name_is_taken_once(cloud, refused):
    role = make_role(cloud)
    create(cloud, Role=role)
    with refused("ResourceConflictException", 409) as error:
        create(cloud, Role=role)
    assert error.message == "Function already exist: worker"


def test_a_package_that_is_no_zip_is_refused(cloud, refused):
    with refused("InvalidParameterValueException", 400) as error:
        create(cloud, Code={"ZipFile": b"this is no zip"})
    assert error.message == "Could not unzip uploaded file. Please check your file, then try to upload again."


def linked(target):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.create_system = 3
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target)
        archive.writestr("link/planted.txt", "x")
    return out.getvalue()


@pytest.mark.parametrize("package", [
    zipped({"index.py": ECHO, "../evil.py": "x"}),
    zipped({"index.py": ECHO, "/etc/evil": "x"}),
    zipped({"a/../../evil.py": "x"}),
    linked("/etc"),
    linked("../../.."),
    python(ECHO)[:-30],
    python(ECHO)[:40] + b"\0\0\0\0" + python(ECHO)[44:],
], ids=["upwards", "absolute", "upwards-inside", "link-out", "link-up", "cut-off", "damaged"])
def test_a_hostile_zip_is_refused_and_leaves_nothing_behind(cloud, refused, package):
    with refused("InvalidParameterValueException", 400, containing="Could not unzip uploaded file."):
        create(cloud, Code={"ZipFile": package})
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert not list(cloud.server.directory.rglob("evil*")) and not list(cloud.server.directory.rglob("planted.txt"))


def test_a_zip_bomb_is_refused(cloud, refused):
    bomb = zipped({f"{i}.bin": bytes(64 << 20) for i in range(4)} | {"last": b"x" * 262_144_000})
    assert len(bomb) < 2 << 20
    with refused("InvalidParameterValueException", 400) as error:
        create(cloud, Code={"ZipFile": bomb})
    assert error.message == "Unzipped size must be smaller than 262144000 bytes"


def test_a_role_must_exist_and_trust_lambda(cloud, refused):
    text = "The role defined for the function cannot be assumed by Lambda."
    with refused("InvalidParameterValueException", 400) as error:
        create(cloud, Role=f"arn:aws:iam::{cloud.account}:role/nobody")
    assert error.message == text
    other = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
    with refused("InvalidParameterValueException", 400) as error:
        create(cloud, Role=make_role(cloud, "elsewhere", trust=other))
    assert error.message == text


@pytest.mark.parametrize("changes, code, text", [
    ({"Runtime": "cobol85"}, "InvalidParameterValueException", "Value cobol85 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["),
    ({"Runtime": "python3.6"}, "InvalidParameterValueException", "The runtime parameter of python3.6 is no longer supported for creating or updating AWS Lambda functions."),
    ({"Runtime": "dotnet8"}, "InvalidParameterValueException", "The runtime dotnet8 cannot run on this host"),
    ({"FunctionName": "n" * 65}, "InvalidParameterValueException", f"1 validation error detected: Value '{'n' * 65}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64"),
    ({"FunctionName": "a b"}, "ValidationException", "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern"),
    ({"Environment": {"Variables": {"AWS_REGION": "x", "LAMBDA_TASK_ROOT": "y"}}}, "InvalidParameterValueException", "reserved keys that are currently not supported for modification. Reserved keys used in this request: "),
    ({"Environment": {"Variables": {"9A": "x"}}}, "ValidationException", "Value at 'environment.variables' failed to satisfy constraint: Map keys must"),
    ({"Environment": {"Variables": {"LONG": "x" * 4097}}}, "InvalidParameterValueException", "exceeded the 4KB limit. String measured: "),
    ({"MemorySize": 10_241}, "ValidationException", "Value '10241' at 'memorySize' failed to satisfy constraint: Member must"),
    ({"Timeout": 901}, "ValidationException", "Value '901' at 'timeout' failed to satisfy constraint: Member must"),
    ({"Layers": [f"arn:aws:lambda:us-east-1:123456789012:layer:l{n}:1" for n in range(6)]}, "InvalidParameterValueException", "Cannot reference more than 5 layers."),
    ({"Code": {"S3Bucket": "bucket", "S3Key": "key"}}, "InvalidParameterValueException", "S3 Error Code: NoSuchBucket."),
], ids=lambda value: "-".join(value) if isinstance(value, dict) else "")
def test_bad_parameters_are_refused_in_awss_words(cloud, refused, changes, code, text):
    with refused(code, 400, containing=text):
        create(cloud, **changes)


# Permissions


def make_user(cloud, *statements):
    iam = cloud.client("iam")
    iam.create_user(UserName="ann")
    if statements:
        iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": list(statements)}))
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def test_a_user_needs_lambda_invokefunction(cloud, refused):
    function = deploy(cloud, ECHO)
    user = make_user(cloud)
    client = cloud.client("lambda", credentials=user)
    with refused("AccessDeniedException", 403) as error:
        client.invoke(FunctionName="worker")
    assert error.message == (
        f"User: arn:aws:iam::{cloud.account}:user/ann is not authorized to perform: lambda:InvokeFunction on resource: "
        f"{function.arn} because no identity-based policy allows the lambda:InvokeFunction action")
    for kind in ("Event", "DryRun"):
        with refused("AccessDeniedException", 403):
            client.invoke(FunctionName="worker", InvocationType=kind)
    cloud.client("iam").put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function.arn}]}))
    assert json.load(client.invoke(FunctionName="worker", Payload=b"[1]")["Payload"]) == [1]


def test_a_user_passes_on_only_roles_that_it_may_pass(cloud, refused):
    role = make_role(cloud)
    user = make_user(cloud, {"Effect": "Allow", "Action": "lambda:*", "Resource": "*"})
    client = cloud.client("lambda", credentials=user)
    options = {
        "FunctionName": "worker", "Runtime": "python3.13", "Handler": "index.handler", "Code": {"ZipFile": python(ECHO)}, "Role": role}
    with refused("AccessDeniedException", 403) as error:
        client.create_function(**options)
    assert error.message == (
        f"User: arn:aws:iam::{cloud.account}:user/ann is not authorized to perform: iam:PassRole on resource: {role} "
        "because no identity-based policy allows the iam:PassRole action")
    cloud.client("iam").put_user_policy(UserName="ann", PolicyName="pass", PolicyDocument=policy({
        "Effect": "Allow", "Action": "iam:PassRole", "Resource": role,
        "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}}))
    client.create_function(**options)
    Function(cloud, "worker").wait_ready()
    with refused("AccessDeniedException", 403):
        client.update_function_configuration(FunctionName="worker", Role=make_role(cloud, "mightier"))
    client.update_function_configuration(FunctionName="worker", Role=role)


def test_another_account_may_invoke_once_it_is_permitted(cloud, refused):
    function = deploy(cloud, ECHO)
    other = str(int(cloud.account) + 500_000_000_000)
    stranger = cloud.client("lambda", account=other)
    with refused("AccessDeniedException", 403):
        stranger.invoke(FunctionName=function.arn)
    added = function.client.add_permission(
        FunctionName="worker", StatementId="friends", Action="lambda:InvokeFunction", Principal=other)
    assert json.loads(added["Statement"])["Sid"] == "friends"
    with refused("ResourceConflictException", 409, containing="The statement id (friends) provided already exists."):
        function.client.add_permission(
            FunctionName="worker", StatementId="friends", Action="lambda:InvokeFunction", Principal=other)
    assert json.load(stranger.invoke(FunctionName=function.arn, Payload=b"{}")["Payload"]) == {}
    with refused("AccessDeniedException", 403):
        stranger.get_function(FunctionName=function.arn)
    statements = json.loads(function.client.get_policy(FunctionName="worker")["Policy"])["Statement"]
    assert [s["Principal"] for s in statements] == [{"AWS": f"arn:aws:iam::{other}:root"}]
    function.client.remove_permission(FunctionName="worker", StatementId="friends")
    with refused("AccessDeniedException", 403):
        stranger.invoke(FunctionName=function.arn)
    with refused("ResourceNotFoundException", 404):
        function.client.get_policy(FunctionName="worker")


def test_the_cli_creates_and_invokes_a_function(cloud, tmp_path):
    package, out = tmp_path / "code.zip", tmp_path / "out.json"
    package.write_bytes(python(ECHO))
    made = cloud.cli_json(
        "lambda", "create-function", "--function-name", "worker", "--runtime", "python3.13", "--handler", "index.handler",
        "--role", make_role(cloud), "--zip-file", f"fileb://{package}", "--memory-size", str(MEMORY))
    assert made["State"] == "Pending"
    Function(cloud, "worker").wait_ready()
    answer = cloud.cli_json("lambda", "invoke", "--function-name", "worker", "--payload", '{"a": [1]}', str(out))
    assert answer["StatusCode"] == 200 and json.loads(out.read_text()) == {"a": [1]}
    listed = cloud.cli_json("lambda", "list-functions")
    assert [f["FunctionName"] for f in listed["Functions"]] == ["worker"]
    cloud.cli("lambda", "delete-function", "--function-name", "worker")
    failed = cloud.cli("lambda", "get-function", "--function-name", "worker", check=False)
    assert failed.returncode != 0 and "ResourceNotFoundException" in failed.stderr
