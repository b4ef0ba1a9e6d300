extension AWSManagedPolicies {
  /// AWS's managed policies for the roles of services, as AWS publishes them.
  static let roles = #"""
    policy AWSAppSyncPushToCloudWatchLogs /service-role/ 1 2018-04-09T19:38:55Z 2018-04-09T19:38:55Z
    {"Version":"2012-10-17","Statement":[{"Action":["logs:CreateLogGroup","logs:CreateLogStream",
    "logs:PutLogEvents"],"Effect":"Allow","Resource":"*"}]}
    policy AWSAppSyncServiceRolePolicy /aws-service-role/ 1 2020-01-21T19:56:53Z 2020-01-21T19:56:53Z
    {"Version":"2012-10-17","Statement":[{"Action":["xray:PutTraceSegments","xray:PutTelemetryRecords",
    "xray:GetSamplingTargets","xray:GetSamplingRules","xray:GetSamplingStatisticSummaries"],"Effect":"Allow",
    "Resource":["*"]}]}
    policy AWSCodeDeployRoleForLambda /service-role/ 3 2017-11-28T14:05:44Z 2019-12-03T19:53:10Z
    {"Version":"2012-10-17","Statement":[{"Action":["cloudwatch:DescribeAlarms","lambda:UpdateAlias",
    "lambda:GetAlias","lambda:GetProvisionedConcurrencyConfig","sns:Publish"],"Effect":"Allow","Resource":"*"},
    {"Action":["s3:GetObject","s3:GetObjectVersion"],"Effect":"Allow","Resource":"arn:aws:s3:::*/CodeDeploy/*"},
    {"Action":["s3:GetObject","s3:GetObjectVersion"],
    "Condition":{"StringEquals":{"s3:ExistingObjectTag/UseWithCodeDeploy":"true"}},"Effect":"Allow","Resource":"*"},
    {"Action":["lambda:InvokeFunction"],"Effect":"Allow",
    "Resource":"arn:aws:lambda:*:*:function:CodeDeployHook_*"}]}
    policy AWSCodeDeployRoleForLambdaLimited /service-role/ 1 2020-08-17T17:14:14Z 2020-08-17T17:14:14Z
    {"Version":"2012-10-17","Statement":[{"Action":["cloudwatch:DescribeAlarms","lambda:UpdateAlias",
    "lambda:GetAlias","lambda:GetProvisionedConcurrencyConfig"],"Effect":"Allow","Resource":"*"},
    {"Action":["s3:GetObject","s3:GetObjectVersion"],"Effect":"Allow","Resource":"arn:aws:s3:::*/CodeDeploy/*"},
    {"Action":["s3:GetObject","s3:GetObjectVersion"],
    "Condition":{"StringEquals":{"s3:ExistingObjectTag/UseWithCodeDeploy":"true"}},"Effect":"Allow","Resource":"*"},
    {"Action":["lambda:InvokeFunction"],"Effect":"Allow",
    "Resource":"arn:aws:lambda:*:*:function:CodeDeployHook_*"}]}
    policy AWSLambdaBasicDurableExecutionRolePolicy /service-role/ 3 2025-12-02T15:04:12Z 2026-02-12T18:01:44Z
    {"Version":"2012-10-17","Statement":[{"Action":["logs:CreateLogGroup","logs:CreateLogStream",
    "logs:PutLogEvents","lambda:CheckpointDurableExecution","lambda:GetDurableExecutionState"],"Effect":"Allow",
    "Resource":"*"}]}
    policy AWSLambdaENIManagementAccess /service-role/ 2 2016-12-06T00:37:27Z 2020-10-01T20:07:26Z
    {"Version":"2012-10-17","Statement":[{"Action":["ec2:CreateNetworkInterface","ec2:DescribeNetworkInterfaces",
    "ec2:DeleteNetworkInterface","ec2:AssignPrivateIpAddresses","ec2:UnassignPrivateIpAddresses"],"Effect":"Allow",
    "Resource":"*"}]}
    policy AWSLambdaReplicator /aws-service-role/ 3 2017-05-23T17:53:03Z 2017-12-08T00:17:54Z
    {"Version":"2012-10-17","Statement":[{"Action":["lambda:CreateFunction","lambda:DeleteFunction",
    "lambda:DisableReplication"],"Effect":"Allow","Resource":["arn:aws:lambda:*:*:function:*"],
    "Sid":"LambdaCreateDeletePermission"},{"Action":["iam:PassRole"],
    "Condition":{"StringLikeIfExists":{"iam:PassedToService":"lambda.amazonaws.com"}},"Effect":"Allow",
    "Resource":["*"],"Sid":"IamPassRolePermission"},{"Action":["cloudfront:ListDistributionsByLambdaFunction"],
    "Effect":"Allow","Resource":["*"],"Sid":"CloudFrontListDistributions"}]}
    policy AWSLambdaServiceRolePolicy /aws-service-role/ 1 2025-11-30T08:04:07Z 2025-11-30T08:04:07Z
    {"Version":"2012-10-17","Statement":[{"Action":["ec2:TerminateInstances"],
    "Condition":{"StringEquals":{"ec2:ManagedResourceOperator":"scaler.lambda.amazonaws.com"}},"Effect":"Allow",
    "Resource":["arn:aws:ec2:*:*:instance/*"]},{"Action":["ec2:DescribeInstanceStatus","ec2:DescribeInstances"],
    "Effect":"Allow","Resource":["*"]}]}
    policy AmazonECSTaskExecutionRolePolicy /service-role/ 1 2017-11-16T18:48:22Z 2017-11-16T18:48:22Z
    {"Version":"2012-10-17","Statement":[{"Action":["ecr:GetAuthorizationToken","ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer","ecr:BatchGetImage","logs:CreateLogStream","logs:PutLogEvents"],"Effect":"Allow",
    "Resource":"*"}]}
    policy AmazonEventBridgeApiDestinationsServiceRolePolicy /aws-service-role/ 7 2021-02-11T20:52:05Z 2026-02-12T17:58:23Z
    {"Version":"2012-10-17","Statement":[{"Action":["secretsmanager:CreateSecret","secretsmanager:UpdateSecret",
    "secretsmanager:DescribeSecret","secretsmanager:DeleteSecret","secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue"],"Condition":{"StringEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}},
    "Effect":"Allow","Resource":"arn:aws:secretsmanager:*:*:secret:events!connection/*"},{"Action":["kms:Decrypt",
    "kms:Encrypt","kms:GenerateDataKey"],
    "Condition":{"StringEquals":{"aws:ResourceTag/EventBridgeApiDestinations":"true"},
    "StringLike":{"kms:EncryptionContext:SecretARN":["arn:aws:secretsmanager:*:*:secret:events!connection/*"],
    "kms:ViaService":"secretsmanager.*.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:kms:*:*:key/*"}]}
    policy AmazonEventBridgeSchemasServiceRolePolicy /aws-service-role/ 1 2019-11-27T01:10:40Z 2019-11-27T01:10:40Z
    {"Version":"2012-10-17","Statement":[{"Action":["events:PutRule","events:PutTargets","events:EnableRule",
    "events:DisableRule","events:DeleteRule","events:RemoveTargets","events:ListTargetsByRule"],"Effect":"Allow",
    "Resource":["arn:aws:events:*:*:rule/*Schemas-*"]}]}
    policy AmazonS3ObjectLambdaExecutionRolePolicy /service-role/ 1 2021-08-18T10:07:41Z 2021-08-18T10:07:41Z
    {"Version":"2012-10-17","Statement":[{"Action":["logs:CreateLogGroup","logs:CreateLogStream",
    "logs:PutLogEvents","s3-object-lambda:WriteGetObjectResponse"],"Effect":"Allow","Resource":"*"}]}
    policy AmazonSNSRole /service-role/ 1 2015-02-06T18:41:30Z 2015-02-06T18:41:30Z
    {"Version":"2012-10-17","Statement":[{"Action":["logs:CreateLogGroup","logs:CreateLogStream",
    "logs:PutLogEvents","logs:PutMetricFilter","logs:PutRetentionPolicy"],"Effect":"Allow","Resource":["*"]}]}
    policy AmazonSSMAutomationRole /service-role/ 9 2016-12-05T22:09:55Z 2026-03-20T17:42:14Z
    {"Version":"2012-10-17","Statement":[{"Action":["lambda:InvokeFunction"],"Effect":"Allow",
    "Resource":["arn:aws:lambda:*:*:function:Automation*"]},{"Action":["ec2:CreateImage","ec2:CopyImage",
    "ec2:DeregisterImage","ec2:DescribeImages","ec2:DeleteSnapshot","ec2:StartInstances","ec2:RunInstances",
    "ec2:StopInstances","ec2:TerminateInstances","ec2:DescribeInstanceStatus","ec2:CreateTags","ec2:DeleteTags",
    "ec2:DescribeTags","cloudformation:CreateStack","cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks","cloudformation:UpdateStack","cloudformation:DeleteStack",
    "cloudformation:TagResource","cloudformation:UntagResource"],"Effect":"Allow","Resource":["*"]},
    {"Action":["ssm:*"],"Effect":"Allow","Resource":["*"]},{"Action":["sns:Publish"],"Effect":"Allow",
    "Resource":["arn:aws:sns:*:*:Automation*"]},{"Action":["ssmmessages:OpenDataChannel"],"Effect":"Allow",
    "Resource":["arn:*:ssm:*:*:session/*"]}]}
    policy CloudWatch-CrossAccountAccess /aws-service-role/ 1 2019-07-23T09:59:27Z 2019-07-23T09:59:27Z
    {"Version":"2012-10-17","Statement":[{"Action":["sts:AssumeRole"],"Effect":"Allow",
    "Resource":["arn:aws:iam::*:role/CloudWatch-CrossAccountSharing*"]}]}
    policy CloudWatchEventsBuiltInTargetExecutionAccess /service-role/ 1 2016-01-14T18:35:49Z 2016-01-14T18:35:49Z
    {"Version":"2012-10-17","Statement":[{"Action":["ec2:Describe*","ec2:RebootInstances","ec2:StopInstances",
    "ec2:TerminateInstances","ec2:CreateSnapshot"],"Effect":"Allow","Resource":"*",
    "Sid":"CloudWatchEventsBuiltInTargetExecutionAccess"}]}
    policy CloudWatchEventsInvocationAccess /service-role/ 1 2016-01-14T18:36:33Z 2016-01-14T18:36:33Z
    {"Version":"2012-10-17","Statement":[{"Action":["kinesis:PutRecord"],"Effect":"Allow","Resource":"*",
    "Sid":"CloudWatchEventsInvocationAccess"}]}
    policy CloudWatchEventsServiceRolePolicy /aws-service-role/ 1 2017-11-17T00:42:04Z 2017-11-17T00:42:04Z
    {"Version":"2012-10-17","Statement":[{"Action":["cloudwatch:DescribeAlarms","ec2:DescribeInstanceStatus",
    "ec2:DescribeInstances","ec2:DescribeSnapshots","ec2:DescribeVolumeStatus","ec2:DescribeVolumes",
    "ec2:RebootInstances","ec2:StopInstances","ec2:TerminateInstances","ec2:CreateSnapshot"],"Effect":"Allow",
    "Resource":"*"}]}
    policy ResourceGroupsServiceRolePolicy /aws-service-role/ 1 2023-01-05T16:57:08Z 2023-01-05T16:57:08Z
    {"Version":"2012-10-17","Statement":[{"Action":["tag:GetResources","cloudformation:DescribeStacks",
    "cloudformation:ListStackResources"],"Effect":"Allow","Resource":"*"}]}
    """#
}
