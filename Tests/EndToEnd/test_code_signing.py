"""Code signing: configurations, and functions that take no unsigned code."""

from lambdas import ECHO, deploy, python, zipped

PROFILE = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/shop/abcdefghij"


def make(client, policy):
    return client.create_code_signing_config(
        AllowedPublishers={"SigningProfileVersionArns": [PROFILE]}, CodeSigningPolicies={"UntrustedArtifactOnDeployment": policy},
        Tags={"team": "a"})["CodeSigningConfig"]["CodeSigningConfigArn"]


def test_unsigned_code_is_refused_where_signatures_are_enforced(own_cloud, refused):
    function = deploy(own_cloud, ECHO)
    client = function.client
    arn = make(client, "Enforce")
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "a"}
    assert client.get_function_code_signing_config(FunctionName="worker")["CodeSigningConfigArn"] == ""
    assert client.put_function_code_signing_config(FunctionName="worker", CodeSigningConfigArn=arn)["FunctionName"] == "worker"
    # What runs goes on.
    assert function.invoke(1).value == 1
    other = python("def handler(event, context): return 'other'\n")
    with refused("CodeVerificationFailedException", 400) as error:
        client.update_function_code(FunctionName="worker", ZipFile=other)
    assert error.message.endswith("Check the provided signature for worker.")
    with refused("ResourceConflictException", 409):
        client.delete_code_signing_config(CodeSigningConfigArn=arn)
    own_cloud.restart(kill=True)
    with refused("CodeVerificationFailedException", 400):
        client.update_function_code(FunctionName="worker", ZipFile=other)
    assert client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)["FunctionArns"] == [function.arn]
    client.update_code_signing_config(CodeSigningConfigArn=arn, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"})
    client.update_function_code(FunctionName="worker", ZipFile=other)
    function.wait_ready()
    assert function.invoke().value == "other"
    client.delete_function_code_signing_config(FunctionName="worker")
    client.delete_code_signing_config(CodeSigningConfigArn=arn)
    with refused("ResourceNotFoundException", 404):
        client.get_code_signing_config(CodeSigningConfigArn=arn)


def test_layers_are_code_too_and_images_are_not_signed(cloud, refused):
    function = deploy(cloud, ECHO)
    client = function.client
    layer = client.publish_layer_version(LayerName="tools", Content={"ZipFile": zipped({"x": ""})})["LayerVersionArn"]
    client.put_function_code_signing_config(FunctionName="worker", CodeSigningConfigArn=make(client, "Enforce"))
    with refused("CodeVerificationFailedException", 400):
        client.update_function_configuration(FunctionName="worker", Layers=[layer])
    function.configure(Description="no code in it")


def test_the_command_line_makes_and_shows_configurations(cloud):
    made = cloud.cli_json(
        "lambda", "create-code-signing-config", "--allowed-publishers", f"SigningProfileVersionArns={PROFILE}", "--description", "ours")
    arn = made["CodeSigningConfig"]["CodeSigningConfigArn"]
    assert cloud.cli_json("lambda", "get-code-signing-config", "--code-signing-config-arn", arn) == made
    assert [c["Description"] for c in cloud.cli_json("lambda", "list-code-signing-configs")["CodeSigningConfigs"]] == ["ours"]
