"""What AWS's Service Authorization Reference asks for each operation: actions, and the resources they are asked on.

The default is the action of the operation's own name on the resource that its input names. What differs stands here.
"""

import walk_scheduling
from walk_world import PATHS

# Anybody with credentials may call these, whatever the policies say, explicit denials included (STS API Reference).
OPEN = {
    "sts:GetCallerIdentity": "no permission is needed, and none can be taken away",
    "sts:GetSessionToken": "a user gets a session of what it is anyway",
}

# Batch operations are asked as the operation for one.
ACTIONS = {
    "dynamodb:BatchExecuteStatement": "dynamodb:PartiQLSelect",
    "dynamodb:ExecuteStatement": "dynamodb:PartiQLSelect",
    "dynamodb:ExecuteTransaction": "dynamodb:PartiQLUpdate",
    "dynamodb:TransactGetItems": "dynamodb:GetItem",
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",
    "lambda:GetLayerVersionByArn": "lambda:GetLayerVersion",
    "lambda:Invoke": "lambda:InvokeFunction",
    "lambda:InvokeWithResponseStream": "lambda:InvokeFunction",
    "sns:PublishBatch": "sns:Publish",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}



def _filling(world, table):
    """What a restore does with the new table."""
    return [(f"dynamodb:{action}", world.arn("dynamodb", f"table/{table}"))
            for action in ("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")]


# More than one action, or another resource than the first of the input's names.
ACCESS = {
    "iam:AddRoleToInstanceProfile": lambda w: [
        ("iam:AddRoleToInstanceProfile", w.iam_arn("instance-profile/other")), ("iam:PassRole", w.iam_arn("role/team/main"))],
    "iam:CreatePolicy": lambda w: [("iam:CreatePolicy", w.iam_arn("policy/fresh"))],
    "iam:CreateServiceLinkedRole": lambda w: [(
        "iam:CreateServiceLinkedRole", w.iam_arn("role/aws-service-role/lex.amazonaws.com/AWSServiceRoleForLexBots"))],
    "iam:CreateOpenIDConnectProvider": lambda w: [("iam:CreateOpenIDConnectProvider", w.iam_arn("oidc-provider/fresh.example.com"))],
    "iam:DeleteServiceLinkedRole": lambda w: [("iam:DeleteServiceLinkedRole", w.handles["doomed"]["Arn"])],
    "iam:GenerateServiceLastAccessedDetails": lambda w: [("iam:GenerateServiceLastAccessedDetails", w.iam_arn("user/team/main"))],
    "iam:GetContextKeysForPrincipalPolicy": lambda w: [("iam:GetContextKeysForPrincipalPolicy", w.iam_arn("user/team/main"))],
    "sts:GetFederationToken": lambda w: [("sts:GetFederationToken", f"arn:aws:sts::{w.account}:federated-user/walk")],
    "lambda:ListLayerVersions": lambda w: [("lambda:ListLayerVersions", "*")],
    "iam:GetAccessKeyLastUsed": lambda w: [("iam:GetAccessKeyLastUsed", w.iam_arn("user/team/main"))],
    "iam:SimulatePrincipalPolicy": lambda w: [("iam:SimulatePrincipalPolicy", w.iam_arn("user/team/main"))],
    "iam:UpdateGroup": lambda w: [
        ("iam:UpdateGroup", w.iam_arn("group/movable")), ("iam:UpdateGroup", w.iam_arn("group/moved/movable"))],
    "iam:UpdateUser": lambda w: [
        ("iam:UpdateUser", w.iam_arn("user/movable")), ("iam:UpdateUser", w.iam_arn("user/moved/movable"))],
    "iam:ListUsers": lambda w: [("iam:ListUsers", w.iam_arn("user/"))],
    "iam:ListGroups": lambda w: [("iam:ListGroups", w.iam_arn("group/"))],
    "iam:ListRoles": lambda w: [("iam:ListRoles", w.iam_arn("role/"))],
    "iam:ListInstanceProfiles": lambda w: [("iam:ListInstanceProfiles", w.iam_arn("instance-profile/"))],
    "dynamodb:DescribeBackup": lambda w: [("dynamodb:DescribeBackup", w.handles["backup main"])],
    "dynamodb:DeleteBackup": lambda w: [("dynamodb:DeleteBackup", w.handles["backup doomed"])],
    "dynamodb:DescribeExport": lambda w: [("dynamodb:DescribeExport", w.handles["export"])],
    "dynamodb:DescribeImport": lambda w: [("dynamodb:DescribeImport", w.handles["import"])],
    "dynamodb:ExportTableToPointInTime": lambda w: [("dynamodb:ExportTableToPointInTime", w.arn("dynamodb", "table/main"))],
    "dynamodb:ImportTable": lambda w: [("dynamodb:ImportTable", w.arn("dynamodb", "table/imported"))],
    "dynamodb:ListExports": lambda w: [("dynamodb:ListExports", "*")],
    "dynamodb:ListImports": lambda w: [("dynamodb:ListImports", "*")],
    "dynamodb:ListBackups": lambda w: [("dynamodb:ListBackups", "*")],
    "dynamodb:EnableKinesisStreamingDestination": lambda w: [
        ("dynamodb:EnableKinesisStreamingDestination", w.arn("dynamodb", "table/main")),
        *((f"kinesis:{action}", w.arn("kinesis", "stream/main")) for action in ("PutRecord", "PutRecords", "DescribeStream"))],
    "dynamodb:RestoreTableFromBackup": lambda w: [
        ("dynamodb:RestoreTableFromBackup", w.handles["backup main"]), *_filling(w, "restored")],
    "dynamodb:RestoreTableToPointInTime": lambda w: [
        ("dynamodb:RestoreTableToPointInTime", w.arn("dynamodb", "table/main")), *_filling(w, "returned")],
    "firehose:CreateDeliveryStream": lambda w: [
        ("firehose:CreateDeliveryStream", w.arn("firehose", "deliverystream/fresh")), ("iam:PassRole", w.delivery_role)],
    "lambda:CreateFunction": lambda w: [
        ("lambda:CreateFunction", w.arn("lambda", "function:fresh")), ("iam:PassRole", w.role)],
    "lambda:PutFunctionCodeSigningConfig": lambda w: [
        ("lambda:PutFunctionCodeSigningConfig", resource)
        for resource in (w.arn("lambda", "function:main"), w.handles["spare-signing"])],
    "lambda:UpdateFunctionConfiguration": lambda w: [
        ("lambda:UpdateFunctionConfiguration", w.arn("lambda", "function:main")), ("iam:PassRole", w.role)],
    "lambda:CreateEventSourceMapping": lambda w: [("lambda:CreateEventSourceMapping", "*")],
    "lambda:ListEventSourceMappings": lambda w: [("lambda:ListEventSourceMappings", "*")],
    "events:CreateArchive": lambda w: [
        ("events:CreateArchive", w.arn("events", "archive/fresh")), ("events:CreateArchive", w.arn("events", "event-bus/main"))],
    "events:CreateApiDestination": lambda w: [
        ("events:CreateApiDestination", w.arn("events", "api-destination/fresh")),
        ("events:CreateApiDestination", w.arn("events", "connection/doomed"))],
    "events:StartReplay": lambda w: [
        ("events:StartReplay", w.arn("events", resource)) for resource in ("replay/fresh", "archive/main", "event-bus/main")],
    "logs:DescribeLogGroups": lambda w: [("logs:DescribeLogGroups", w.arn("logs", "log-group::log-stream:"))],
    "logs:DescribeLogStreams": lambda w: [("logs:DescribeLogStreams", w.arn("logs", "log-group:main:log-stream:"))],
    "sns:ListSubscriptions": lambda w: [("sns:ListSubscriptions", w.arn("sns", "*"))],
    "sns:ListTopics": lambda w: [("sns:ListTopics", w.arn("sns", "*"))],
    "sqs:CancelMessageMoveTask": lambda w: [("sqs:CancelMessageMoveTask", w.arn("sqs", "moving"))],
    "sqs:ListQueues": lambda w: [("sqs:ListQueues", w.arn("sqs", "*"))],
    "sqs:StartMessageMoveTask": lambda w: [
        *((f"sqs:{action}", w.arn("sqs", "dead"))
          for action in ("StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes")),
        ("sqs:SendMessage", w.arn("sqs", "feed"))],
}

ACCESS |= walk_scheduling.ACCESS

# Allowed, they still fail in the walk.
FAILING = {
    "events:CancelReplay": "a replay of nothing is over before it can be cancelled",
    "sts:DecodeAuthorizationMessage": "there is no message to decode",
    "lambda:CheckpointDurableExecution": "only a running invocation has a token",
    "lambda:GetDurableExecutionState": "only a running invocation has a token",
}

_IAM = [("PolicyArn", None), ("OpenIDConnectProviderArn", None), ("RoleName", "role"), ("InstanceProfileName", "instance-profile"), ("GroupName", "group"), ("UserName", "user")]


def access(world, operation, given):
    """[(action, resource)], in the order in which they are asked."""
    name = operation.key
    if name in ACCESS:
        return ACCESS[name](world)
    return [(ACTIONS.get(name, name).replace("dynamodbstreams:", "dynamodb:"), _resource(world, operation, given))]


def _resource(world, operation, given):
    of_service = {
        "cloudwatch": _all, "dynamodb": _table, "dynamodbstreams": _table_stream, "firehose": _delivery, "iam": _entity,
        "sts": _entity, "events": _event, "kinesis": _stream, "lambda": _function, "logs": _group, "sns": _topic, "sqs": _queue}
    return of_service[operation.service](world, operation, given)


def _table(world, operation, given):
    if "ResourceArn" in given:
        return given["ResourceArn"]
    name = given.get("TableName") or ("main" if operation.name.startswith(("Batch", "Transact", "Execute")) else None)
    return world.arn("dynamodb", f"table/{name}") if name else "*"


def _table_stream(world, operation, given):
    return "*" if operation.name == "ListStreams" else world.handles["stream"]


def _all(world, operation, given):
    """Metrics are no resources."""
    return "*"


def _event(world, operation, given):
    if operation.name.startswith("List") and operation.name not in ("ListTagsForResource", "ListTargetsByRule"):
        return "*"
    if "ResourceARN" in given:
        return given["ResourceARN"]
    kinds = [("EventBus", "event-bus"), ("Permission", "event-bus"), ("Archive", "archive"), ("Replay", "replay"),
             ("ApiDestination", "api-destination"), ("Connection", "connection"), ("Rule", "rule"), ("Targets", "rule")]
    for word, kind in kinds:
        if word in operation.name:
            name = next(given[member] for member in ("Name", "EventBusName", "ArchiveName", "ReplayName", "Rule") if member in given)
            return world.arn("events", f"{kind}/{name}")
    return world.arn("events", "event-bus/main") if operation.name == "PutEvents" else "*"


def _entity(world, operation, given):
    # Attaching is asked on the holder; the policy is a condition key.
    named = _IAM[1:] + _IAM[:1] if operation.name.startswith(("Attach", "Detach")) else _IAM
    if operation.name.endswith(("UserToGroup", "UserFromGroup")):
        return _named(world, "group", given["GroupName"])
    if operation.name == "RemoveRoleFromInstanceProfile":
        return _named(world, "instance-profile", given["InstanceProfileName"])
    for member, kind in named:
        if member in given:
            return given[member] if kind is None else _named(world, kind, given[member])
    return given.get("RoleArn", "*")


def _named(world, kind, name):
    return world.iam_arn(f"{kind}/{PATHS.get(name, '')}{name}")


def _function(world, operation, given):
    if "UUID" in given:
        return world.arn("lambda", f"event-source-mapping:{given['UUID']}")
    if "DurableExecutionArn" in given or "CallbackId" in given:
        return given.get("DurableExecutionArn", world.handles["waiting"])
    if "FunctionName" in given and "Qualifier" in given:
        return world.arn("lambda", f"function:{given['FunctionName']}:{given['Qualifier']}")
    if "FunctionName" in given:
        return world.arn("lambda", f"function:{given['FunctionName']}")
    if "LayerName" in given:
        return world.arn("lambda", ":".join(["layer", given["LayerName"], *map(str, [given["VersionNumber"]] if "VersionNumber" in given else [])]))
    return given.get("CodeSigningConfigArn", given.get("Resource", given.get("Arn", "*")))


def _group(world, operation, given):
    if operation.name in ("TagResource", "UntagResource", "ListTagsForResource"):
        return given["resourceArn"]
    return world.arn("logs", f"log-group:{given['logGroupName']}:log-stream:{given.get('logStreamName', '')}")


def _delivery(world, operation, given):
    return world.arn("firehose", f"deliverystream/{given['DeliveryStreamName']}") if "DeliveryStreamName" in given else "*"


def _stream(world, operation, given):
    for member in ("StreamARN", "ResourceARN", "ConsumerARN"):
        if member in given:
            return given[member]
    name = "main" if "ShardIterator" in given else given.get("StreamName")
    return world.arn("kinesis", f"stream/{name}") if name else "*"


def _topic(world, operation, given):
    if "SubscriptionArn" in given:
        return given["SubscriptionArn"].rpartition(":")[0]
    if "Name" in given:
        return world.arn("sns", given["Name"])
    return given.get("TopicArn", given.get("ResourceArn", "*"))


def _queue(world, operation, given):
    name = given["QueueUrl"].rpartition("/")[2] if "QueueUrl" in given else given.get("QueueName")
    return world.arn("sqs", name) if name else given["SourceArn"]
