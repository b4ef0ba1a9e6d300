extension AWSManagedPolicies {
  /// AWS's managed policies for queues, streams, tables and stores, as AWS publishes them.
  static let data = #"""
    policy AmazonSQSFullAccess / 1 2015-02-06T18:41:07Z 2015-02-06T18:41:07Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:*"],"Resource":"*"}]}
    policy AmazonSQSReadOnlyAccess / 4 2015-02-06T18:41:08Z 2024-05-24T18:16:44Z
    {"Version":"2012-10-17","Statement":[{"Sid":"AmazonSQSReadOnlyAccess","Effect":"Allow",
    "Action":["sqs:GetQueueAttributes","sqs:GetQueueUrl","sqs:ListDeadLetterSourceQueues","sqs:ListQueues",
    "sqs:ListMessageMoveTasks","sqs:ListQueueTags"],"Resource":"*"}]}
    policy AmazonSNSFullAccess / 2 2015-02-06T18:41:05Z 2024-09-24T22:32:05Z
    {"Version":"2012-10-17","Statement":[{"Sid":"SNSFullAccess","Effect":"Allow","Action":"sns:*","Resource":"*"},
    {"Sid":"SMSAccessViaSNS","Effect":"Allow","Action":["sms-voice:DescribeVerifiedDestinationNumbers",
    "sms-voice:CreateVerifiedDestinationNumber","sms-voice:SendDestinationNumberVerificationCode",
    "sms-voice:SendTextMessage","sms-voice:DeleteVerifiedDestinationNumber","sms-voice:VerifyDestinationNumber",
    "sms-voice:DescribeAccountAttributes","sms-voice:DescribeSpendLimits","sms-voice:DescribePhoneNumbers",
    "sms-voice:SetTextMessageSpendLimitOverride","sms-voice:DescribeOptedOutNumbers",
    "sms-voice:DeleteOptedOutNumber"],"Resource":"*",
    "Condition":{"StringEquals":{"aws:CalledViaLast":"sns.amazonaws.com"}}}]}
    policy AmazonSNSReadOnlyAccess / 2 2015-02-06T18:41:06Z 2024-09-24T22:13:12Z
    {"Version":"2012-10-17","Statement":[{"Sid":"SNSReadOnlyAccess","Effect":"Allow",
    "Action":["sns:GetTopicAttributes","sns:List*","sns:CheckIfPhoneNumberIsOptedOut","sns:GetEndpointAttributes",
    "sns:GetDataProtectionPolicy","sns:GetPlatformApplicationAttributes","sns:GetSMSAttributes",
    "sns:GetSMSSandboxAccountStatus","sns:GetSubscriptionAttributes"],"Resource":"*"},{"Sid":"SMSAccessViaSNS",
    "Effect":"Allow","Action":["sms-voice:DescribeVerifiedDestinationNumbers","sms-voice:DescribeAccountAttributes",
    "sms-voice:DescribeSpendLimits","sms-voice:DescribePhoneNumbers","sms-voice:DescribeOptedOutNumbers"],
    "Resource":"*","Condition":{"StringEquals":{"aws:CalledViaLast":"sns.amazonaws.com"}}}]}
    policy AmazonS3FullAccess / 2 2015-02-06T18:40:58Z 2021-09-27T20:16:37Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","s3-object-lambda:*"],"Resource":"*"}]}
    policy AmazonS3ReadOnlyAccess / 3 2015-02-06T18:40:59Z 2023-08-10T21:31:39Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*","s3:Describe*",
    "s3-object-lambda:Get*","s3-object-lambda:List*"],"Resource":"*"}]}
    policy AmazonDynamoDBFullAccess / 15 2015-02-06T18:40:11Z 2021-01-29T17:38:30Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:*","dax:*",
    "application-autoscaling:DeleteScalingPolicy","application-autoscaling:DeregisterScalableTarget",
    "application-autoscaling:DescribeScalableTargets","application-autoscaling:DescribeScalingActivities",
    "application-autoscaling:DescribeScalingPolicies","application-autoscaling:PutScalingPolicy",
    "application-autoscaling:RegisterScalableTarget","cloudwatch:DeleteAlarms","cloudwatch:DescribeAlarmHistory",
    "cloudwatch:DescribeAlarms","cloudwatch:DescribeAlarmsForMetric","cloudwatch:GetMetricStatistics",
    "cloudwatch:ListMetrics","cloudwatch:PutMetricAlarm","cloudwatch:GetMetricData","datapipeline:ActivatePipeline",
    "datapipeline:CreatePipeline","datapipeline:DeletePipeline","datapipeline:DescribeObjects",
    "datapipeline:DescribePipelines","datapipeline:GetPipelineDefinition","datapipeline:ListPipelines",
    "datapipeline:PutPipelineDefinition","datapipeline:QueryObjects","ec2:DescribeVpcs","ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups","iam:GetRole","iam:ListRoles","kms:DescribeKey","kms:ListAliases",
    "sns:CreateTopic","sns:DeleteTopic","sns:ListSubscriptions","sns:ListSubscriptionsByTopic","sns:ListTopics",
    "sns:Subscribe","sns:Unsubscribe","sns:SetTopicAttributes","lambda:CreateFunction","lambda:ListFunctions",
    "lambda:ListEventSourceMappings","lambda:CreateEventSourceMapping","lambda:DeleteEventSourceMapping",
    "lambda:GetFunctionConfiguration","lambda:DeleteFunction","resource-groups:ListGroups",
    "resource-groups:ListGroupResources","resource-groups:GetGroup","resource-groups:GetGroupQuery",
    "resource-groups:DeleteGroup","resource-groups:CreateGroup","tag:GetResources","kinesis:ListStreams",
    "kinesis:DescribeStream","kinesis:DescribeStreamSummary"],"Resource":"*"},{"Effect":"Allow",
    "Action":"cloudwatch:GetInsightRuleReport",
    "Resource":"arn:aws:cloudwatch:*:*:insight-rule/DynamoDBContributorInsights*"},{"Effect":"Allow",
    "Action":["iam:PassRole"],"Resource":"*",
    "Condition":{"StringLike":{"iam:PassedToService":["application-autoscaling.amazonaws.com",
    "application-autoscaling.amazonaws.com.cn","dax.amazonaws.com"]}}},{"Effect":"Allow",
    "Action":["iam:CreateServiceLinkedRole"],"Resource":"*",
    "Condition":{"StringEquals":{"iam:AWSServiceName":["replication.dynamodb.amazonaws.com","dax.amazonaws.com",
    "dynamodb.application-autoscaling.amazonaws.com","contributorinsights.dynamodb.amazonaws.com",
    "kinesisreplication.dynamodb.amazonaws.com"]}}}]}
    policy AmazonDynamoDBFullAccess_v2 / 3 2025-05-22T14:52:06Z 2026-02-12T18:02:57Z
    {"Version":"2012-10-17","Statement":[{"Sid":"DDBAndDAXFullAccess","Effect":"Allow","Action":["dynamodb:*",
    "dax:*"],"Resource":"*"},{"Sid":"KMSIntegration","Effect":"Allow","Action":["kms:DescribeKey",
    "kms:ListAliases"],"Resource":"*"},{"Sid":"LambdaIntegration","Effect":"Allow",
    "Action":["lambda:ListEventSourceMappings","lambda:ListFunctions"],"Resource":"*"},{"Sid":"DaxSNSIntegration",
    "Effect":"Allow","Action":["sns:ListTopics"],"Resource":"*"},{"Sid":"ApplicationAutoscalingIntegration",
    "Effect":"Allow","Action":["application-autoscaling:DeleteScalingPolicy",
    "application-autoscaling:DeregisterScalableTarget","application-autoscaling:PutScalingPolicy",
    "application-autoscaling:RegisterScalableTarget"],"Resource":"*",
    "Condition":{"StringEquals":{"application-autoscaling:service-namespace":"dynamodb"}}},
    {"Sid":"ApplicationAutoscalingDescribeActions","Effect":"Allow",
    "Action":["application-autoscaling:DescribeScalableTargets","application-autoscaling:DescribeScalingActivities",
    "application-autoscaling:DescribeScalingPolicies"],"Resource":"*"},{"Sid":"TagManagement","Effect":"Allow",
    "Action":["tag:GetResources"],"Resource":"*"},{"Sid":"CloudwatchMonitoring","Effect":"Allow",
    "Action":["cloudwatch:DescribeAlarms","cloudwatch:GetMetricStatistics","cloudwatch:GetMetricData"],
    "Resource":"*"},{"Sid":"ListKinesisResources","Effect":"Allow","Action":["kinesis:ListStreams",
    "kinesis:DescribeStream","kinesis:DescribeStreamSummary"],"Resource":"*"},
    {"Sid":"ListEC2ResourcesForDaxClusterCreation","Effect":"Allow","Action":["ec2:DescribeVpcs",
    "ec2:DescribeSubnets","ec2:DescribeSecurityGroups"],"Resource":"*"},{"Sid":"CloudwatchInsightsRules",
    "Effect":"Allow","Action":"cloudwatch:GetInsightRuleReport",
    "Resource":"arn:aws:cloudwatch:*:*:insight-rule/DynamoDBContributorInsights*"},{"Sid":"ServiceRoleCreation",
    "Effect":"Allow","Action":["iam:CreateServiceLinkedRole"],"Resource":"*",
    "Condition":{"StringEquals":{"iam:AWSServiceName":["replication.dynamodb.amazonaws.com","dax.amazonaws.com",
    "dynamodb.application-autoscaling.amazonaws.com","contributorinsights.dynamodb.amazonaws.com",
    "kinesisreplication.dynamodb.amazonaws.com"]}}},{"Sid":"IamIntegration","Effect":"Allow",
    "Action":["iam:ListRoles"],"Resource":["*"]}]}
    policy AmazonDynamoDBReadOnlyAccess / 15 2015-02-06T18:40:12Z 2024-11-18T17:38:15Z
    {"Version":"2012-10-17","Statement":[{"Sid":"GeneralReadOnlyAccess","Effect":"Allow",
    "Action":["application-autoscaling:DescribeScalableTargets","application-autoscaling:DescribeScalingActivities",
    "application-autoscaling:DescribeScalingPolicies","cloudwatch:DescribeAlarmHistory","cloudwatch:DescribeAlarms",
    "cloudwatch:DescribeAlarmsForMetric","cloudwatch:GetMetricStatistics","cloudwatch:ListMetrics",
    "cloudwatch:GetMetricData","datapipeline:DescribeObjects","datapipeline:DescribePipelines",
    "datapipeline:GetPipelineDefinition","datapipeline:ListPipelines","datapipeline:QueryObjects",
    "dynamodb:BatchGetItem","dynamodb:Describe*","dynamodb:List*","dynamodb:GetAbacStatus","dynamodb:GetItem",
    "dynamodb:GetResourcePolicy","dynamodb:Query","dynamodb:Scan","dynamodb:PartiQLSelect","dax:Describe*",
    "dax:List*","dax:GetItem","dax:BatchGetItem","dax:Query","dax:Scan","ec2:DescribeVpcs","ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups","iam:GetRole","iam:ListRoles","kms:DescribeKey","kms:ListAliases",
    "sns:ListSubscriptionsByTopic","sns:ListTopics","lambda:ListFunctions","lambda:ListEventSourceMappings",
    "lambda:GetFunctionConfiguration","resource-groups:ListGroups","resource-groups:ListGroupResources",
    "resource-groups:GetGroup","resource-groups:GetGroupQuery","tag:GetResources","kinesis:ListStreams",
    "kinesis:DescribeStream","kinesis:DescribeStreamSummary"],"Resource":"*"},{"Sid":"CCIAccess","Effect":"Allow",
    "Action":"cloudwatch:GetInsightRuleReport",
    "Resource":"arn:aws:cloudwatch:*:*:insight-rule/DynamoDBContributorInsights*"}]}
    policy AmazonKinesisFullAccess / 1 2015-02-06T18:40:29Z 2015-02-06T18:40:29Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kinesis:*","Resource":"*"}]}
    policy AmazonKinesisReadOnlyAccess / 1 2015-02-06T18:40:30Z 2015-02-06T18:40:30Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kinesis:Get*","kinesis:List*",
    "kinesis:Describe*"],"Resource":"*"}]}
    policy AmazonKinesisFirehoseFullAccess / 1 2015-10-07T18:45:26Z 2015-10-07T18:45:26Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["firehose:*"],"Resource":"*"}]}
    policy AmazonKinesisFirehoseReadOnlyAccess / 1 2015-10-07T18:43:39Z 2015-10-07T18:43:39Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["firehose:Describe*","firehose:List*"],
    "Resource":"*"}]}
    policy AmazonEventBridgeFullAccess / 7 2019-07-11T14:08:55Z 2026-02-12T17:58:25Z
    {"Version":"2012-10-17","Statement":[{"Sid":"EventBridgeActions","Effect":"Allow","Action":["events:*",
    "schemas:*","scheduler:*","pipes:*"],"Resource":"*"},{"Sid":"IAMCreateServiceLinkedRoleForApiDestinations",
    "Effect":"Allow","Action":"iam:CreateServiceLinkedRole",
    "Resource":"arn:aws:iam::*:role/aws-service-role/apidestinations.events.amazonaws.com/AWSServiceRoleForAmazonEventBridgeApiDestinations",
    "Condition":{"StringEquals":{"iam:AWSServiceName":"apidestinations.events.amazonaws.com"}}},
    {"Sid":"IAMCreateServiceLinkedRoleForAmazonEventBridgeSchemas","Effect":"Allow",
    "Action":"iam:CreateServiceLinkedRole",
    "Resource":"arn:aws:iam::*:role/aws-service-role/schemas.amazonaws.com/AWSServiceRoleForSchemas",
    "Condition":{"StringEquals":{"iam:AWSServiceName":"schemas.amazonaws.com"}}},
    {"Sid":"SecretsManagerAccessForApiDestinations","Effect":"Allow","Action":["secretsmanager:CreateSecret",
    "secretsmanager:UpdateSecret","secretsmanager:DeleteSecret","secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue"],"Resource":"arn:aws:secretsmanager:*:*:secret:events!*"},
    {"Sid":"IAMPassRoleAccessForEventBridge","Effect":"Allow","Action":"iam:PassRole",
    "Resource":"arn:aws:iam::*:role/*","Condition":{"StringLike":{"iam:PassedToService":"events.amazonaws.com"}}},
    {"Sid":"IAMPassRoleAccessForScheduler","Effect":"Allow","Action":"iam:PassRole",
    "Resource":"arn:aws:iam::*:role/*",
    "Condition":{"StringLike":{"iam:PassedToService":"scheduler.amazonaws.com"}}},
    {"Sid":"IAMPassRoleAccessForPipes","Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::*:role/*",
    "Condition":{"StringLike":{"iam:PassedToService":"pipes.amazonaws.com"}}}]}
    policy AmazonEventBridgeReadOnlyAccess / 6 2019-07-11T13:59:07Z 2022-12-01T17:02:48Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["events:DescribeRule",
    "events:DescribeEventBus","events:DescribeEventSource","events:ListEventBuses","events:ListEventSources",
    "events:ListRuleNamesByTarget","events:ListRules","events:ListTargetsByRule","events:TestEventPattern",
    "events:DescribeArchive","events:ListArchives","events:DescribeReplay","events:ListReplays",
    "events:DescribeConnection","events:ListConnections","events:DescribeApiDestination",
    "events:ListApiDestinations","events:DescribeEndpoint","events:ListEndpoints","schemas:DescribeCodeBinding",
    "schemas:DescribeDiscoverer","schemas:DescribeRegistry","schemas:DescribeSchema","schemas:ExportSchema",
    "schemas:GetCodeBindingSource","schemas:GetDiscoveredSchema","schemas:GetResourcePolicy",
    "schemas:ListDiscoverers","schemas:ListRegistries","schemas:ListSchemas","schemas:ListSchemaVersions",
    "schemas:ListTagsForResource","schemas:SearchSchemas","scheduler:GetSchedule","scheduler:GetScheduleGroup",
    "scheduler:ListSchedules","scheduler:ListScheduleGroups","scheduler:ListTagsForResource","pipes:DescribePipe",
    "pipes:ListPipes","pipes:ListTagsForResource"],"Resource":"*"}]}
    policy AmazonEventBridgeSchedulerFullAccess / 4 2022-11-10T18:37:25Z 2026-02-12T18:03:15Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"scheduler:*","Resource":"*"},{"Effect":"Allow",
    "Action":"iam:PassRole","Resource":"arn:aws:iam::*:role/*",
    "Condition":{"StringLike":{"iam:PassedToService":"scheduler.amazonaws.com"}}}]}
    policy AmazonEventBridgeSchedulerReadOnlyAccess / 5 2022-11-10T18:50:12Z 2026-04-02T17:57:20Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["scheduler:List*","scheduler:Get*"],
    "Resource":"*"}]}
    policy AmazonEventBridgePipesFullAccess / 1 2022-12-01T17:03:20Z 2022-12-01T17:03:20Z
    {"Version":"2012-10-17","Statement":[{"Sid":"EventBridgePipesActions","Effect":"Allow","Action":"pipes:*",
    "Resource":"*"},{"Sid":"IAMPassRoleAccessForPipes","Effect":"Allow","Action":"iam:PassRole",
    "Resource":"arn:aws:iam::*:role/*","Condition":{"StringLike":{"iam:PassedToService":"pipes.amazonaws.com"}}}]}
    policy AmazonEventBridgePipesReadOnlyAccess / 1 2022-12-01T17:04:03Z 2022-12-01T17:04:03Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["pipes:DescribePipe","pipes:ListPipes",
    "pipes:ListTagsForResource"],"Resource":"*"}]}
    policy SecretsManagerReadWrite / 5 2018-04-04T18:05:29Z 2024-02-22T18:12:06Z
    {"Version":"2012-10-17","Statement":[{"Sid":"BasePermissions","Effect":"Allow","Action":["secretsmanager:*",
    "cloudformation:CreateChangeSet","cloudformation:DescribeChangeSet","cloudformation:DescribeStackResource",
    "cloudformation:DescribeStacks","cloudformation:ExecuteChangeSet","docdb-elastic:GetCluster",
    "docdb-elastic:ListClusters","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs",
    "kms:DescribeKey","kms:ListAliases","kms:ListKeys","lambda:ListFunctions","rds:DescribeDBClusters",
    "rds:DescribeDBInstances","redshift:DescribeClusters","redshift-serverless:ListWorkgroups",
    "redshift-serverless:GetNamespace","tag:GetResources"],"Resource":"*"},{"Sid":"LambdaPermissions",
    "Effect":"Allow","Action":["lambda:AddPermission","lambda:CreateFunction","lambda:GetFunction",
    "lambda:InvokeFunction","lambda:UpdateFunctionConfiguration"],
    "Resource":"arn:aws:lambda:*:*:function:SecretsManager*"},{"Sid":"SARPermissions","Effect":"Allow",
    "Action":["serverlessrepo:CreateCloudFormationChangeSet","serverlessrepo:GetApplication"],
    "Resource":"arn:aws:serverlessrepo:*:*:applications/SecretsManager*"},{"Sid":"S3Permissions","Effect":"Allow",
    "Action":["s3:GetObject"],"Resource":["arn:aws:s3:::awsserverlessrepo-changesets*",
    "arn:aws:s3:::secrets-manager-rotation-apps-*/*"]}]}
    policy AmazonSSMFullAccess / 4 2015-05-29T17:39:47Z 2019-11-20T20:08:56Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudwatch:PutMetricData","ds:CreateComputer",
    "ds:DescribeDirectories","ec2:DescribeInstanceStatus","logs:*","ssm:*","ec2messages:*"],"Resource":"*"},
    {"Effect":"Allow","Action":"iam:CreateServiceLinkedRole",
    "Resource":"arn:aws:iam::*:role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM*",
    "Condition":{"StringLike":{"iam:AWSServiceName":"ssm.amazonaws.com"}}},{"Effect":"Allow",
    "Action":["iam:DeleteServiceLinkedRole","iam:GetServiceLinkedRoleDeletionStatus"],
    "Resource":"arn:aws:iam::*:role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM*"},
    {"Effect":"Allow","Action":["ssmmessages:CreateControlChannel","ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel","ssmmessages:OpenDataChannel"],"Resource":"*"}]}
    policy AmazonSSMReadOnlyAccess / 1 2015-05-29T17:44:19Z 2015-05-29T17:44:19Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ssm:Describe*","ssm:Get*","ssm:List*"],
    "Resource":"*"}]}
    policy AWSKeyManagementServicePowerUser / 2 2015-02-06T18:40:40Z 2017-03-07T00:55:11Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:CreateAlias","kms:CreateKey",
    "kms:DeleteAlias","kms:Describe*","kms:GenerateRandom","kms:Get*","kms:List*","kms:TagResource",
    "kms:UntagResource","iam:ListGroups","iam:ListRoles","iam:ListUsers"],"Resource":"*"}]}
    """#
}
