"""Resource policies mean the user or role that they named, and not who comes to have its name."""

import json

import pytest

from harness import Cloud
from lambdas import make_role, policy, python


@pytest.fixture
def friend(cloud, account):
    """Another account, whose users may use SQS and Lambda as far as these let them."""
    return Cloud(cloud.server, str(int(account) + 60_000_000_000))


def make_user(cloud, name="ann"):
    """The ARN, the unique id, and a client of each service as the user."""
    iam = cloud.client("iam")
    user = iam.create_user(UserName=name)["User"]
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(
        {"Effect": "Allow", "Action": ["sqs:*", "lambda:*"], "Resource": "*"}))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = key["AccessKeyId"], key["SecretAccessKey"]
    return user["Arn"], user["UserId"], lambda service: cloud.client(service, credentials=keys)


def remove_user(cloud, name="ann"):
    iam = cloud.client("iam")
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="own")
    iam.delete_user(UserName=name)


def senders(*principals):
    return policy({"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sqs:SendMessage", "Resource": "*"})


def named(sqs, url):
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    return json.loads(shown)["Statement"][0]["Principal"]["AWS"]


def test_a_queue_lets_in_the_user_and_not_the_name(cloud, friend, refused):
    arn, user_id, client = make_user(friend)
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"Policy": senders(arn)})["QueueUrl"]
    assert named(sqs, url) == [arn]
    client("sqs").send_message(QueueUrl=url, MessageBody="x")
    remove_user(friend)
    assert named(sqs, url) == [user_id]
    again, _, client = make_user(friend)
    assert again == arn
    with refused("AccessDenied", 403):
        client("sqs").send_message(QueueUrl=url, MessageBody="x")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": senders(arn)})
    client("sqs").send_message(QueueUrl=url, MessageBody="x")
    assert named(sqs, url) == [arn]


def test_a_queue_follows_a_user_who_is_renamed(cloud, friend):
    arn, _, client = make_user(friend)
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"Policy": senders(arn)})["QueueUrl"]
    friend.client("iam").update_user(UserName="ann", NewUserName="anna", NewPath="/sales/")
    client("sqs").send_message(QueueUrl=url, MessageBody="x")
    assert named(sqs, url) == [f"arn:aws:iam::{friend.account}:user/sales/anna"]


def test_a_queue_takes_no_policy_for_nobody(cloud, friend, refused):
    sqs = cloud.client("sqs")
    arn, *_ = make_user(friend)
    url = sqs.create_queue(QueueName="q", Attributes={"Policy": senders(arn)})["QueueUrl"]
    assert sqs.create_queue(QueueName="q", Attributes={"Policy": senders(arn)})["QueueUrl"] == url
    for nobody in (arn + "e", arn.replace("/ann", "/path/ann"), f"arn:aws:iam::{friend.account}:role/none",
                   f"arn:aws:sts::{friend.account}:assumed-role/none/s"):
        with refused("InvalidAttributeValue", 400) as error:
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": senders(nobody)})
        assert error.message == "Invalid value for the parameter Policy."
        with refused("InvalidAttributeValue", 400):
            sqs.create_queue(QueueName="new", Attributes={"Policy": senders(arn, nobody)})
    assert named(sqs, url) == [arn]
    # What is added to the policy leaves the rest of it as it is.
    sqs.add_permission(QueueUrl=url, Label="more", AWSAccountIds=[friend.account], Actions=["ReceiveMessage"])
    assert named(sqs, url) == [arn]


def test_a_function_lets_in_the_role_and_not_the_name(cloud, friend, refused):
    functions = cloud.client("lambda")
    functions.create_function(
        FunctionName="f", Role=make_role(cloud), Runtime="python3.13", Handler="index.handler",
        Code={"ZipFile": python("def handler(event, context):\n    return event\n")})
    functions.get_waiter("function_active_v2").wait(FunctionName="f")
    name = f"arn:aws:lambda:us-east-1:{cloud.account}:function:f"
    arn, user_id, client = make_user(friend)

    def allow():
        return json.loads(functions.add_permission(
            FunctionName="f", StatementId="friend", Action="lambda:InvokeFunction", Principal=arn)["Statement"])

    def shown():
        return json.loads(functions.get_policy(FunctionName="f")["Policy"])["Statement"][0]["Principal"]["AWS"]

    assert allow()["Principal"] == {"AWS": arn} and shown() == arn
    assert client("lambda").invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    remove_user(friend)
    assert shown() == user_id
    _, _, client = make_user(friend)
    with refused("AccessDeniedException", 403):
        client("lambda").invoke(FunctionName=name, InvocationType="DryRun")
    functions.remove_permission(FunctionName="f", StatementId="friend")
    allow()
    assert client("lambda").invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    with refused("InvalidParameterValueException", 400) as error:
        functions.add_permission(FunctionName="f", StatementId="none", Action="lambda:InvokeFunction", Principal=arn + "e")
    assert error.message == "The provided principal was invalid. Please check the principal and try again."
