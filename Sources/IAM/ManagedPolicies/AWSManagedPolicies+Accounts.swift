extension AWSManagedPolicies {
  /// AWS's managed policies for whole accounts and identities, as AWS publishes them.
  ///
  /// ReadOnlyAccess holds the actions of the services that Dewpoint has; AWS's document names about 400 services.
  static let accounts = #"""
    policy AdministratorAccess / 1 2015-02-06T18:39:46Z 2015-02-06T18:39:46Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}
    policy PowerUserAccess / 12 2015-02-06T18:39:47Z 2026-02-12T17:59:14Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],
    "Resource":"*"},{"Effect":"Allow","Action":["account:GetAccountInformation",
    "account:GetGovCloudAccountInformation","account:GetPrimaryEmail","account:ListRegions",
    "iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole","iam:ListRoles",
    "organizations:DescribeEffectivePolicy","organizations:DescribeOrganization"],"Resource":"*"}]}
    policy ReadOnlyAccess / 182 2015-02-06T18:39:48Z 2026-04-03T15:27:12Z
    {"Version":"2012-10-17","Statement":[{"Sid":"ReadOnlyActionsGroup1","Effect":"Allow","Action":["apigateway:GET",
    "apigateway:GetPortal","apigateway:GetPortalProduct","apigateway:GetProductPage",
    "apigateway:GetProductRestEndpointPage","apigateway:GetRoutingRule","apigateway:ListPortalProducts",
    "apigateway:ListPortals","apigateway:ListProductPages","apigateway:ListProductRestEndpointPages",
    "apigateway:ListRoutingRules","cloudformation:BatchDescribeTypeConfigurations","cloudformation:Describe*",
    "cloudformation:Detect*","cloudformation:Estimate*","cloudformation:Get*","cloudformation:List*",
    "cloudformation:ValidateTemplate","cloudwatch:Describe*","cloudwatch:GenerateQuery",
    "cloudwatch:GenerateQueryResultsSummary","cloudwatch:Get*","cloudwatch:List*","dax:BatchGetItem",
    "dax:Describe*","dax:GetItem","dax:ListTags","dax:Query","dax:Scan","dynamodb:BatchGet*","dynamodb:Describe*",
    "dynamodb:Get*","dynamodb:List*","dynamodb:PartiQLSelect","dynamodb:Query","dynamodb:Scan","events:Describe*",
    "events:List*","events:Test*","firehose:Describe*","firehose:List*","iam:Generate*","iam:Get*","iam:List*",
    "iam:Simulate*"],"Resource":"*"},{"Sid":"ReadOnlyActionsGroup2","Effect":"Allow","Action":["kinesis:Describe*",
    "kinesis:Get*","kinesis:List*","kms:Describe*","kms:Get*","kms:List*","lambda:Get*","lambda:List*",
    "logs:Describe*","logs:FilterLogEvents","logs:Get*","logs:ListAggregateLogGroupSummaries","logs:ListAnomalies",
    "logs:ListEntitiesForLogGroup","logs:ListIntegrations","logs:ListLogAnomalyDetectors","logs:ListLogDeliveries",
    "logs:ListLogGroupsForEntity","logs:ListLogGroupsForQuery","logs:ListScheduledQueries",
    "logs:ListSourcesForS3TableIntegration","logs:ListTagsForResource","logs:ListTagsLogGroup","logs:StartLiveTail",
    "logs:StartQuery","logs:StopLiveTail","logs:StopQuery","logs:TestMetricFilter","pipes:DescribePipe",
    "pipes:ListPipes","pipes:ListTagsForResource","resource-groups:Get*","resource-groups:List*",
    "resource-groups:Search*","s3:DescribeJob","s3:Get*","s3:List*","scheduler:GetSchedule",
    "scheduler:GetScheduleGroup","scheduler:ListScheduleGroups","scheduler:ListSchedules",
    "scheduler:ListTagsForResource","schemas:Describe*","schemas:Get*","schemas:List*","schemas:Search*",
    "secretsmanager:Describe*","secretsmanager:GetResourcePolicy","secretsmanager:List*","serverlessrepo:Get*",
    "serverlessrepo:List*","serverlessrepo:SearchApplications","sns:Check*","sns:Get*","sns:List*","sqs:Get*",
    "sqs:List*","sqs:Receive*","ssm:Describe*","ssm:Get*","ssm:List*","states:Describe*",
    "states:GetExecutionHistory","states:List*","states:ValidateStateMachineDefinition","sts:GetAccessKeyInfo",
    "sts:GetCallerIdentity","sts:GetSessionToken","tag:DescribeReportCreation","tag:Get*","xray:BatchGet*",
    "xray:CancelTraceRetrieval","xray:Get*","xray:ListResourcePolicies","xray:ListRetrievedTraces",
    "xray:ListTagsForResource","xray:StartTraceRetrieval"],"Resource":"*"}]}
    policy IAMFullAccess / 2 2015-02-06T18:40:38Z 2019-06-21T19:40:00Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:*","organizations:DescribeAccount",
    "organizations:DescribeOrganization","organizations:DescribeOrganizationalUnit","organizations:DescribePolicy",
    "organizations:ListChildren","organizations:ListParents","organizations:ListPoliciesForTarget",
    "organizations:ListRoots","organizations:ListPolicies","organizations:ListTargetsForPolicy"],"Resource":"*"}]}
    policy IAMReadOnlyAccess / 4 2015-02-06T18:40:39Z 2018-01-25T19:11:27Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:GenerateCredentialReport",
    "iam:GenerateServiceLastAccessedDetails","iam:Get*","iam:List*","iam:SimulateCustomPolicy",
    "iam:SimulatePrincipalPolicy"],"Resource":"*"}]}
    policy IAMUserChangePassword / 5 2016-11-15T00:25:16Z 2026-02-12T17:58:57Z
    {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:ChangePassword"],
    "Resource":["arn:aws:iam::*:user/${aws:username}","arn:aws:iam::*:user/*/${aws:username}"]},{"Effect":"Allow",
    "Action":["iam:GetAccountPasswordPolicy"],"Resource":"*"}]}
    """#
}
