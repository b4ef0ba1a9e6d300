extension AWSManagedPolicies {
  /// AWS's further managed policies for the services that Dewpoint has, and those that their consoles attach.
  static let more = #"""
    policy AWSAppSyncAdministrator / 2 2018-03-20T21:20:28Z 2019-11-04T19:23:49Z
    {"Version":"2012-10-17","Statement":[{"Action":["appsync:*"],"Effect":"Allow","Resource":"*"},
    {"Action":["iam:PassRole"],"Condition":{"StringEquals":{"iam:PassedToService":["appsync.amazonaws.com"]}},
    "Effect":"Allow","Resource":"*"},{"Action":"iam:CreateServiceLinkedRole",
    "Condition":{"StringEquals":{"iam:AWSServiceName":"appsync.amazonaws.com"}},"Effect":"Allow","Resource":"*"},
    {"Action":["iam:DeleteServiceLinkedRole","iam:GetServiceLinkedRoleDeletionStatus"],"Effect":"Allow",
    "Resource":"arn:aws:iam::*:role/aws-service-role/appsync.amazonaws.com/AWSServiceRoleForAppSync*"}]}
    policy AWSAppSyncInvokeFullAccess / 1 2018-03-20T21:21:20Z 2018-03-20T21:21:20Z
    {"Version":"2012-10-17","Statement":[{"Action":["appsync:GraphQL","appsync:GetGraphqlApi",
    "appsync:ListGraphqlApis","appsync:ListApiKeys"],"Effect":"Allow","Resource":"*"}]}
    policy AWSAppSyncSchemaAuthor / 3 2018-03-20T21:21:06Z 2023-02-01T18:36:20Z
    {"Version":"2012-10-17","Statement":[{"Action":["appsync:GraphQL","appsync:CreateResolver","appsync:CreateType",
    "appsync:DeleteResolver","appsync:DeleteType","appsync:GetResolver","appsync:GetType","appsync:GetDataSource",
    "appsync:GetSchemaCreationStatus","appsync:GetIntrospectionSchema","appsync:GetGraphqlApi","appsync:ListTypes",
    "appsync:ListApiKeys","appsync:ListResolvers","appsync:ListDataSources","appsync:ListGraphqlApis",
    "appsync:StartSchemaCreation","appsync:UpdateResolver","appsync:UpdateType","appsync:TagResource",
    "appsync:UntagResource","appsync:ListTagsForResource","appsync:CreateFunction","appsync:UpdateFunction",
    "appsync:GetFunction","appsync:DeleteFunction","appsync:ListFunctions","appsync:ListResolversByFunction",
    "appsync:EvaluateMappingTemplate","appsync:EvaluateCode"],"Effect":"Allow","Resource":"*"}]}
    policy AWSSecretsManagerClientReadOnlyAccess / 3 2025-11-05T20:04:08Z 2026-02-12T18:00:42Z
    {"Version":"2012-10-17","Statement":[{"Action":["secretsmanager:GetSecretValue",
    "secretsmanager:DescribeSecret"],"Effect":"Allow","Resource":"arn:aws:secretsmanager:*:*:secret:*",
    "Sid":"SecretsManagerGetAndDescribeSecret"},{"Action":["kms:Decrypt"],
    "Condition":{"StringLike":{"kms:EncryptionContext:SecretARN":"arn:aws:secretsmanager:*:*:secret:*",
    "kms:ViaService":"secretsmanager.*.amazonaws.com"}},"Effect":"Allow","Resource":"arn:aws:kms:*:*:key/*",
    "Sid":"KMSDecryptKey"}]}
    policy AWSStepFunctionsConsoleFullAccess / 2 2017-01-11T21:54:31Z 2017-01-12T00:19:34Z
    {"Version":"2012-10-17","Statement":[{"Action":"states:*","Effect":"Allow","Resource":"*"},
    {"Action":"iam:ListRoles","Effect":"Allow","Resource":"*"},{"Action":"iam:PassRole","Effect":"Allow",
    "Resource":"arn:aws:iam::*:role/service-role/StatesExecutionRole*"},{"Action":"lambda:ListFunctions",
    "Effect":"Allow","Resource":"*"}]}
    policy AWSXrayCrossAccountSharingConfiguration / 1 2022-11-27T13:46:35Z 2022-11-27T13:46:35Z
    {"Version":"2012-10-17","Statement":[{"Action":["xray:Link","oam:ListLinks"],"Effect":"Allow","Resource":"*"},
    {"Action":["oam:DeleteLink","oam:GetLink","oam:TagResource"],"Effect":"Allow",
    "Resource":"arn:aws:oam:*:*:link/*"},{"Action":["oam:CreateLink","oam:UpdateLink"],"Effect":"Allow",
    "Resource":["arn:aws:oam:*:*:link/*","arn:aws:oam:*:*:sink/*"]}]}
    policy AmazonCognitoPowerUser / 9 2015-03-24T17:14:56Z 2026-02-12T18:00:09Z
    {"Version":"2012-10-17","Statement":[{"Action":["cognito-identity:*","cognito-idp:*","cognito-sync:*",
    "iam:ListRoles","iam:ListOpenIdConnectProviders","iam:GetRole","iam:ListSAMLProviders","iam:GetSAMLProvider",
    "kinesis:ListStreams","lambda:GetPolicy","lambda:ListFunctions","sns:GetSMSSandboxAccountStatus",
    "sns:ListPlatformApplications","ses:ListIdentities","ses:GetIdentityVerificationAttributes",
    "mobiletargeting:GetApps","acm:ListCertificates","sms-voice:DescribeAccountAttributes"],"Effect":"Allow",
    "Resource":"*"},{"Action":"iam:CreateServiceLinkedRole",
    "Condition":{"StringEquals":{"iam:AWSServiceName":["cognito-idp.amazonaws.com",
    "email.cognito-idp.amazonaws.com"]}},"Effect":"Allow","Resource":"*"},{"Action":["iam:DeleteServiceLinkedRole",
    "iam:GetServiceLinkedRoleDeletionStatus"],"Effect":"Allow",
    "Resource":["arn:aws:iam::*:role/aws-service-role/cognito-idp.amazonaws.com/AWSServiceRoleForAmazonCognitoIdp*",
    "arn:aws:iam::*:role/aws-service-role/email.cognito-idp.amazonaws.com/AWSServiceRoleForAmazonCognitoIdpEmail*"]}]}
    policy AmazonCognitoReadOnly / 4 2015-03-24T17:06:46Z 2019-08-01T19:21:04Z
    {"Version":"2012-10-17","Statement":[{"Action":["cognito-identity:Describe*","cognito-identity:Get*",
    "cognito-identity:List*","cognito-idp:Describe*","cognito-idp:AdminGet*","cognito-idp:AdminList*",
    "cognito-idp:List*","cognito-idp:Get*","cognito-sync:Describe*","cognito-sync:Get*","cognito-sync:List*",
    "iam:ListOpenIdConnectProviders","iam:ListRoles","sns:ListPlatformApplications"],"Effect":"Allow",
    "Resource":"*"}]}
    policy AmazonDynamoDBFullAccesswithDataPipeline / 2 2015-02-06T18:40:14Z 2015-11-12T02:17:42Z
    {"Version":"2012-10-17","Statement":[{"Action":["cloudwatch:DeleteAlarms","cloudwatch:DescribeAlarmHistory",
    "cloudwatch:DescribeAlarms","cloudwatch:DescribeAlarmsForMetric","cloudwatch:GetMetricStatistics",
    "cloudwatch:ListMetrics","cloudwatch:PutMetricAlarm","dynamodb:*","sns:CreateTopic","sns:DeleteTopic",
    "sns:ListSubscriptions","sns:ListSubscriptionsByTopic","sns:ListTopics","sns:Subscribe","sns:Unsubscribe",
    "sns:SetTopicAttributes"],"Effect":"Allow","Resource":"*","Sid":"DDBConsole"},{"Action":["lambda:*",
    "iam:ListRoles"],"Effect":"Allow","Resource":"*","Sid":"DDBConsoleTriggers"},{"Action":["datapipeline:*",
    "iam:ListRoles"],"Effect":"Allow","Resource":"*","Sid":"DDBConsoleImportExport"},{"Action":["iam:GetRolePolicy",
    "iam:PassRole"],"Effect":"Allow","Resource":["*"],"Sid":"IAMEDPRoles"},{"Action":["ec2:CreateTags",
    "ec2:DescribeInstances","ec2:RunInstances","ec2:StartInstances","ec2:StopInstances","ec2:TerminateInstances",
    "elasticmapreduce:*","datapipeline:*"],"Effect":"Allow","Resource":"*","Sid":"EMR"},
    {"Action":["s3:DeleteObject","s3:Get*","s3:List*","s3:Put*"],"Effect":"Allow","Resource":["*"],"Sid":"S3"}]}
    policy AmazonEC2ReadOnlyAccess / 5 2015-02-06T18:40:17Z 2026-02-12T18:03:17Z
    {"Version":"2012-10-17","Statement":[{"Action":["ec2:Describe*","ec2:GetSecurityGroupsForVpc"],"Effect":"Allow",
    "Resource":"*"},{"Action":"elasticloadbalancing:Describe*","Effect":"Allow","Resource":"*"},
    {"Action":["cloudwatch:ListMetrics","cloudwatch:GetMetricStatistics","cloudwatch:Describe*"],"Effect":"Allow",
    "Resource":"*"},{"Action":"autoscaling:Describe*","Effect":"Allow","Resource":"*"}]}
    policy AmazonEventBridgePipesOperatorAccess / 1 2022-12-01T17:04:32Z 2022-12-01T17:04:32Z
    {"Version":"2012-10-17","Statement":[{"Action":["pipes:DescribePipe","pipes:ListPipes",
    "pipes:ListTagsForResource","pipes:StartPipe","pipes:StopPipe"],"Effect":"Allow","Resource":"*"}]}
    policy AmazonEventBridgeSchemasFullAccess / 1 2019-11-28T23:12:53Z 2019-11-28T23:12:53Z
    {"Version":"2012-10-17","Statement":[{"Action":["schemas:*"],"Effect":"Allow","Resource":"*",
    "Sid":"AmazonEventBridgeSchemasFullAccess"},{"Action":["events:PutRule","events:PutTargets","events:EnableRule",
    "events:DisableRule","events:DeleteRule","events:RemoveTargets","events:ListTargetsByRule"],"Effect":"Allow",
    "Resource":"arn:aws:events:*:*:rule/*Schemas*","Sid":"AmazonEventBridgeManageRule"},
    {"Action":"iam:CreateServiceLinkedRole","Effect":"Allow",
    "Resource":"arn:aws:iam::*:role/aws-service-role/schemas.amazonaws.com/AWSServiceRoleForSchemas",
    "Sid":"IAMCreateServiceLinkedRoleForAmazonEventBridgeSchemas"}]}
    policy AmazonEventBridgeSchemasReadOnlyAccess / 2 2019-11-28T23:05:57Z 2020-05-01T00:50:53Z
    {"Version":"2012-10-17","Statement":[{"Action":["schemas:ListDiscoverers","schemas:DescribeDiscoverer",
    "schemas:ListRegistries","schemas:DescribeRegistry","schemas:SearchSchemas","schemas:ListSchemas",
    "schemas:ListSchemaVersions","schemas:DescribeSchema","schemas:GetDiscoveredSchema",
    "schemas:DescribeCodeBinding","schemas:GetCodeBindingSource","schemas:ListTagsForResource",
    "schemas:GetResourcePolicy"],"Effect":"Allow","Resource":"*","Sid":"AmazonEventBridgeSchemasReadOnlyAccess"}]}
    policy AmazonMSKReadOnlyAccess / 1 2019-01-14T22:28:45Z 2019-01-14T22:28:45Z
    {"Version":"2012-10-17","Statement":[{"Action":["kafka:Describe*","kafka:List*","kafka:Get*",
    "ec2:DescribeNetworkInterfaces","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs",
    "kms:DescribeKey"],"Effect":"Allow","Resource":"*"}]}
    policy AmazonRDSDataFullAccess / 3 2018-11-20T21:29:36Z 2019-11-20T21:58:46Z
    {"Version":"2012-10-17","Statement":[{"Action":["secretsmanager:GetSecretValue",
    "secretsmanager:PutResourcePolicy","secretsmanager:PutSecretValue","secretsmanager:DeleteSecret",
    "secretsmanager:DescribeSecret","secretsmanager:TagResource"],"Effect":"Allow",
    "Resource":"arn:aws:secretsmanager:*:*:secret:rds-db-credentials/*","Sid":"SecretsManagerDbCredentialsAccess"},
    {"Action":["dbqms:CreateFavoriteQuery","dbqms:DescribeFavoriteQueries","dbqms:UpdateFavoriteQuery",
    "dbqms:DeleteFavoriteQueries","dbqms:GetQueryString","dbqms:CreateQueryHistory","dbqms:DescribeQueryHistory",
    "dbqms:UpdateQueryHistory","dbqms:DeleteQueryHistory","rds-data:ExecuteSql","rds-data:ExecuteStatement",
    "rds-data:BatchExecuteStatement","rds-data:BeginTransaction","rds-data:CommitTransaction",
    "rds-data:RollbackTransaction","secretsmanager:CreateSecret","secretsmanager:ListSecrets",
    "secretsmanager:GetRandomPassword","tag:GetResources"],"Effect":"Allow","Resource":"*",
    "Sid":"RDSDataServiceAccess"}]}
    policy AmazonS3ExpressFullAccess / 1 2026-04-03T20:42:13Z 2026-04-03T20:42:13Z
    {"Version":"2012-10-17","Statement":[{"Action":"s3express:*","Effect":"Allow","Resource":"*",
    "Sid":"S3ExpressFullAccess"}]}
    policy AmazonS3ExpressReadOnlyAccess / 1 2026-04-03T20:42:10Z 2026-04-03T20:42:10Z
    {"Version":"2012-10-17","Statement":[{"Action":"s3express:CreateSession",
    "Condition":{"StringEquals":{"s3express:SessionMode":"ReadOnly"}},"Effect":"Allow","Resource":"*",
    "Sid":"S3ExpressReadOnlySessionObjectAccess"},{"Action":["s3express:GetBucketPolicy",
    "s3express:GetEncryptionConfiguration","s3express:GetLifecycleConfiguration","s3express:GetAccessPoint",
    "s3express:GetAccessPointPolicy","s3express:GetAccessPointScope","s3express:ListAllMyDirectoryBuckets",
    "s3express:ListAccessPointsForDirectoryBuckets","s3express:ListTagsForResource"],"Effect":"Allow",
    "Resource":"*","Sid":"S3ExpressReadOnlyControlPlaneAccess"}]}
    policy AmazonS3OutpostsFullAccess / 1 2020-10-02T17:26:30Z 2020-10-02T17:26:30Z
    {"Version":"2012-10-17","Statement":[{"Action":"s3-outposts:*","Effect":"Allow","Resource":"*"},
    {"Action":["datasync:ListTasks","datasync:ListLocations","datasync:DescribeTask","datasync:DescribeLocation*"],
    "Effect":"Allow","Resource":"*"},{"Action":["ec2:DescribeVpcs","ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups","ec2:DescribeNetworkInterfaces"],"Effect":"Allow","Resource":"*"},
    {"Action":["outposts:ListOutposts","outposts:GetOutpost"],"Effect":"Allow","Resource":"*"}]}
    policy AmazonS3OutpostsReadOnlyAccess / 1 2020-10-02T18:55:58Z 2020-10-02T18:55:58Z
    {"Version":"2012-10-17","Statement":[{"Action":["s3-outposts:Get*","s3-outposts:List*"],"Effect":"Allow",
    "Resource":"*"},{"Action":["datasync:ListTasks","datasync:ListLocations","datasync:DescribeTask",
    "datasync:DescribeLocation*"],"Effect":"Allow","Resource":"*"},{"Action":["ec2:DescribeVpcs",
    "ec2:DescribeSubnets","ec2:DescribeSecurityGroups","ec2:DescribeNetworkInterfaces"],"Effect":"Allow",
    "Resource":"*"},{"Action":["outposts:ListOutposts","outposts:GetOutpost"],"Effect":"Allow","Resource":"*"}]}
    policy AmazonS3TablesFullAccess / 6 2024-12-03T15:21:07Z 2026-02-12T18:00:31Z
    {"Version":"2012-10-17","Statement":[{"Action":["s3tables:*"],"Effect":"Allow","Resource":"*"},
    {"Action":["iam:PassRole"],
    "Condition":{"StringEquals":{"iam:PassedToService":["replication.s3tables.amazonaws.com"]}},"Effect":"Allow",
    "Resource":"*","Sid":"PassRoleToS3TablesReplication"}]}
    policy AmazonS3TablesReadOnlyAccess / 3 2024-12-03T15:21:06Z 2026-02-12T18:02:34Z
    {"Version":"2012-10-17","Statement":[{"Action":["s3tables:Get*","s3tables:List*"],"Effect":"Allow",
    "Resource":"*"}]}
    policy AmazonSESFullAccess / 1 2015-02-06T18:41:02Z 2015-02-06T18:41:02Z
    {"Version":"2012-10-17","Statement":[{"Action":["ses:*"],"Effect":"Allow","Resource":"*"}]}
    policy AmazonSESReadOnlyAccess / 2 2015-02-06T18:41:03Z 2024-05-14T12:03:02Z
    {"Version":"2012-10-17","Statement":[{"Action":["ses:Get*","ses:List*","ses:BatchGetMetricData"],
    "Effect":"Allow","Resource":"*","Sid":"SESReadOnlyAccess"}]}
    policy AmazonSSMManagedInstanceCore / 2 2019-03-15T17:22:12Z 2019-05-23T16:54:21Z
    {"Version":"2012-10-17","Statement":[{"Action":["ssm:DescribeAssociation",
    "ssm:GetDeployablePatchSnapshotForInstance","ssm:GetDocument","ssm:DescribeDocument","ssm:GetManifest",
    "ssm:GetParameter","ssm:GetParameters","ssm:ListAssociations","ssm:ListInstanceAssociations","ssm:PutInventory",
    "ssm:PutComplianceItems","ssm:PutConfigurePackageResult","ssm:UpdateAssociationStatus",
    "ssm:UpdateInstanceAssociationStatus","ssm:UpdateInstanceInformation"],"Effect":"Allow","Resource":"*"},
    {"Action":["ssmmessages:CreateControlChannel","ssmmessages:CreateDataChannel","ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel"],"Effect":"Allow","Resource":"*"},{"Action":["ec2messages:AcknowledgeMessage",
    "ec2messages:DeleteMessage","ec2messages:FailMessage","ec2messages:GetEndpoint","ec2messages:GetMessages",
    "ec2messages:SendReply"],"Effect":"Allow","Resource":"*"}]}
    policy IAMAccessAdvisorReadOnly / 1 2019-06-21T19:33:45Z 2019-06-21T19:33:45Z
    {"Version":"2012-10-17","Statement":[{"Action":["iam:ListRoles","iam:ListUsers","iam:ListGroups",
    "iam:ListPolicies","iam:ListPoliciesGrantingServiceAccess","iam:GenerateServiceLastAccessedDetails",
    "iam:GenerateOrganizationsAccessReport","iam:GenerateCredentialReport","iam:GetRole","iam:GetPolicy",
    "iam:GetServiceLastAccessedDetails","iam:GetServiceLastAccessedDetailsWithEntities",
    "iam:GetOrganizationsAccessReport","organizations:DescribeAccount","organizations:DescribeOrganization",
    "organizations:DescribeOrganizationalUnit","organizations:DescribePolicy","organizations:ListChildren",
    "organizations:ListParents","organizations:ListPoliciesForTarget","organizations:ListRoots",
    "organizations:ListPolicies","organizations:ListTargetsForPolicy"],"Effect":"Allow","Resource":"*"}]}
    policy IAMSelfManageServiceSpecificCredentials / 1 2016-12-22T17:25:18Z 2016-12-22T17:25:18Z
    {"Version":"2012-10-17","Statement":[{"Action":["iam:CreateServiceSpecificCredential",
    "iam:ListServiceSpecificCredentials","iam:UpdateServiceSpecificCredential",
    "iam:DeleteServiceSpecificCredential","iam:ResetServiceSpecificCredential"],"Effect":"Allow",
    "Resource":"arn:aws:iam::*:user/${aws:username}"}]}
    policy IAMUserSSHKeys / 1 2015-07-09T17:08:54Z 2015-07-09T17:08:54Z
    {"Version":"2012-10-17","Statement":[{"Action":["iam:DeleteSSHPublicKey","iam:GetSSHPublicKey",
    "iam:ListSSHPublicKeys","iam:UpdateSSHPublicKey","iam:UploadSSHPublicKey"],"Effect":"Allow",
    "Resource":"arn:aws:iam::*:user/${aws:username}"}]}
    policy ResourceGroupsandTagEditorFullAccess / 6 2015-02-06T18:39:53Z 2023-08-10T13:29:19Z
    {"Version":"2012-10-17","Statement":[{"Action":["tag:getResources","tag:getTagKeys","tag:getTagValues",
    "tag:TagResources","tag:UntagResources","resource-groups:*","cloudformation:DescribeStacks",
    "cloudformation:ListStackResources","cloudformation:ListStacks"],"Effect":"Allow","Resource":"*"}]}
    policy ResourceGroupsandTagEditorReadOnlyAccess / 3 2015-02-06T18:39:54Z 2023-08-10T13:42:58Z
    {"Version":"2012-10-17","Statement":[{"Action":["tag:getResources","tag:getTagKeys","tag:getTagValues",
    "resource-groups:Get*","resource-groups:List*","resource-groups:Search*","cloudformation:DescribeStacks",
    "cloudformation:ListStackResources","cloudformation:ListStacks"],"Effect":"Allow","Resource":"*"}]}
    """#
}
