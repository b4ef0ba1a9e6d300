"""The condition keys that AWS's Service Authorization Reference names for an operation are there when policies ask for them."""

import pytest

from lambdas import policy
from surface import Operation, Request, Wire
from walk_access import access
from walk_world import World

TEAM = {"Key": "team", "Value": "a"}
RESOURCE_TAG = ("aws:ResourceTag/team", "a")
REQUEST_TAG = ("aws:RequestTag/team", "a")
TAG_KEYS = ("aws:TagKeys", "team")
BOUNDARY = ("iam:PermissionsBoundary", lambda w: w.iam_arn("policy/boundary"))
POLICY = ("iam:PolicyARN", lambda w: w.iam_arn("policy/attached"))



def _function(name):
    return lambda w: w.arn("lambda", f"function:{name}")


# (operation, what differs in its input, condition key, the value that the call has)
CASES = [
    *(("iam:" + name, {"PolicyArn": lambda w: w.iam_arn("policy/attached")}, *POLICY) for name in (
        "AttachUserPolicy", "AttachRolePolicy", "AttachGroupPolicy", "DetachUserPolicy", "DetachRolePolicy", "DetachGroupPolicy")),
    ("iam:CreateUser", {"PermissionsBoundary": BOUNDARY[1]}, *BOUNDARY),
    ("iam:CreateRole", {"PermissionsBoundary": BOUNDARY[1]}, *BOUNDARY),
    ("iam:PutUserPermissionsBoundary", {}, *BOUNDARY),
    ("iam:PutRolePermissionsBoundary", {}, *BOUNDARY),
    # The boundary that the user or role has: so that a delegated administrator manages none without it.
    *(("iam:" + name, {}, *BOUNDARY) for name in (
        "AttachUserPolicy", "AttachRolePolicy", "DetachUserPolicy", "DetachRolePolicy", "PutUserPolicy", "PutRolePolicy",
        "DeleteUserPolicy", "DeleteRolePolicy", "DeleteUserPermissionsBoundary", "DeleteRolePermissionsBoundary")),
    *(("iam:" + name, {"Tags": [TEAM]}, *key) for key in (REQUEST_TAG, TAG_KEYS) for name in (
        "CreateUser", "CreateRole", "CreatePolicy", "CreateInstanceProfile", "TagUser", "TagRole", "TagPolicy")),
    *(("iam:" + name, {}, *TAG_KEYS) for name in ("UntagUser", "UntagRole", "UntagPolicy")),
    *(("iam:" + name, {}, key, "a") for key in ("aws:ResourceTag/team", "iam:ResourceTag/team") for name in (
        "GetUser", "ListAccessKeys", "CreateAccessKey", "GetRole", "UpdateRole", "PutRolePolicy", "GetPolicy", "ListPolicyVersions",
        "GetOpenIDConnectProvider", "AddClientIDToOpenIDConnectProvider", "GetInstanceProfile")),
    ("iam:CreateServiceLinkedRole", {}, "iam:AWSServiceName", "lex.amazonaws.com"),
    ("sts:AssumeRole", {}, "sts:RoleSessionName", "walk"),
    ("sts:AssumeRole", {"ExternalId": "shop"}, "sts:ExternalId", "shop"),
    ("sts:AssumeRole", {"SourceIdentity": "ann"}, "sts:SourceIdentity", "ann"),
    *(("dynamodb:" + name, {}, "dynamodb:LeadingKeys", key) for name, key in (
        ("PutItem", "b"), ("GetItem", "a"), ("UpdateItem", "a"), ("DeleteItem", "a"), ("Query", "a"), ("BatchGetItem", "a"),
        ("TransactGetItems", "a"), ("TransactWriteItems", "d"), ("ExecuteStatement", "a"))),
    ("dynamodb:ExecuteStatement", {}, "dynamodb:FullTableScan", "false"),
    ("dynamodb:ExecuteStatement", {"Statement": "SELECT * FROM main"}, "dynamodb:FullTableScan", "true"),
    *(("dynamodb:" + name, {}, "dynamodb:Attributes", "id") for name in ("GetItem", "DeleteItem", "ExecuteStatement")),
    ("dynamodb:GetItem", {}, "dynamodb:Select", "ALL_ATTRIBUTES"),
    ("dynamodb:PutItem", {"ReturnValues": "ALL_OLD"}, "dynamodb:ReturnValues", "ALL_OLD"),
    ("dynamodb:Query", {"Select": "COUNT"}, "dynamodb:Select", "COUNT"),
    *(("dynamodb:" + name, {}, *RESOURCE_TAG) for name in ("GetItem", "Query", "Scan", "DescribeTable", "ListTagsOfResource")),
    *(("dynamodb:" + name, {"Tags": [TEAM]}, *key) for key in (REQUEST_TAG, TAG_KEYS) for name in ("CreateTable", "TagResource")),
    ("dynamodb:UntagResource", {}, *TAG_KEYS),
    ("lambda:AddPermission", {}, "lambda:Principal", "sns.amazonaws.com"),
    ("lambda:CreateEventSourceMapping", {}, "lambda:FunctionArn", lambda w: w.arn("lambda", "function:main")),
    *(("lambda:" + name, {}, "lambda:FunctionArn", lambda w: w.arn("lambda", "function:main")) for name in (
        "GetEventSourceMapping", "UpdateEventSourceMapping", "DeleteEventSourceMapping")),
    ("lambda:AddPermission", {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}, "lambda:FunctionUrlAuthType", "NONE"),
    *(("lambda:" + name, {}, key, value) for name, function in (
        ("CreateFunctionUrlConfig", "doomed"), ("GetFunctionUrlConfig", "main"), ("UpdateFunctionUrlConfig", "main"))
        for key, value in (("lambda:FunctionUrlAuthType", "AWS_IAM"), ("lambda:FunctionArn", _function(function)))),
    *(("lambda:" + name, {"Tags": {"team": "a"}}, *key) for key in (REQUEST_TAG, TAG_KEYS) for name in ("CreateFunction", "TagResource")),
    ("lambda:UntagResource", {}, *TAG_KEYS),
    *(("lambda:" + name, {}, *RESOURCE_TAG) for name in (
        "Invoke", "GetFunction", "UpdateFunctionCode", "DeleteFunction", "PublishVersion", "ListTags", "PutFunctionConcurrency",
        "InvokeAsync", "InvokeWithResponseStream", "GetEventSourceMapping", "UpdateEventSourceMapping")),
    ("lambda:DeleteEventSourceMapping", {"UUID": lambda w: w.handles["feed"]}, *RESOURCE_TAG),
    *(("lambda:CreateEventSourceMapping", {"Tags": {"team": "a"}, "EventSourceArn": source}, *key) for key, source in (
        (REQUEST_TAG, lambda w: w.arn("sqs", "dead")), (TAG_KEYS, lambda w: w.arn("sqs", "moving")))),
    *(("events:" + name, {"Tags": [TEAM]}, *key) for key in (REQUEST_TAG, TAG_KEYS) for name in ("CreateEventBus", "TagResource")),
    ("events:UntagResource", {}, *TAG_KEYS),
    *(("events:" + name, {}, *RESOURCE_TAG) for name in (
        "DescribeEventBus", "UpdateEventBus", "DescribeRule", "EnableRule", "DisableRule", "ListTargetsByRule", "PutTargets",
        "ListTagsForResource", "PutEvents")),
    ("events:PutEvents", {}, "events:source", "walk"),
    ("events:PutEvents", {}, "events:detail-type", "t"),
    ("events:PutEvents", {}, "events:eventBusInvocation", "false"),
    ("events:PutTargets", {}, "events:TargetArn", lambda w: w.arn("sqs", "main")),
    ("events:PutRule", {}, "events:source", "changed"),
    ("events:DescribeRule", {}, "events:creatorAccount", lambda w: w.account),
    *(("kinesis:" + name, {}, *RESOURCE_TAG) for name in (
        "PutRecord", "PutRecords", "GetShardIterator", "GetRecords", "DescribeStream", "ListShards", "DescribeStreamConsumer")),
    *(("kinesis:" + name, {"Tags": {"team": "a"}}, *key) for key in (REQUEST_TAG, TAG_KEYS) for name in ("AddTagsToStream", "TagResource")),
    ("kinesis:UntagResource", {}, *TAG_KEYS),
    ("logs:CreateLogGroup", {"tags": {"team": "a"}}, *REQUEST_TAG),
    ("logs:CreateLogGroup", {"tags": {"team": "a"}}, *TAG_KEYS),
    ("logs:TagResource", {"tags": {"team": "a"}}, *REQUEST_TAG),
    ("logs:UntagResource", {}, *TAG_KEYS),
    *(("logs:" + name, {}, *RESOURCE_TAG) for name in (
        "CreateLogStream", "DeleteLogGroup", "DescribeLogStreams", "FilterLogEvents", "GetLogEvents", "PutLogEvents",
        "PutRetentionPolicy", "ListTagsForResource")),
    *(("scheduler:" + name, {}, *RESOURCE_TAG) for name in ("GetScheduleGroup", "ListTagsForResource")),
    ("scheduler:TagResource", {"Tags": [TEAM]}, *REQUEST_TAG),
    *(("pipes:" + name, {}, *RESOURCE_TAG) for name in ("DescribePipe", "ListTagsForResource")),
    ("pipes:TagResource", {"tags": {"team": "a"}}, *REQUEST_TAG),
    ("sns:CreateTopic", {"Tags": [TEAM]}, *REQUEST_TAG),
    ("sns:TagResource", {"Tags": [TEAM]}, *REQUEST_TAG),
    ("sns:TagResource", {"Tags": [TEAM]}, *TAG_KEYS),
    ("sns:UntagResource", {}, *TAG_KEYS),
    ("sns:Subscribe", {}, "sns:Protocol", "sqs"),
    ("sns:Subscribe", {}, "sns:Endpoint", lambda w: w.arn("sqs", "feed2")),
    *(("sns:" + name, {}, *RESOURCE_TAG) for name in ("Publish", "PublishBatch", "GetTopicAttributes", "ListTagsForResource")),
    ("sqs:CreateQueue", {"tags": {"team": "a"}}, *REQUEST_TAG),
    ("sqs:TagQueue", {"Tags": {"team": "a"}}, *REQUEST_TAG),
    ("sqs:TagQueue", {"Tags": {"team": "a"}}, *TAG_KEYS),
    ("sqs:UntagQueue", {}, *TAG_KEYS),
    *(("sqs:" + name, {}, *RESOURCE_TAG) for name in (
        "SendMessage", "SendMessageBatch", "ReceiveMessage", "PurgeQueue", "SetQueueAttributes", "GetQueueUrl", "ListQueueTags")),
    *(("sqs:ListQueues", {}, key, value) for key, value in [
        ("aws:username", "least"), ("aws:PrincipalArn", lambda w: w.caller_arn("least")), ("aws:PrincipalType", "User"),
        ("aws:PrincipalAccount", lambda w: w.account), ("aws:RequestedRegion", "us-east-1"), ("aws:SecureTransport", "false"),
        ("aws:PrincipalTag/team", "a"), ("aws:ViaAWSService", "false"), ("aws:PrincipalIsAWSService", "false"),
        ("aws:ResourceAccount", lambda w: w.account)]),
]


# Asked besides, for some of the inputs.
EXTRA = {"logs:TagResource", "sns:TagResource", "sqs:TagQueue", "sts:SetSourceIdentity"}


@pytest.fixture(scope="module")
def world(module_server):
    world = World(module_server, "340000000001")
    world.client("iam").tag_user(UserName="least", Tags=[TEAM])
    return world


@pytest.fixture(scope="module")
def wire(world):
    wire = Wire(world.server.endpoint)
    yield wire
    wire.close()


def _rank(case):
    """What takes away what others ask for comes last."""
    name = case[0].partition(":")[2]
    return 2 if name.endswith("PermissionsBoundary") and name.startswith("Delete") else name.startswith(("Delete", "Untag"))


CASES.sort(key=_rank)


@pytest.mark.parametrize("name, changes, key, value", CASES, ids=[f"{name}-{key}" for name, _, key, _ in CASES])
def test_a_policy_can_ask_for_it(world, wire, name, changes, key, value):
    operation = Operation(*name.split(":"))
    given = world.input(operation) | {member: new(world) if callable(new) else new for member, new in changes.items()}
    value = value(world) if callable(value) else value
    request = Request(operation, given)
    asked, *others = [action for action, _ in access(world, operation, given)]
    also = {*others, *EXTRA} - {asked}
    for wanted, is_allowed in ((value + "x", False), (value, True)):
        operator = "ForAllValues:StringEquals" if key == "aws:TagKeys" else "StringEquals"
        world.client("iam").put_user_policy(UserName="least", PolicyName="own", PolicyDocument=policy(
            {"Effect": "Allow", "Action": asked, "Resource": "*", "Condition": {operator: {key: wanted}, "Null": {key: "false"}}},
            {"Effect": "Allow", "Action": sorted(also), "Resource": "*"}))
        reply = wire.send(request, *world.keys["least"])
        was_denied = reply.code in ("AccessDenied", "AccessDeniedException", "AuthorizationError")
        assert was_denied is not is_allowed, f"{name} where {key} must be {wanted}: {reply}"
