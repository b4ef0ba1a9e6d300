"""Versions, aliases with two versions, and layers, as a user meets them."""

import json

import pytest

from harness import wait_until
from lambdas import ECHO, LOGS, QUEUES, deploy, make_role, policy, python, zipped

WHICH = "def handler(event, context):\n    return '{}'\n"


def layer(client, name="tools", **files):
    zip_file = zipped({path.replace("__", "/"): text for path, text in files.items()} or {"python/tool.py": "VALUE = 1\n"})
    return client.publish_layer_version(LayerName=name, Content={"ZipFile": zip_file})


def publish_two(cloud):
    function = deploy(cloud, WHICH.format("one"))
    first = function.client.publish_version(FunctionName="worker", Description="first")
    function.update_code(python(WHICH.format("two")))
    second = function.client.publish_version(FunctionName="worker")
    assert (first["Version"], second["Version"]) == ("1", "2")
    return function


def test_a_version_does_not_change_and_its_code_is_checked(cloud, refused):
    function = publish_two(cloud)
    again = function.client.publish_version(FunctionName="worker")
    assert again["Version"] == "2"
    assert function.invoke(Qualifier="1").value == "one"
    assert function.invoke(Qualifier="2").value == "two"
    latest = function.client.get_function_configuration(FunctionName="worker")
    with refused("InvalidParameterValueException", 400) as error:
        function.client.publish_version(FunctionName="worker", CodeSha256="x")
    assert error.message == (
        f"CodeSHA256 (x) is different from current CodeSHA256 in $LATEST ({latest['CodeSha256']}). "
        "Please try again with the CodeSHA256 in $LATEST.")
    with refused("PreconditionFailedException", 412):
        function.client.publish_version(FunctionName="worker", RevisionId="00000000-0000-0000-0000-000000000000")


def test_an_alias_shares_invocations_between_two_versions(cloud, refused):
    function = publish_two(cloud)
    made = function.client.create_alias(
        FunctionName="worker", Name="live", FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    assert made["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.5}}
    answers = [function.invoke(Qualifier="live") for _ in range(60)]
    assert {(a.version, a.value) for a in answers} == {("1", "one"), ("2", "two")}
    assert f"Version: {answers[0].version}" in answers[0].log
    with refused("ResourceConflictException", 409, containing="currently used by the following aliases: (live)"):
        function.client.delete_function(FunctionName="worker", Qualifier="2")
    changed = function.client.update_alias(
        FunctionName="worker", Name="live", FunctionVersion="2", RoutingConfig={"AdditionalVersionWeights": {}})
    assert "RoutingConfig" not in changed
    assert {function.invoke(Qualifier="live").version for _ in range(5)} == {"2"}


@pytest.mark.parametrize("name", [
    "worker:1", "{account}:function:worker:1", "{account}:worker:1", "arn:aws:lambda:us-east-1:{account}:function:worker:1"])
def test_every_form_of_a_name_leads_to_the_version(cloud, refused, name):
    function = publish_two(cloud)
    name = name.format(account=cloud.account)
    answer = function.client.invoke(FunctionName=name)
    assert answer["ExecutedVersion"] == "1" and json.load(answer["Payload"]) == "one"
    with refused("InvalidParameterValueException", 400) as error:
        function.client.get_function(FunctionName=name, Qualifier="2")
    assert error.message == "The derived qualifier from the function name does not match the specified qualifier."


def test_layers_are_merged_into_opt_in_their_order(cloud):
    client = cloud.client("lambda")
    low = layer(client, "low", **{"python__tool.py": "VALUE = 'low'\n", "data__low.txt": "low"})["LayerVersionArn"]
    high = layer(client, "high", **{"python__tool.py": "VALUE = 'high'\n"})["LayerVersionArn"]
    code = """
        import os, tool
        def handler(event, context):
            return [tool.VALUE, sorted(os.listdir("/opt")), open("/opt/data/low.txt").read()]
        """
    function = deploy(cloud, code, Layers=[low, high])
    shown = client.get_function_configuration(FunctionName="worker")["Layers"]
    assert [item["Arn"] for item in shown] == [low, high] and all(item["CodeSize"] > 0 for item in shown)
    assert function.invoke().value == ["high", ["data", "python"], "low"]
    function.configure(Layers=[high, low])
    assert function.invoke().value[0] == "low"
    # A layer version that is deleted goes on to serve the functions that have it.
    client.delete_layer_version(LayerName="low", VersionNumber=1)
    function.update_code(python(code + "\n"))
    assert function.invoke().value[0] == "low"


def test_a_layer_can_bring_the_bootstrap_of_a_custom_runtime(cloud):
    bootstrap = """#!/bin/sh
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
exec python3 -c '
import os, urllib.request as u
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    event = u.urlopen(api + "next")
    u.urlopen(u.Request(api + event.headers["Lambda-Runtime-Aws-Request-Id"] + "/response", data=b"\\"from the layer\\"")).read()
'
"""
    client = cloud.client("lambda")
    arn = client.publish_layer_version(
        LayerName="runtime", Content={"ZipFile": zipped({"bootstrap*": bootstrap})})["LayerVersionArn"]
    function = deploy(cloud, zipped({"index.txt": "x"}), runtime="provided.al2023", Layers=[arn])
    assert function.invoke().value == "from the layer"


def test_a_layer_of_another_account_needs_its_permission(cloud, refused):
    owner = str(int(cloud.account) + 500_000_000)
    theirs = cloud.client("lambda", account=owner)
    arn = layer(theirs)["LayerVersionArn"]
    role = make_role(cloud)

    def create(name):
        return cloud.client("lambda").create_function(
            FunctionName=name, Role=role, Runtime="python3.13", Handler="index.handler", Code={"ZipFile": python(ECHO)},
            Layers=[arn])

    with refused("AccessDeniedException", 403, containing="lambda:GetLayerVersion"):
        create("one")
    theirs.add_layer_version_permission(
        LayerName="tools", VersionNumber=1, StatementId="share", Action="lambda:GetLayerVersion", Principal=cloud.account)
    assert create("two")["Layers"][0]["Arn"] == arn
    assert cloud.client("lambda").get_layer_version_by_arn(Arn=arn)["Version"] == 1


def test_layers_and_code_share_the_limit_of_250_mb(cloud, refused):
    client = cloud.client("lambda")
    arn = client.publish_layer_version(
        LayerName="big", Content={"ZipFile": zipped({"zeros": bytes(200 << 20)})})["LayerVersionArn"]
    with refused("InvalidParameterValueException", 400) as error:
        client.create_function(
            FunctionName="worker", Role=make_role(cloud), Runtime="python3.13", Handler="index.handler",
            Code={"ZipFile": zipped({"index.py": ECHO, "zeros": bytes(60 << 20)})}, Layers=[arn])
    assert error.message.startswith(
        "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual size is 2726")
    assert client.get_account_settings()["AccountUsage"]["TotalCodeSize"] > 200_000


def test_versions_aliases_and_layers_outlive_a_kill(own_cloud):
    cloud = own_cloud
    arn = layer(cloud.client("lambda"))["LayerVersionArn"]
    function = deploy(cloud, "import tool\ndef handler(event, context):\n    return tool.VALUE\n", Layers=[arn])
    function.client.publish_version(FunctionName="worker")
    function.update_code(python("def handler(event, context):\n    return 'new'\n"))
    function.client.publish_version(FunctionName="worker")
    function.client.create_alias(
        FunctionName="worker", Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 1}})
    cloud.restart()
    client = cloud.client("lambda")
    alias = client.get_alias(FunctionName="worker", Name="live")
    assert alias["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 1}}
    answer = client.invoke(FunctionName="worker", Qualifier="1")
    assert json.load(answer["Payload"]) == 1
    assert client.invoke(FunctionName="worker", Qualifier="live")["ExecutedVersion"] == "2"


def test_a_permission_counts_for_the_version_or_alias_that_it_was_given_on(cloud, refused):
    function = publish_two(cloud)
    function.client.create_alias(FunctionName="worker", Name="live", FunctionVersion="1")
    other = str(int(cloud.account) + 600_000_000)
    stranger = cloud.client("lambda", account=other)
    added = function.client.add_permission(
        FunctionName="worker", Qualifier="live", StatementId="share", Action="lambda:InvokeFunction", Principal=other)
    assert json.loads(added["Statement"])["Resource"] == function.arn + ":live"
    answer = stranger.invoke(FunctionName=function.arn + ":live")
    assert answer["ExecutedVersion"] == "1"
    for name in (function.arn, function.arn + ":1", function.arn + ":$LATEST"):
        with refused("AccessDeniedException", 403, containing="lambda:InvokeFunction"):
            stranger.invoke(FunctionName=name)
    policy = function.client.get_policy(FunctionName="worker", Qualifier="live")
    with refused("PreconditionFailedException", 412):
        function.client.remove_permission(
            FunctionName="worker", Qualifier="live", StatementId="share", RevisionId="00000000-0000-0000-0000-000000000000")
    function.client.remove_permission(
        FunctionName="worker", Qualifier="live", StatementId="share", RevisionId=policy["RevisionId"])
    with refused("AccessDeniedException", 403):
        stranger.invoke(FunctionName=function.arn + ":live")


def test_a_permission_for_function_urls_does_not_let_anybody_invoke(cloud, refused):
    function = deploy(cloud, ECHO)
    other = str(int(cloud.account) + 700_000_000)
    function.client.add_permission(
        FunctionName="worker", StatementId="url", Action="lambda:InvokeFunction", Principal="*", InvokedViaFunctionUrl=True)
    with refused("AccessDeniedException", 403):
        cloud.client("lambda", account=other).invoke(FunctionName=function.arn)


@pytest.mark.parametrize("package", [
    {"python/a.py": "x", "../evil.py": "x"}, {"/etc/evil": "x"}], ids=["upwards", "absolute"])
def test_a_hostile_layer_is_refused(cloud, refused, package):
    with refused("InvalidParameterValueException", 400, containing="Could not unzip uploaded file."):
        cloud.client("lambda").publish_layer_version(LayerName="bad", Content={"ZipFile": zipped(package)})
    assert cloud.client("lambda").list_layers()["Layers"] == []


def test_the_command_line_publishes_and_finds_layers(cloud, tmp_path):
    path = tmp_path / "layer.zip"
    path.write_bytes(zipped({"python/tool.py": "VALUE = 1\n"}))
    made = cloud.cli_json(
        "lambda", "publish-layer-version", "--layer-name", "tools", "--zip-file", f"fileb://{path}",
        "--compatible-runtimes", "python3.12", "python3.13", "--compatible-architectures", "x86_64")
    assert made["CompatibleRuntimes"] == ["python3.12", "python3.13"] and made["Version"] == 1
    found = cloud.cli_json("lambda", "list-layers", "--compatible-runtime", "python3.13")
    assert found["Layers"][0]["LatestMatchingVersion"]["LayerVersionArn"] == made["LayerVersionArn"]
    assert cloud.cli_json("lambda", "list-layers", "--compatible-runtime", "ruby3.4")["Layers"] == []
    assert cloud.cli_json("lambda", "get-layer-version", "--layer-name", "tools", "--version-number", "1")["Content"]["CodeSize"] > 0
