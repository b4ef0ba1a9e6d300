"""For each operation an input that succeeds in the account of the walk (walk_world.py)."""

import json

from lambdas import TRUST_LAMBDA, policy, zipped
import walk_scheduling

PROFILE = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/walk/abcdefghij"
ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def _document(statement=ANYTHING):
    return policy(statement)


def an_import(name):
    """From nowhere."""
    return {
        "S3BucketSource": {"S3Bucket": "walk-nowhere"}, "InputFormat": "DYNAMODB_JSON", "TableCreationParameters": {
            "TableName": name, "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}}


def _held(name):
    return lambda world: world.handles[name]


def _entry(name):
    return lambda world: [{"Id": "a", "ReceiptHandle": world.handles[name]} | ({"VisibilityTimeout": 600} if "Change" in name else {})]


_LAYER = {"LayerName": "main", "VersionNumber": 1}
_STREAM = {"StreamName": "main"}
_MIDDLE = str(2 ** 127)

# Required members by service and name.
DEFAULTS = {
    "iam:UserName": "main", "iam:GroupName": "main", "iam:RoleName": "main", "iam:InstanceProfileName": "main",
    "iam:PolicyArn": lambda w: w.iam_arn("policy/main"), "iam:PolicyName": "own", "iam:PolicyDocument": _document(),
    "iam:VersionId": "v1", "iam:Tags": [{"Key": "team", "Value": "b"}], "iam:TagKeys": ["team"],
    "iam:AccountAlias": "walk", "iam:AccessKeyId": lambda w: w.keys["main"][0],
    "iam:PermissionsBoundary": lambda w: w.iam_arn("policy/boundary"),
    "sqs:QueueUrl": lambda w: w.queue("main"), "sqs:QueueName": "main",
    "sqs:SourceArn": lambda w: w.arn("sqs", "dead"), "sqs:Tags": {"team": "b"}, "sqs:TagKeys": ["team"],
    "sns:TopicArn": lambda w: w.arn("sns", "main"), "sns:ResourceArn": lambda w: w.arn("sns", "main"),
    "sns:SubscriptionArn": _held("subscription"), "sns:Tags": [{"Key": "team", "Value": "b"}], "sns:TagKeys": ["team"],
    "sns:Message": "x", "sns:phoneNumber": "+4930123456",
    "dynamodb:TableName": "main", "dynamodb:Key": {"id": {"S": "a"}}, "dynamodb:ResourceArn": lambda w: w.arn("dynamodb", "table/main"),
    "dynamodb:StreamArn": lambda w: w.arn("kinesis", "stream/main"), "dynamodb:BackupArn": _held("backup main"),
    "dynamodb:Item": {"id": {"S": "b"}}, "dynamodb:Tags": [{"Key": "team", "Value": "b"}], "dynamodb:TagKeys": ["team"],
    "dynamodbstreams:StreamArn": _held("stream"), "dynamodbstreams:ShardId": _held("shard"),
    "dynamodbstreams:ShardIterator": lambda w: w.changes(), "dynamodbstreams:ShardIteratorType": "LATEST",
    "logs:logGroupName": "main", "logs:logStreamName": "main", "logs:resourceArn": lambda w: w.arn("logs", "log-group:main"),
    "logs:tags": {"team": "b"}, "logs:tagKeys": ["team"],
    "events:Name": "main", "events:Rule": "main", "events:ArchiveName": "main", "events:ReplayName": "main",
    "events:TargetArn": lambda w: w.arn("sqs", "main"), "events:ResourceARN": lambda w: w.arn("events", "rule/main"),
    "events:Tags": [{"Key": "team", "Value": "b"}], "events:TagKeys": ["team"],
    "events:EventPattern": '{"source": ["shop"]}', "events:ConnectionArn": _held("connection"),
    "cloudwatch:Namespace": "Walk", "cloudwatch:MetricName": "steps", "cloudwatch:Period": 60,
    "cloudwatch:StartTime": lambda w: w.clock.now_ms() // 1000 - 600, "cloudwatch:EndTime": lambda w: w.clock.now_ms() // 1000,
    "cloudwatch:MetricDataQueries": [{"Id": "a", "MetricStat": {
        "Metric": {"Namespace": "Walk", "MetricName": "steps"}, "Period": 60, "Stat": "Sum"}}],
    "iam:OpenIDConnectProviderArn": lambda w: w.iam_arn("oidc-provider/main.example.com"), "iam:ThumbprintList": ["b" * 40],
    "lambda:DurableExecutionArn": _held("waiting"), "lambda:CheckpointToken": "AAAA",
    "firehose:DeliveryStreamName": "main", "firehose:TagKeys": ["team"], "firehose:Tags": [{"Key": "team", "Value": "b"}],
    "kinesis:StreamARN": lambda w: w.arn("kinesis", "stream/main"), "kinesis:ResourceARN": lambda w: w.arn("kinesis", "stream/main"),
    "kinesis:ConsumerARN": _held("consumer main"), "kinesis:ShardId": "shardId-000000000000",
    "kinesis:Tags": {"team": "b"}, "kinesis:TagKeys": ["team"], "kinesis:ShardLevelMetrics": ["IncomingBytes"],
    "lambda:LayerName": "main", "lambda:VersionNumber": 1,
    "lambda:FunctionName": "main", "lambda:UUID": _held("feed"), "lambda:Resource": lambda w: w.arn("lambda", "function:main"),
    "lambda:Qualifier": "main", "lambda:ProvisionedConcurrentExecutions": 1,
    "lambda:Tags": {"team": "b"}, "lambda:TagKeys": ["team"], "lambda:Name": "main", "lambda:FunctionVersion": "1",
}

# What the defaults do not say, by operation.
INPUTS = {
    "iam:AddRoleToInstanceProfile": {"InstanceProfileName": "other"},
    "dynamodb:BatchExecuteStatement": {"Statements": [{"Statement": "SELECT * FROM main WHERE id = 'a'"}]},
    "dynamodb:ExecuteStatement": {"Statement": "SELECT * FROM main WHERE id = 'a'"},
    "dynamodb:ExecuteTransaction": {"TransactStatements": [{"Statement": "UPDATE main SET n = 2 WHERE id = 'a'"}]},
    "dynamodb:BatchGetItem": {"RequestItems": {"main": {"Keys": [{"id": {"S": "a"}}]}}},
    "dynamodb:BatchWriteItem": {"RequestItems": {"main": [{"PutRequest": {"Item": {"id": {"S": "c"}}}}]}},
    "dynamodb:CreateTable": {
        "TableName": "fresh", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]},
    "dynamodb:CreateBackup": {"BackupName": "fresh"},
    "dynamodb:DescribeExport": {"ExportArn": _held("export")},
    "dynamodb:DescribeImport": {"ImportArn": _held("import")},
    "dynamodb:ExportTableToPointInTime": {"TableArn": lambda w: w.arn("dynamodb", "table/main"), "S3Bucket": "walk-nowhere"},
    "dynamodb:ImportTable": an_import("imported"),
    "dynamodb:DeleteBackup": {"BackupArn": _held("backup doomed")},
    "dynamodb:DeleteTable": {"TableName": "doomed"},
    "dynamodb:DisableKinesisStreamingDestination": {"TableName": "stopped"},
    "dynamodb:RestoreTableFromBackup": {"TargetTableName": "restored"},
    "dynamodb:RestoreTableToPointInTime": {
        "SourceTableName": "main", "TargetTableName": "returned", "UseLatestRestorableTime": True},
    "dynamodb:UpdateKinesisStreamingDestination": {
        "TableName": "streamed", "UpdateKinesisStreamingConfiguration": {"ApproximateCreationDateTimePrecision": "MICROSECOND"}},
    "dynamodb:PutResourcePolicy": {"Policy": lambda w: policy(
        {"Effect": "Allow", "Principal": {"Service": "walk.amazonaws.com"}, "Action": "dynamodb:Scan", "Resource": "*"})},
    "dynamodb:Query": {"KeyConditionExpression": "id = :i", "ExpressionAttributeValues": {":i": {"S": "a"}}},
    "dynamodb:TransactGetItems": {"TransactItems": [{"Get": {"TableName": "main", "Key": {"id": {"S": "a"}}}}]},
    "dynamodb:TransactWriteItems": {"TransactItems": [{"Put": {"TableName": "main", "Item": {"id": {"S": "d"}}}}]},
    "dynamodb:UpdateContinuousBackups": {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}},
    "dynamodb:UpdateTable": {"DeletionProtectionEnabled": False},
    "dynamodb:UpdateTimeToLive": {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "end"}},
    "iam:AddUserToGroup": {"GroupName": "other"},
    "iam:AddClientIDToOpenIDConnectProvider": {"ClientID": "new"},
    "iam:CreateOpenIDConnectProvider": {"Url": "https://fresh.example.com", "ThumbprintList": ["a" * 40]},
    "iam:DeleteOpenIDConnectProvider": {"OpenIDConnectProviderArn": lambda w: w.iam_arn("oidc-provider/doomed.example.com")},
    "iam:DeleteServiceLinkedRole": {"RoleName": lambda w: w.handles["doomed"]["RoleName"]},
    "iam:GenerateServiceLastAccessedDetails": {"Arn": lambda w: w.iam_arn("user/team/main")},
    "iam:GetContextKeysForCustomPolicy": {"PolicyInputList": [_document()]},
    "iam:GetContextKeysForPrincipalPolicy": {"PolicySourceArn": lambda w: w.iam_arn("user/team/main")},
    "iam:GetServiceLastAccessedDetails": {"JobId": _held("job")},
    "iam:GetServiceLinkedRoleDeletionStatus": {"DeletionTaskId": _held("deletion")},
    "iam:RemoveClientIDFromOpenIDConnectProvider": {"ClientID": "old"},
    "iam:CreateAccountAlias": {"AccountAlias": "fresh"},
    "iam:CreateGroup": {"GroupName": "fresh"},
    "iam:CreateInstanceProfile": {"InstanceProfileName": "fresh"},
    "iam:CreatePolicy": {"PolicyName": "fresh"},
    "iam:CreateRole": {"RoleName": "fresh", "AssumeRolePolicyDocument": TRUST_LAMBDA},
    "iam:CreateServiceLinkedRole": {"AWSServiceName": "lex.amazonaws.com"},
    "iam:CreateUser": {"UserName": "fresh"},
    "iam:DeleteAccessKey": {"UserName": "other", "AccessKeyId": lambda w: w.keys["other"][0]},
    "iam:DeleteAccountAlias": {"AccountAlias": "fresh"},
    "iam:DeleteGroup": {"GroupName": "doomed"},
    "iam:DeleteInstanceProfile": {"InstanceProfileName": "doomed"},
    "iam:DeletePolicy": {"PolicyArn": lambda w: w.iam_arn("policy/doomed")},
    "iam:DeletePolicyVersion": {"VersionId": "v1"},
    "iam:DeleteRole": {"RoleName": "doomed"},
    "iam:DeleteUser": {"UserName": "doomed"},
    "iam:DetachGroupPolicy": {"PolicyArn": lambda w: w.iam_arn("policy/attached")},
    "iam:DetachRolePolicy": {"PolicyArn": lambda w: w.iam_arn("policy/attached")},
    "iam:DetachUserPolicy": {"PolicyArn": lambda w: w.iam_arn("policy/attached")},
    "iam:GetUser": {"UserName": "main"},
    "iam:ListAccessKeys": {"UserName": "main"},
    "iam:CreateAccessKey": {"UserName": "main"},
    "iam:PutGroupPolicy": {"PolicyName": "fresh"},
    "iam:PutRolePolicy": {"PolicyName": "fresh"},
    "iam:PutUserPolicy": {"PolicyName": "fresh"},
    "iam:SetDefaultPolicyVersion": {"VersionId": "v2"},
    "iam:SimulateCustomPolicy": {"PolicyInputList": [_document()], "ActionNames": ["sqs:SendMessage"]},
    "iam:SimulatePrincipalPolicy": {
        "PolicySourceArn": lambda w: w.iam_arn("user/team/main"), "ActionNames": ["sqs:SendMessage"]},
    "iam:UpdateAccessKey": {"UserName": "main", "Status": "Inactive"},
    "iam:UpdateAssumeRolePolicy": {"RoleName": "other", "PolicyDocument": TRUST_LAMBDA},
    "iam:UpdateGroup": {"GroupName": "movable", "NewPath": "/moved/"},
    "iam:UpdateRole": {"Description": "new"},
    "iam:UpdateRoleDescription": {"Description": "newer"},
    "iam:UpdateUser": {"UserName": "movable", "NewPath": "/moved/"},
    "lambda:AddLayerVersionPermission": _LAYER | {
        "StatementId": "new", "Action": "lambda:GetLayerVersion", "Principal": lambda w: w.account},
    "lambda:CreateCodeSigningConfig": {"AllowedPublishers": {"SigningProfileVersionArns": [PROFILE]}},
    **{f"lambda:{action}CodeSigningConfig": {"CodeSigningConfigArn": _held("signing")} for action in ("Get", "Update", "ListFunctionsBy")},
    "lambda:DeleteCodeSigningConfig": {"CodeSigningConfigArn": _held("doomed-signing")},
    "lambda:PutFunctionCodeSigningConfig": {"CodeSigningConfigArn": _held("spare-signing")},
    "lambda:DeleteLayerVersion": _LAYER | {"LayerName": "doomed"},
    "lambda:GetLayerVersionByArn": {"Arn": lambda w: w.arn("lambda", "layer:main:1")},
    "lambda:InvokeAsync": {"InvokeArgs": b"1"},
    "lambda:PublishLayerVersion": {"LayerName": "fresh", "Content": {"ZipFile": zipped({"python/layer.py": ""})}},
    "lambda:PutFunctionRecursionConfig": {"RecursiveLoop": "Allow"},
    "lambda:PutRuntimeManagementConfig": {"UpdateRuntimeOn": "Auto"},
    "lambda:RemoveLayerVersionPermission": _LAYER | {"StatementId": "old"},
    "lambda:AddPermission": {"StatementId": "new", "Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"},
    "lambda:CreateAlias": {"Name": "fresh"},
    "lambda:CreateEventSourceMapping": {"EventSourceArn": lambda w: w.arn("sqs", "main"), "Enabled": False},
    "lambda:CreateFunction": {
        "FunctionName": "fresh", "Role": lambda w: w.role, "Runtime": "python3.13", "Handler": "index.handler",
        "Code": {"ZipFile": zipped({"index.py": "def handler(event, context):\n    pass\n"})}},
    "lambda:CreateFunctionUrlConfig": {"FunctionName": "doomed", "AuthType": "AWS_IAM"},
    "lambda:DeleteAlias": {"Name": "doomed"},
    "lambda:DeleteEventSourceMapping": {"UUID": _held("feed2")},
    "lambda:DeleteFunction": {"FunctionName": "doomed"},
    "lambda:Invoke": {"Payload": b"1"},
    "lambda:InvokeWithResponseStream": {"Payload": b"1"},
    "lambda:PutFunctionConcurrency": {"ReservedConcurrentExecutions": 6},
    "lambda:PutFunctionEventInvokeConfig": {"MaximumRetryAttempts": 0},
    "lambda:RemovePermission": {"StatementId": "old"},
    **{f"lambda:SendDurableExecutionCallback{end}": {"CallbackId": _held(f"SendDurableExecutionCallback{end}")}
       for end in ("Success", "Failure", "Heartbeat")},
    "lambda:StopDurableExecution": {"DurableExecutionArn": _held("stopped")},
    "lambda:UpdateAlias": {"Description": "new"},
    "lambda:UpdateEventSourceMapping": {"BatchSize": 5},
    "lambda:UpdateFunctionCode": {"ZipFile": zipped({"index.py": "def handler(event, context):\n    return 2\n"})},
    "lambda:UpdateFunctionConfiguration": {"Role": lambda w: w.role, "Description": "new"},
    "lambda:UpdateFunctionUrlConfig": {"InvokeMode": "RESPONSE_STREAM"},
    "lambda:UpdateFunctionEventInvokeConfig": {"MaximumRetryAttempts": 2},
    "cloudwatch:GetMetricStatistics": {"Statistics": ["Sum"]},
    "cloudwatch:ListMetrics": {"Dimensions": [{"Name": "road", "Value": "high"}]},
    "cloudwatch:PutMetricData": {"MetricData": [{"MetricName": "steps", "Value": 1}]},
    "events:CreateApiDestination": {"Name": "fresh", "InvocationEndpoint": "https://example.com", "HttpMethod": "POST"},
    "events:CreateArchive": {"ArchiveName": "fresh", "EventSourceArn": lambda w: w.arn("events", "event-bus/main")},
    "events:CreateConnection": {
        "Name": "fresh", "AuthorizationType": "BASIC",
        "AuthParameters": {"BasicAuthParameters": {"Username": "ann", "Password": "p"}}},
    "events:CreateEventBus": {"Name": "fresh"},
    "events:DeleteApiDestination": {"Name": "doomed"},
    "events:DeleteArchive": {"ArchiveName": "doomed"},
    "events:DeleteConnection": {"Name": "doomed"},
    "events:DeleteEventBus": {"Name": "doomed"},
    "events:DeleteRule": {"Name": "doomed"},
    "events:DescribeEventBus": {"Name": "main"},
    "events:PutEvents": {"Entries": lambda w: [{
        "Source": "walk", "DetailType": "t", "Detail": "{}", "EventBusName": w.arn("events", "event-bus/main")}]},
    "events:PutPermission": {
        "EventBusName": "main", "StatementId": "new", "Action": "events:PutEvents", "Principal": lambda w: w.account},
    "events:PutRule": {"EventPattern": '{"source": ["changed"]}', "Name": "main"},
    "events:PutTargets": {"Targets": lambda w: [{"Id": "new", "Arn": w.arn("sqs", "main")}]},
    "events:RemovePermission": {"EventBusName": "main", "StatementId": "old"},
    "events:RemoveTargets": {"Ids": ["doomed"]},
    "events:StartReplay": {
        "ReplayName": "fresh", "EventSourceArn": lambda w: w.replay("")["EventSourceArn"],
        "EventStartTime": lambda w: w.replay("")["EventStartTime"], "EventEndTime": lambda w: w.replay("")["EventEndTime"],
        "Destination": lambda w: w.replay("")["Destination"]},
    "events:TestEventPattern": {"Event": json.dumps({
        "id": "1", "account": "1", "source": "shop", "time": "t", "region": "r", "resources": [], "detail-type": "d"})},
    "events:UpdateApiDestination": {"Description": "new"},
    "events:UpdateArchive": {"Description": "new"},
    "events:UpdateConnection": {"Description": "new"},
    "events:UpdateEventBus": {"Name": "main", "Description": "new"},
    "firehose:CreateDeliveryStream": {"DeliveryStreamName": "fresh", "S3DestinationConfiguration": lambda w: w.delivery()},
    "firehose:DeleteDeliveryStream": {"DeliveryStreamName": "doomed"},
    "firehose:PutRecord": {"Record": {"Data": b"x"}},
    "firehose:PutRecordBatch": {"Records": [{"Data": b"x"}]},
    "firehose:UpdateDestination": {
        "CurrentDeliveryStreamVersionId": "1", "DestinationId": "destinationId-000000000001", "S3DestinationUpdate": {"Prefix": "new/"}},
    **{f"kinesis:{name}": _STREAM for name in (
        "AddTagsToStream", "DescribeStream", "DescribeStreamSummary", "DisableEnhancedMonitoring", "EnableEnhancedMonitoring", "ListShards",
        "ListTagsForStream", "RemoveTagsFromStream")},
    **{f"kinesis:{start}StreamRetentionPeriod": _STREAM | {"RetentionPeriodHours": 24} for start in ("Increase", "Decrease")},
    **{f"kinesis:{start}StreamEncryption": _STREAM | {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"} for start in ("Start", "Stop")},
    "kinesis:CreateStream": {"StreamName": "fresh", "ShardCount": 1},
    "kinesis:DeleteResourcePolicy": {"ResourceARN": lambda w: w.arn("kinesis", "stream/policed")},
    "kinesis:DeleteStream": {"StreamName": "doomed"},
    "kinesis:DeregisterStreamConsumer": {"ConsumerARN": _held("consumer doomed")},
    "kinesis:DescribeStreamConsumer": {"ConsumerARN": _held("consumer main")},
    "kinesis:GetRecords": {"ShardIterator": lambda w: w.iterator()},
    "kinesis:GetShardIterator": _STREAM | {"ShardIteratorType": "LATEST"},
    "kinesis:MergeShards": {
        "StreamName": "merging", "ShardToMerge": "shardId-000000000000", "AdjacentShardToMerge": "shardId-000000000001"},
    "kinesis:PutRecord": _STREAM | {"Data": b"x", "PartitionKey": "k"},
    "kinesis:PutRecords": _STREAM | {"Records": [{"Data": b"x", "PartitionKey": "k"}]},
    "kinesis:PutResourcePolicy": {
        "ResourceARN": lambda w: w.arn("kinesis", "stream/policed"), "Policy": lambda w: w.stream_policy("policed")},
    "kinesis:RegisterStreamConsumer": {"ConsumerName": "fresh"},
    "kinesis:SplitShard": {"StreamName": "splitting", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": _MIDDLE},
    "kinesis:SubscribeToShard": {"StartingPosition": {"Type": "LATEST"}},
    "kinesis:UpdateAccountSettings": {"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}},
    "kinesis:UpdateMaxRecordSize": {"StreamARN": lambda w: w.arn("kinesis", "stream/main"), "MaxRecordSizeInKiB": 2048},
    "kinesis:UpdateShardCount": {"StreamName": "counted", "TargetShardCount": 4, "ScalingType": "UNIFORM_SCALING"},
    "kinesis:UpdateStreamMode": {
        "StreamARN": lambda w: w.arn("kinesis", "stream/mode"), "StreamModeDetails": {"StreamMode": "ON_DEMAND"}},
    "kinesis:UpdateStreamWarmThroughput": {"StreamName": "demand", "WarmThroughputMiBps": 8},
    "logs:CreateLogGroup": {"logGroupName": "fresh"},
    "logs:CreateLogStream": {"logStreamName": "fresh"},
    "logs:DeleteLogGroup": {"logGroupName": "doomed"},
    "logs:DeleteLogStream": {"logStreamName": "doomed"},
    "logs:DescribeLogStreams": {"logGroupName": "main"},
    "logs:FilterLogEvents": {"logGroupName": "main"},
    "logs:GetLogEvents": {"logGroupName": "main"},
    "logs:PutLogEvents": {"logEvents": lambda w: [{"timestamp": w.clock.now_ms(), "message": "more"}]},
    "logs:PutRetentionPolicy": {"retentionInDays": 14},
    "logs:TagLogGroup": {"tags": {"team": "b"}},
    "logs:UntagLogGroup": {"tags": ["team"]},
    "sns:AddPermission": {
        "TopicArn": lambda w: w.arn("sns", "labelled"), "Label": "new", "AWSAccountId": lambda w: [w.account], "ActionName": ["Publish"]},
    "sns:CreateTopic": {"Name": "fresh"},
    "sns:DeleteTopic": {"TopicArn": lambda w: w.arn("sns", "doomed")},
    "sns:Publish": {"TopicArn": lambda w: w.arn("sns", "main")},
    "sns:PublishBatch": {"PublishBatchRequestEntries": [{"Id": "a", "Message": "x"}]},
    "sns:RemovePermission": {"TopicArn": lambda w: w.arn("sns", "labelled"), "Label": "old"},
    "sns:SetSMSAttributes": {"attributes": {"DefaultSMSType": "Transactional"}},
    "sns:SetSubscriptionAttributes": {"AttributeName": "RawMessageDelivery", "AttributeValue": "true"},
    "sns:SetTopicAttributes": {"AttributeName": "DisplayName", "AttributeValue": "News"},
    "sns:Subscribe": {"Protocol": "sqs", "Endpoint": lambda w: w.arn("sqs", "feed2")},
    "sqs:AddPermission": {
        "QueueUrl": lambda w: w.queue("labelled"), "Label": "new", "AWSAccountIds": lambda w: [w.account],
        "Actions": ["SendMessage"]},
    "sqs:CancelMessageMoveTask": {"TaskHandle": _held("task")},
    "sqs:ChangeMessageVisibility": {
        "QueueUrl": lambda w: w.queue("held"), "ReceiptHandle": _held("ChangeMessageVisibility"), "VisibilityTimeout": 600},
    "sqs:ChangeMessageVisibilityBatch": {
        "QueueUrl": lambda w: w.queue("held"), "Entries": _entry("ChangeMessageVisibilityBatch")},
    "sqs:CreateQueue": {"QueueName": "fresh"},
    "sqs:DeleteMessage": {"QueueUrl": lambda w: w.queue("held"), "ReceiptHandle": _held("DeleteMessage")},
    "sqs:DeleteMessageBatch": {"QueueUrl": lambda w: w.queue("held"), "Entries": _entry("DeleteMessageBatch")},
    "sqs:DeleteQueue": {"QueueUrl": lambda w: w.queue("doomed")},
    "sqs:GetQueueAttributes": {"AttributeNames": ["All"]},
    "sqs:ListDeadLetterSourceQueues": {"QueueUrl": lambda w: w.queue("dead")},
    "sqs:RemovePermission": {"QueueUrl": lambda w: w.queue("labelled"), "Label": "old"},
    "sqs:SendMessage": {"MessageBody": "x"},
    "sqs:SendMessageBatch": {"Entries": [{"Id": "a", "MessageBody": "x"}]},
    "sqs:SetQueueAttributes": {"Attributes": {"DelaySeconds": "0", "VisibilityTimeout": "31"}},
    "sqs:StartMessageMoveTask": {"DestinationArn": lambda w: w.arn("sqs", "feed")},
    "sts:AssumeRole": {"RoleArn": lambda w: w.iam_arn("role/team/main"), "RoleSessionName": "walk"},
    "sts:DecodeAuthorizationMessage": {"EncodedMessage": "nobody made this"},
    "sts:GetFederationToken": {"Name": "walk"},
    "sts:GetAccessKeyInfo": {"AccessKeyId": lambda w: w.keys["main"][0]},
}


DEFAULTS |= walk_scheduling.DEFAULTS
INPUTS |= walk_scheduling.INPUTS
