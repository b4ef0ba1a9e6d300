"""Users, roles, policies and what they allow, signatures, temporary credentials, accounts and Regions."""

import json
import urllib.parse

import botocore
import botocore.config
import botocore.exceptions
import botocore.session
import pytest


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(effect, action, resource="*", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def trust(principal):
    return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


@pytest.fixture
def iam(cloud):
    return cloud.client("iam")


def make_user(cloud, name="ann", *statements):
    """A user with an inline policy; returns its key and secret."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def make_role(cloud, name="worker", *statements, trusted=None):
    iam = cloud.client("iam")
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=trust(trusted or {"AWS": f"arn:aws:iam::{cloud.account}:root"}))["Role"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
    return role["Arn"]


def assume(sts, arn, **options):
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="session", **options)["Credentials"]
    return keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]


# Resources


def test_a_user_lives_with_its_keys(cloud, iam, refused):
    user = iam.create_user(UserName="ann", Path="/team/")["User"]
    assert user["Arn"] == f"arn:aws:iam::{cloud.account}:user/team/ann"
    assert user["UserId"].startswith("AIDA")
    with refused("EntityAlreadyExists", 409):
        iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    assert key["AccessKeyId"].startswith("AKIA") and key["Status"] == "Active" and len(key["SecretAccessKey"]) == 40
    assert [k["AccessKeyId"] for k in iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]] == [key["AccessKeyId"]]
    with refused("DeleteConflict", 409):
        iam.delete_user(UserName="ann")
    iam.delete_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="ann")
    with refused("NoSuchEntity", 404) as error:
        iam.get_user(UserName="ann")
    assert error.message == "The user with name ann cannot be found."


def test_a_role_lives_with_its_policies(cloud, iam, refused):
    arn = make_role(cloud, "worker", statement("Allow", "sqs:*"))
    assert arn == f"arn:aws:iam::{cloud.account}:role/worker"
    role = iam.get_role(RoleName="worker")["Role"]
    assert role["RoleId"].startswith("AROA")
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Action"] == "sts:AssumeRole"
    assert iam.list_role_policies(RoleName="worker")["PolicyNames"] == ["own"]
    assert iam.get_role_policy(RoleName="worker", PolicyName="own")["PolicyDocument"]["Statement"][0]["Action"] == "sqs:*"
    managed = iam.create_policy(PolicyName="m", PolicyDocument=policy(statement("Allow", "logs:*")))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="worker", PolicyArn=managed)
    iam.attach_role_policy(
        RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    attached = {p["PolicyName"] for p in iam.list_attached_role_policies(RoleName="worker")["AttachedPolicies"]}
    assert attached == {"m", "AWSLambdaBasicExecutionRole"}
    with refused("DeleteConflict", 409):
        iam.delete_role(RoleName="worker")
    for entry in iam.list_attached_role_policies(RoleName="worker")["AttachedPolicies"]:
        iam.detach_role_policy(RoleName="worker", PolicyArn=entry["PolicyArn"])
    iam.delete_role_policy(RoleName="worker", PolicyName="own")
    iam.delete_role(RoleName="worker")
    with refused("NoSuchEntity", 404):
        iam.get_role(RoleName="worker")
    with refused("NoSuchEntity", 404):
        iam.attach_role_policy(RoleName="worker", PolicyArn=managed)


def test_a_policy_that_is_no_policy_is_refused(iam, refused):
    with refused("MalformedPolicyDocument", 400):
        iam.create_role(RoleName="r", AssumeRolePolicyDocument="{nonsense")
    with refused("MalformedPolicyDocument", 400):
        iam.create_policy(PolicyName="p", PolicyDocument='{"Statement":[{"Effect":"Perhaps","Action":"*","Resource":"*"}]}')


def test_policy_documents_travel_url_encoded(cloud):
    make_role(cloud)
    status, root = cloud.query("iam", {"Action": "GetRole", "Version": "2010-05-08", "RoleName": "worker"})
    assert status == 200
    document = root.findtext("GetRoleResult/Role/AssumeRolePolicyDocument")
    assert "{" not in document and json.loads(urllib.parse.unquote(document))["Statement"]


def test_lists_come_in_pages(iam):
    for i in range(5):
        iam.create_user(UserName=f"u{i}")
    pages = list(iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Users"]) for page in pages] == [2, 2, 1]
    assert [page["IsTruncated"] for page in pages] == [True, True, False]


def test_the_cli_makes_an_execution_role(cloud):
    role = cloud.cli_json(
        "iam", "create-role", "--role-name", "fn", "--assume-role-policy-document", trust({"Service": "lambda.amazonaws.com"}))["Role"]
    cloud.cli(
        "iam", "attach-role-policy", "--role-name", "fn", "--policy-arn",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
    assert cloud.cli_json("iam", "get-role", "--role-name", "fn")["Role"]["Arn"] == role["Arn"]
    assert cloud.cli_json("sts", "get-caller-identity")["Arn"] == f"arn:aws:iam::{cloud.account}:root"


# What is allowed


def test_a_user_may_do_what_its_policy_allows_and_nothing_else(cloud, refused):
    url = cloud.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{cloud.account}:q"
    keys = make_user(cloud, "ann", statement("Allow", ["sqs:SendMessage", "sqs:GetQueueUrl"], arn))
    sqs = cloud.client("sqs", credentials=keys)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    assert sqs.get_queue_url(QueueName="q")["QueueUrl"] == url
    with refused("AccessDenied", 403) as error:
        sqs.receive_message(QueueUrl=url)
    assert error.message == (
        f"User: arn:aws:iam::{cloud.account}:user/ann is not authorized to perform: sqs:ReceiveMessage on resource: {arn} "
        "because no identity-based policy allows the sqs:ReceiveMessage action")
    with refused("AccessDenied", 403, containing="iam:ListUsers"):
        cloud.client("iam", credentials=keys).list_users()
    with refused("AccessDeniedException", 400, containing="logs:CreateLogGroup"):
        cloud.client("logs", credentials=keys).create_log_group(logGroupName="g")


def test_an_explicit_deny_wins(cloud, refused):
    url = cloud.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    keys = make_user(cloud, "ann", statement("Allow", "sqs:*"), statement("Deny", "sqs:Delete*"))
    sqs = cloud.client("sqs", credentials=keys)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    with refused("AccessDenied", 403, containing="explicit deny"):
        sqs.delete_queue(QueueUrl=url)


def test_conditions_and_managed_policies_count(cloud, refused):
    iam = cloud.client("iam")
    keys = make_user(
        cloud, "ann", statement("Allow", "sqs:CreateQueue", Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}))
    cloud.client("sqs", region="eu-west-1", credentials=keys).create_queue(QueueName="q")
    sqs = cloud.client("sqs", credentials=keys)
    with refused("AccessDenied", 403):
        sqs.create_queue(QueueName="q")
    managed = iam.create_policy(PolicyName="m", PolicyDocument=policy(statement("Allow", "sqs:CreateQueue")))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="ann", PolicyArn=managed)
    sqs.create_queue(QueueName="q")
    iam.detach_user_policy(UserName="ann", PolicyArn=managed)
    with refused("AccessDenied", 403):
        sqs.create_queue(QueueName="other")


def test_log_policies_in_the_usual_forms_work(cloud, refused):
    prefix = f"arn:aws:logs:us-east-1:{cloud.account}"
    keys = make_user(
        cloud, "ann", statement("Allow", "logs:CreateLogGroup", f"{prefix}:*"),
        statement("Allow", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{prefix}:log-group:/aws/lambda/f:*"))
    logs = cloud.client("logs", credentials=keys)
    logs.create_log_group(logGroupName="/aws/lambda/f")
    logs.create_log_stream(logGroupName="/aws/lambda/f", logStreamName="s")
    with refused("AccessDeniedException", 400):
        logs.create_log_stream(logGroupName="/aws/lambda/other", logStreamName="s")
    with refused("AccessDeniedException", 400):
        logs.get_log_events(logGroupName="/aws/lambda/f", logStreamName="s")


def test_a_queue_policy_lets_another_account_in(cloud, refused):
    other = str(int(cloud.account) + 500_000_000_000)
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    stranger = cloud.client("sqs", account=other)
    with refused("AccessDenied", 403):
        stranger.send_message(QueueUrl=url, MessageBody="m")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{other}:root"}, "Action": "sqs:SendMessage",
         "Resource": f"arn:aws:sqs:us-east-1:{cloud.account}:q"})})
    stranger.send_message(QueueUrl=url, MessageBody="m")
    with refused("AccessDenied", 403):
        stranger.receive_message(QueueUrl=url)
    assert [m["Body"] for m in sqs.receive_message(QueueUrl=url)["Messages"]] == ["m"]


# Who is who


def test_a_wrong_signature_is_refused(cloud, refused):
    key, secret = make_user(cloud, "ann", statement("Allow", "*"))
    wrong = (key, secret[:-1] + ("a" if secret[-1] != "a" else "b"))
    text = "The request signature we calculated does not match the signature you provided."
    with refused("SignatureDoesNotMatch", 403, containing=text):
        cloud.client("sts", credentials=wrong).get_caller_identity()
    with refused("InvalidSignatureException", containing=text):
        cloud.client("logs", credentials=wrong).describe_log_groups()
    assert cloud.client("sts", credentials=(key, secret)).get_caller_identity()["Arn"].endswith(":user/ann")


def test_an_inactive_key_and_a_made_up_issued_key_do_not_work(cloud, refused):
    key, secret = make_user(cloud, "ann", statement("Allow", "*"))
    cloud.client("iam").update_access_key(UserName="ann", AccessKeyId=key, Status="Inactive")
    with refused("InvalidClientTokenId", 403):
        cloud.client("sts", credentials=(key, secret)).get_caller_identity()


def test_unknown_keys_are_the_root_of_their_account(cloud):
    def identity(key):
        return cloud.client("sts", credentials=(key, "whatever")).get_caller_identity()

    assert identity("test")["Arn"] == "arn:aws:iam::000000000000:root"
    assert identity("123456789012")["Arn"] == "arn:aws:iam::123456789012:root"
    assert identity("123456789012")["UserId"] == "123456789012"


def test_temporary_credentials_are_the_role_and_only_what_it_allows(cloud, refused):
    arn = make_role(cloud, "worker", statement("Allow", "sqs:CreateQueue"))
    keys = assume(cloud.client("sts"), arn)
    assert keys[0].startswith("ASIA")
    identity = cloud.client("sts", credentials=keys).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{cloud.account}:assumed-role/worker/session"
    assert identity["Account"] == cloud.account and identity["UserId"].endswith(":session")
    sqs = cloud.client("sqs", credentials=keys)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    with refused("AccessDenied", 403, containing="assumed-role/worker/session is not authorized to perform: sqs:SendMessage"):
        sqs.send_message(QueueUrl=url, MessageBody="m")


def test_a_session_policy_narrows_the_role(cloud, refused):
    arn = make_role(cloud, "worker", statement("Allow", "sqs:*"))
    keys = assume(cloud.client("sts"), arn, Policy=policy(statement("Allow", "sqs:ListQueues")))
    sqs = cloud.client("sqs", credentials=keys)
    sqs.list_queues()
    with refused("AccessDenied", 403):
        sqs.create_queue(QueueName="q")


def test_who_may_assume_a_role_is_said_on_both_sides(cloud, refused):
    arn = make_role(cloud, "worker", statement("Allow", "*"))
    service_only = make_role(cloud, "service", trusted={"Service": "lambda.amazonaws.com"})
    keys = make_user(cloud, "ann", statement("Allow", "sts:AssumeRole", arn))
    sts = cloud.client("sts", credentials=keys)
    assume(sts, arn)
    with refused("AccessDenied", 403, containing="sts:AssumeRole"):
        assume(sts, service_only)
    stranger = make_user(cloud, "bob")
    with refused("AccessDenied", 403, containing="sts:AssumeRole"):
        assume(cloud.client("sts", credentials=stranger), arn)


def test_a_token_that_is_wrong_or_missing_is_refused(cloud, refused):
    key, secret, token = assume(cloud.client("sts"), make_role(cloud, "worker", statement("Allow", "*")))
    with refused("InvalidClientTokenId", 403):
        cloud.client("sts", credentials=(key, secret)).get_caller_identity()
    with refused("InvalidClientTokenId", 403):
        cloud.client("sts", credentials=(key, secret, token[:-4] + "AAAA")).get_caller_identity()


def test_temporary_credentials_end_with_the_clock(own_cloud, clock, refused):
    arn = make_role(own_cloud, "worker", statement("Allow", "*"))
    keys = assume(own_cloud.client("sts"), arn, DurationSeconds=900)
    sts = own_cloud.client("sts", credentials=keys)
    clock.advance("14m")
    sts.get_caller_identity()
    own_cloud.restart(kill=True)
    sts.get_caller_identity()
    clock.advance("2m")
    with refused("ExpiredToken", 403):
        sts.get_caller_identity()
    with refused("ExpiredTokenException"):
        own_cloud.client("logs", credentials=keys).describe_log_groups()


def test_an_unsigned_request_is_refused(cloud):
    session = botocore.session.get_session()
    logs = session.create_client(
        "logs", region_name="us-east-1", endpoint_url=cloud.server.endpoint,
        config=botocore.config.Config(signature_version=botocore.UNSIGNED))
    with pytest.raises(botocore.exceptions.ClientError) as error:
        logs.describe_log_groups()
    assert error.value.response["Error"]["Code"] == "MissingAuthenticationTokenException"


def test_accounts_and_regions_are_kept_apart(cloud, refused):
    other = str(int(cloud.account) + 500_000_000_000)
    clients = {
        place: cloud.client("sqs", region=place[0], account=place[1])
        for place in [("us-east-1", cloud.account), ("eu-west-1", cloud.account), ("us-east-1", other)]
    }
    urls = {place: client.create_queue(QueueName="same")["QueueUrl"] for place, client in clients.items()}
    for place, client in clients.items():
        client.send_message(QueueUrl=urls[place], MessageBody=" ".join(place))
    for place, client in clients.items():
        assert len(client.list_queues()["QueueUrls"]) == 1
        assert [m["Body"] for m in client.receive_message(QueueUrl=urls[place], MaxNumberOfMessages=10)["Messages"]] == [" ".join(place)]
    cloud.client("iam").create_user(UserName="ann")
    assert cloud.client("iam", region="eu-west-1").get_user(UserName="ann")["User"]["UserName"] == "ann", "IAM has no Regions"
    with refused("NoSuchEntity", 404):
        cloud.client("iam", account=other).get_user(UserName="ann")
    cloud.client("logs").create_log_group(logGroupName="g")
    assert cloud.client("logs", region="eu-west-1").describe_log_groups()["logGroups"] == []
    assert cloud.client("logs", account=other).describe_log_groups()["logGroups"] == []
