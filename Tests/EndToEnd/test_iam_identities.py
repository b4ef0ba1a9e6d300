"""Trust by unique id, service-linked roles, identity providers, federated users, simulation and listings of everything."""

import pytest

from test_iam import assume, make_role, make_user, policy, statement, trust


@pytest.fixture
def iam(cloud):
    return cloud.client("iam")


def test_a_role_made_anew_is_not_the_one_that_was_trusted(cloud, iam, refused):
    caller = make_role(cloud, "caller", statement("Allow", "sts:AssumeRole"))
    target = make_role(cloud, "target", trusted={"AWS": caller})
    sts = cloud.client("sts")
    assume(cloud.client("sts", credentials=assume(sts, caller)), target)
    role_id = iam.get_role(RoleName="caller")["Role"]["RoleId"]
    iam.delete_role_policy(RoleName="caller", PolicyName="own")
    iam.delete_role(RoleName="caller")
    shown = iam.get_role(RoleName="target")["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"]["AWS"] == role_id
    make_role(cloud, "caller", statement("Allow", "sts:AssumeRole"))
    with refused("AccessDenied", 403):
        assume(cloud.client("sts", credentials=assume(sts, caller)), target)
    iam.update_assume_role_policy(RoleName="target", PolicyDocument=trust({"AWS": caller}))
    assume(cloud.client("sts", credentials=assume(sts, caller)), target)


def test_a_trust_policy_cannot_name_nobody(cloud, iam, refused):
    arn = f"arn:aws:iam::{cloud.account}:role/nobody"
    with refused("MalformedPolicyDocument", 400) as error:
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": arn}))
    assert error.message == f'Invalid principal in policy: "AWS":"{arn}"'


def test_a_role_that_trusts_everybody_does_not_trust_lambda(cloud, refused):
    arn = make_role(cloud, "open", trusted={"AWS": "*"})
    with refused("InvalidParameterValueException", 400, containing="cannot be assumed by Lambda"):
        cloud.client("lambda").create_function(
            FunctionName="f", Runtime="python3.11", Handler="f.f", Role=arn, Code={"ZipFile": b"PK\x05\x06" + bytes(18)})


def test_a_rotated_key_stops_and_the_next_works(cloud, iam, refused):
    old = make_user(cloud, "ann", statement("Allow", "*"))
    new = iam.create_access_key(UserName="ann")["AccessKey"]
    iam.update_access_key(UserName="ann", AccessKeyId=old[0], Status="Inactive")
    with refused("InvalidClientTokenId", 403):
        cloud.client("sts", credentials=old).get_caller_identity()
    with refused("AccessDenied", 403):
        cloud.client("sqs", credentials=make_user(cloud, "bob")).list_queues()
    cloud.client("sqs", credentials=(new["AccessKeyId"], new["SecretAccessKey"])).list_queues()
    iam.update_access_key(UserName="ann", AccessKeyId=old[0], Status="Active")
    cloud.client("sts", credentials=old).get_caller_identity()
    iam.delete_access_key(UserName="ann", AccessKeyId=old[0])
    with refused("UnrecognizedClientException"):
        cloud.client("logs", credentials=old).describe_log_groups()
    used = iam.get_access_key_last_used(AccessKeyId=new["AccessKeyId"])
    assert used["UserName"] == "ann" and used["AccessKeyLastUsed"]["ServiceName"] == "sqs"


def test_a_service_linked_role_is_its_services(cloud, iam, refused):
    role = iam.create_service_linked_role(AWSServiceName="lambda.amazonaws.com")["Role"]
    name = role["RoleName"]
    assert role["Path"] == "/aws-service-role/lambda.amazonaws.com/"
    with refused("UnmodifiableEntity", 400):
        iam.delete_role(RoleName=name)
    with refused("UnmodifiableEntity", 400):
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(statement("Allow", "*")))
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    with refused("NoSuchEntity", 404):
        iam.get_role(RoleName=name)


def test_identity_providers_are_kept(cloud, iam, refused):
    arn = iam.create_open_id_connect_provider(
        Url="https://token.example.com/", ClientIDList=["one"], ThumbprintList=["a" * 40])["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{cloud.account}:oidc-provider/token.example.com"
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="two")
    provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert provider["Url"] == "token.example.com" and provider["ClientIDList"] == ["one", "two"]
    assert [p["Arn"] for p in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]] == [arn]
    web = iam.create_role(RoleName="web", AssumeRolePolicyDocument=policy(
        {"Effect": "Allow", "Principal": {"Federated": arn}, "Action": "sts:AssumeRoleWithWebIdentity"}))["Role"]["Arn"]
    with refused("InvalidIdentityToken", 400, containing="not a valid JWT"):
        cloud.client("sts").assume_role_with_web_identity(RoleArn=web, RoleSessionName="ci", WebIdentityToken="nonsense")
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with refused("NoSuchEntity", 404):
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_a_federated_user_is_its_maker_within_its_policy(cloud, refused):
    keys = make_user(cloud, "ann", statement("Allow", ["sts:*", "sqs:*"]))
    made = cloud.client("sts", credentials=keys).get_federation_token(
        Name="guest", Policy=policy(statement("Allow", "sqs:ListQueues")))
    given = made["Credentials"]
    guest = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert cloud.client("sts", credentials=guest).get_caller_identity()["Arn"] == made["FederatedUser"]["Arn"]
    cloud.client("sqs", credentials=guest).list_queues()
    with refused("AccessDenied", 403, containing="federated-user/guest is not authorized to perform: sqs:CreateQueue"):
        cloud.client("sqs", credentials=guest).create_queue(QueueName="q")
    with refused("InvalidClientTokenId", 403):
        cloud.client("iam", credentials=guest).list_users()


def test_sessions_of_a_user_do_not_call_iam(cloud, refused):
    keys = make_user(cloud, "ann", statement("Allow", "*"))
    given = cloud.client("sts", credentials=keys).get_session_token()["Credentials"]
    session = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    cloud.client("sqs", credentials=session).list_queues()
    with refused("InvalidClientTokenId", 403):
        cloud.client("iam", credentials=session).list_users()


def test_a_simulation_shows_decision_statement_and_missing_facts(cloud, iam):
    arn = make_role(
        cloud, "worker", statement("Allow", "sqs:*"),
        statement("Allow", "s3:*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}}))
    results = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["sqs:SendMessage", "s3:GetObject", "sns:Publish"])
    decisions = {r["EvalActionName"]: r for r in results["EvaluationResults"]}
    assert decisions["sqs:SendMessage"]["EvalDecision"] == "allowed"
    matched = decisions["sqs:SendMessage"]["MatchedStatements"][0]
    assert matched["SourcePolicyId"] == "role_worker_own" and matched["StartPosition"]["Line"] == 1
    assert decisions["s3:GetObject"]["EvalDecision"] == "implicitDeny"
    assert decisions["s3:GetObject"]["MissingContextValues"] == ["aws:SourceVpc"]
    assert decisions["sns:Publish"]["EvalDecision"] == "implicitDeny"
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)["ContextKeyNames"] == ["aws:SourceVpc"]
    told = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["s3:GetObject"], ContextEntries=[
            {"ContextKeyName": "aws:SourceVpc", "ContextKeyValues": ["vpc-1"], "ContextKeyType": "string"}])
    assert told["EvaluationResults"][0]["EvalDecision"] == "allowed"


def test_everything_of_an_account_is_listed_in_pages(cloud, iam):
    make_user(cloud, "ann", statement("Allow", "sqs:*"))
    make_role(cloud, "worker", statement("Allow", "sqs:*"))
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="ann")
    iam.create_policy(PolicyName="m", PolicyDocument=policy(statement("Allow", "logs:*")))
    pages = list(iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 1}))
    assert len(pages) == 4
    users = [u for p in pages for u in p["UserDetailList"]]
    assert users[0]["GroupList"] == ["g"] and users[0]["UserPolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"] == "sqs:*"
    roles = [r for p in pages for r in p["RoleDetailList"]]
    assert roles[0]["RoleName"] == "worker" and roles[0]["AssumeRolePolicyDocument"]["Statement"]
    only = iam.get_account_authorization_details(Filter=["Role"])
    assert not only["UserDetailList"] and [r["RoleName"] for r in only["RoleDetailList"]] == ["worker"]


def test_conditions_see_the_request(cloud):
    keys = make_user(cloud, "ann", statement("Allow", "sqs:*", Condition={
        "StringEquals": {"aws:Referer": "https://console.example.com/"}, "IpAddress": {"aws:SourceIp": "127.0.0.0/8"},
        "Bool": {"aws:SecureTransport": "false"}}))
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ListQueues"}
    status, _ = cloud.signed("sqs", headers, b"{}", credentials=keys)
    assert status == 403
    status, _ = cloud.signed("sqs", headers | {"Referer": "https://console.example.com/"}, b"{}", credentials=keys)
    assert status == 200


def test_the_cli_reads_the_same(cloud):
    made = make_role(cloud, "worker", statement("Allow", "sqs:*"))
    listed = cloud.cli_json("iam", "get-account-authorization-details", "--filter", "Role")
    assert listed["RoleDetailList"][0]["Arn"] == made
    simulated = cloud.cli_json(
        "iam", "simulate-principal-policy", "--policy-source-arn", made, "--action-names", "sqs:SendMessage")
    assert simulated["EvaluationResults"][0]["EvalDecision"] == "allowed"
