extension AWSManagedPolicies {
  /// AWS's managed policies for functions, workflows and their logs, as AWS publishes them.
  static let functions = #"""
    policy AWSLambdaBasicExecutionRole /service-role/ 1 2015-04-09T15:03:43Z 2015-04-09T15:03:43Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream",
    "logs:PutLogEvents"],"Resource":"*"}]}
    policy AWSLambdaSQSQueueExecutionRole /service-role/ 1 2018-06-14T21:50:45Z 2018-06-14T21:50:45Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:ReceiveMessage","sqs:DeleteMessage",
    "sqs:GetQueueAttributes","logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}
    policy AWSLambdaDynamoDBExecutionRole /service-role/ 1 2015-04-09T15:09:29Z 2015-04-09T15:09:29Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:DescribeStream",
    "dynamodb:GetRecords","dynamodb:GetShardIterator","dynamodb:ListStreams","logs:CreateLogGroup",
    "logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}
    policy AWSLambdaKinesisExecutionRole /service-role/ 2 2015-04-09T15:14:16Z 2018-11-19T20:09:24Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary","kinesis:GetRecords","kinesis:GetShardIterator","kinesis:ListShards",
    "kinesis:ListStreams","kinesis:SubscribeToShard","logs:CreateLogGroup","logs:CreateLogStream",
    "logs:PutLogEvents"],"Resource":"*"}]}
    policy AWSLambdaVPCAccessExecutionRole /service-role/ 3 2016-02-11T23:15:26Z 2024-01-05T22:38:26Z
    {"Version":"2012-10-17","Statement":[{"Sid":"AWSLambdaVPCAccessExecutionPermissions","Effect":"Allow",
    "Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents","ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces","ec2:DescribeSubnets","ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses","ec2:UnassignPrivateIpAddresses"],"Resource":"*"}]}
    policy AWSLambdaMSKExecutionRole /service-role/ 2 2020-08-11T17:35:05Z 2022-08-02T20:08:02Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kafka:DescribeCluster",
    "kafka:DescribeClusterV2","kafka:GetBootstrapBrokers","ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces","ec2:DescribeVpcs","ec2:DeleteNetworkInterface","ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups","logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}
    policy AWSLambdaRole /service-role/ 1 2015-02-06T18:41:28Z 2015-02-06T18:41:28Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["lambda:InvokeFunction"],"Resource":["*"]}]}
    policy AWSLambdaExecute / 1 2015-02-06T18:40:46Z 2015-02-06T18:40:46Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:*"],"Resource":"arn:aws:logs:*:*:*"},
    {"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::*"}]}
    policy AWSLambdaInvocation-DynamoDB / 1 2015-02-06T18:40:47Z 2015-02-06T18:40:47Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["lambda:InvokeFunction"],"Resource":"*"},
    {"Effect":"Allow","Action":["dynamodb:DescribeStream","dynamodb:GetRecords","dynamodb:GetShardIterator",
    "dynamodb:ListStreams"],"Resource":"*"}]}
    policy AWSLambda_FullAccess / 7 2020-11-17T21:14:08Z 2026-02-12T18:00:51Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudformation:DescribeStacks",
    "cloudformation:ListStackResources","cloudwatch:ListMetrics","cloudwatch:GetMetricData",
    "ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs","kms:DescribeKey","kms:ListAliases",
    "iam:GetPolicy","iam:GetPolicyVersion","iam:GetRole","iam:GetRolePolicy","iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies","iam:ListRoles","lambda:*","logs:DescribeLogGroups","states:DescribeStateMachine",
    "states:ListStateMachines","tag:GetResources","xray:GetTraceSummaries","xray:BatchGetTraces"],"Resource":"*"},
    {"Effect":"Allow","Action":"iam:PassRole","Resource":"*",
    "Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}},{"Effect":"Allow",
    "Action":["logs:DescribeLogStreams","logs:GetLogEvents","logs:FilterLogEvents","logs:StartLiveTail",
    "logs:StopLiveTail"],"Resource":"arn:aws:logs:*:*:log-group:/aws/lambda/*"},{"Effect":"Allow",
    "Action":"iam:CreateServiceLinkedRole",
    "Resource":"arn:aws:iam::*:role/aws-service-role/lambda.amazonaws.com/AWSServiceRoleForLambda",
    "Condition":{"StringEquals":{"iam:AWSServiceName":"lambda.amazonaws.com"}}}]}
    policy AWSLambda_ReadOnlyAccess / 5 2020-11-17T21:10:32Z 2026-02-12T18:02:55Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudformation:DescribeStacks",
    "cloudformation:ListStacks","cloudformation:ListStackResources","cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs",
    "kms:ListAliases","iam:GetPolicy","iam:GetPolicyVersion","iam:GetRole","iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies","iam:ListRolePolicies","iam:ListRoles","logs:DescribeLogGroups","lambda:Get*",
    "lambda:List*","states:DescribeStateMachine","states:ListStateMachines","tag:GetResources",
    "xray:GetTraceSummaries","xray:BatchGetTraces"],"Resource":"*"},{"Effect":"Allow",
    "Action":["logs:DescribeLogStreams","logs:GetLogEvents","logs:FilterLogEvents","logs:StartQuery",
    "logs:StopQuery","logs:DescribeQueries","logs:GetLogGroupFields","logs:GetLogRecord","logs:GetQueryResults",
    "logs:StartLiveTail","logs:StopLiveTail"],"Resource":"arn:aws:logs:*:*:log-group:/aws/lambda/*"}]}
    policy AWSXRayDaemonWriteAccess / 2 2018-08-28T23:00:33Z 2024-02-13T21:58:30Z
    {"Version":"2012-10-17","Statement":[{"Sid":"AWSXRayDaemonWriteAccess","Effect":"Allow",
    "Action":["xray:PutTraceSegments","xray:PutTelemetryRecords","xray:GetSamplingRules","xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries"],"Resource":["*"]}]}
    policy AWSXrayWriteOnlyAccess / 2 2016-12-01T18:19:53Z 2018-08-28T23:03:04Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["xray:PutTraceSegments",
    "xray:PutTelemetryRecords","xray:GetSamplingRules","xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries"],"Resource":["*"]}]}
    policy AWSXrayReadOnlyAccess / 8 2016-12-01T18:27:02Z 2024-02-14T00:35:02Z
    {"Version":"2012-10-17","Statement":[{"Sid":"AWSXrayReadOnlyAccess","Effect":"Allow",
    "Action":["xray:GetSamplingRules","xray:GetSamplingTargets","xray:GetSamplingStatisticSummaries",
    "xray:BatchGetTraces","xray:BatchGetTraceSummaryById","xray:GetDistinctTraceGraphs","xray:GetServiceGraph",
    "xray:GetTraceGraph","xray:GetTraceSummaries","xray:GetGroups","xray:GetGroup","xray:ListTagsForResource",
    "xray:ListResourcePolicies","xray:GetTimeSeriesServiceStatistics","xray:GetInsightSummaries","xray:GetInsight",
    "xray:GetInsightEvents","xray:GetInsightImpactGraph"],"Resource":["*"]}]}
    policy AWSXrayFullAccess / 2 2016-12-01T18:30:55Z 2024-04-11T17:07:36Z
    {"Version":"2012-10-17","Statement":[{"Sid":"AWSXrayFullAccess","Effect":"Allow","Action":["xray:*"],
    "Resource":["*"]}]}
    policy AWSStepFunctionsFullAccess / 1 2017-01-11T21:51:32Z 2017-01-11T21:51:32Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"states:*","Resource":"*"}]}
    policy AWSStepFunctionsReadOnlyAccess / 4 2017-01-11T21:46:19Z 2024-04-26T18:53:54Z
    {"Version":"2012-10-17","Statement":[{"Sid":"ReadOnlyAccess","Effect":"Allow",
    "Action":["states:ListStateMachines","states:ListActivities","states:DescribeStateMachine",
    "states:DescribeStateMachineForExecution","states:ListExecutions","states:DescribeExecution",
    "states:GetExecutionHistory","states:DescribeActivity","states:ListTagsForResource","states:DescribeMapRun",
    "states:ListMapRuns","states:DescribeStateMachineAlias","states:ListStateMachineAliases",
    "states:ListStateMachineVersions","states:ValidateStateMachineDefinition"],"Resource":"*"}]}
    policy AmazonAPIGatewayPushToCloudWatchLogs /service-role/ 1 2015-11-11T23:41:46Z 2015-11-11T23:41:46Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream",
    "logs:DescribeLogGroups","logs:DescribeLogStreams","logs:PutLogEvents","logs:GetLogEvents",
    "logs:FilterLogEvents"],"Resource":"*"}]}
    policy AmazonAPIGatewayInvokeFullAccess / 2 2015-07-09T17:36:12Z 2018-12-18T18:25:10Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["execute-api:Invoke",
    "execute-api:ManageConnections"],"Resource":"arn:aws:execute-api:*:*:*"}]}
    policy AmazonAPIGatewayAdministrator / 1 2015-07-09T17:34:45Z 2015-07-09T17:34:45Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["apigateway:*"],
    "Resource":"arn:aws:apigateway:*::/*"}]}
    policy CloudWatchLambdaInsightsExecutionRolePolicy / 1 2020-10-07T19:27:06Z 2020-10-07T19:27:06Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:CreateLogGroup","Resource":"*"},
    {"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],
    "Resource":"arn:aws:logs:*:*:log-group:/aws/lambda-insights:*"}]}
    policy CloudWatchLambdaApplicationSignalsExecutionRolePolicy / 1 2024-10-16T19:09:17Z 2024-10-16T19:09:17Z
    {"Version":"2012-10-17","Statement":[{"Sid":"CloudWatchApplicationSignalsXrayWritePermissions","Effect":"Allow",
    "Action":["xray:PutTraceSegments"],"Resource":["*"],
    "Condition":{"StringEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}}},
    {"Sid":"CloudWatchApplicationSignalsLogGroupWritePermissions","Effect":"Allow","Action":["logs:CreateLogGroup",
    "logs:CreateLogStream","logs:PutLogEvents"],
    "Resource":"arn:aws:logs:*:*:log-group:/aws/application-signals/data:*",
    "Condition":{"StringEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}}}]}
    policy AWSCloudFormationFullAccess / 1 2019-07-26T21:50:35Z 2019-07-26T21:50:35Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudformation:*"],"Resource":"*"}]}
    policy AWSCloudFormationReadOnlyAccess / 7 2015-02-06T18:39:49Z 2026-02-12T18:02:00Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudformation:Describe*",
    "cloudformation:BatchDescribe*","cloudformation:EstimateTemplateCost","cloudformation:Get*",
    "cloudformation:List*","cloudformation:ValidateTemplate","cloudformation:Detect*"],"Resource":"*"}]}
    """#
}
