"""An account with something of everything, and for each operation an input that succeeds in it.

`main` is what operations read and change, `doomed` what they delete; what they create is `fresh`.
"""

import functools
import json

from harness import Cloud, wait_until
from lambdas import LOGS, QUEUES, make_role, policy, python, zipped
from surface import implemented
from walk_tables import DEFAULTS, INPUTS, PROFILE, an_import
import walk_scheduling

REGION = "us-east-1"
# Of the entities of IAM; a path is part of their ARN, and not of their name.
PATHS = {"main": "team/"}
HOLDERS = ["User", "Group", "Role"]
# Waits for ever, for the answers to its callbacks.
WAITING = """
import boto3, json
names = ["SendDurableExecutionCallbackSuccess", "SendDurableExecutionCallbackFailure", "SendDurableExecutionCallbackHeartbeat"]
def handler(event, context):
    if len(event["InitialExecutionState"]["Operations"]) == 1:
        boto3.client("lambda").checkpoint_durable_execution(
            DurableExecutionArn=event["DurableExecutionArn"], CheckpointToken=event["CheckpointToken"],
            Updates=[{"Id": name, "Name": name, "Type": "CALLBACK", "Action": "START"} for name in names])
    return {"Status": "PENDING"}
"""
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


class World(Cloud):
    """The account, filled. `keys[name]` are the credentials of its callers."""

    def __init__(self, server, account):
        super().__init__(server, account)
        self.keys, self.handles = {}, {}
        self._make_identities()
        self._make_queues()
        self._make_topics()
        self._make_tables()
        self._make_groups()
        self._make_streams()
        self._stream_tables()
        self._make_delivery_streams()
        self._make_functions()
        if has("events:PutEvents"):
            self._make_events()
        walk_scheduling.make(self)
        self._make_callers()

    def iam_arn(self, resource):
        return f"arn:aws:iam::{self.account}:{resource}"

    def arn(self, service, resource):
        return f"arn:aws:{service}:{REGION}:{self.account}:{resource}"

    def queue(self, name):
        return f"{self.server.endpoint}/{self.account}/{name}"

    def _make_identities(self):
        iam = self.client("iam")
        trust = policy({
            "Effect": "Allow", "Principal": {"AWS": self.account}, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]})
        document = policy({"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"})
        for name in ("main", "attached", "boundary", "doomed"):
            iam.create_policy(PolicyName=name, PolicyDocument=document)
        iam.create_policy_version(PolicyArn=self.iam_arn("policy/main"), PolicyDocument=document)
        iam.tag_policy(PolicyArn=self.iam_arn("policy/main"), Tags=[{"Key": "team", "Value": "a"}])
        for name in ("main", "other", "doomed", "movable"):
            path = {"Path": f"/{PATHS.get(name, '')}"}
            iam.create_user(UserName=name, **path)
            iam.create_group(GroupName=name, **path)
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **path)
            iam.create_instance_profile(InstanceProfileName=name, Tags=[{"Key": "team", "Value": "a"}], **path)
        for holder in HOLDERS:
            named = {f"{holder}Name": "main"}
            getattr(iam, f"put_{holder.lower()}_policy")(**named, PolicyName="own", PolicyDocument=document)
            getattr(iam, f"attach_{holder.lower()}_policy")(**named, PolicyArn=self.iam_arn("policy/attached"))
        for holder in ("User", "Role"):
            named = {f"{holder}Name": "main"}
            getattr(iam, f"put_{holder.lower()}_permissions_boundary")(
                **named, PermissionsBoundary=self.iam_arn("policy/boundary"))
            getattr(iam, f"tag_{holder.lower()}")(**named, Tags=[{"Key": "team", "Value": "a"}])
        iam.add_user_to_group(GroupName="main", UserName="main")
        iam.add_role_to_instance_profile(InstanceProfileName="main", RoleName="main")
        for name in ("main", "other"):
            self.keys[name] = self._make_key(name)
        iam.create_account_alias(AccountAlias="walk")
        if has("iam:CreateOpenIDConnectProvider"):
            for name in ("main", "doomed"):
                iam.create_open_id_connect_provider(
                    Url=f"https://{name}.example.com", ClientIDList=["app", "old"], ThumbprintList=["a" * 40],
                    Tags=[{"Key": "team", "Value": "a"}])
        if has("iam:GenerateServiceLastAccessedDetails"):
            self.handles["job"] = iam.generate_service_last_accessed_details(Arn=self.iam_arn("user/team/main"))["JobId"]
        if has("iam:DeleteServiceLinkedRole"):
            for service in ("elasticache", "doomed"):
                self.handles[service] = iam.create_service_linked_role(AWSServiceName=f"{service}.amazonaws.com")["Role"]
            self.handles["deletion"] = iam.delete_service_linked_role(
                RoleName=self.handles["elasticache"]["RoleName"])["DeletionTaskId"]

    def _make_key(self, user):
        key = self.client("iam").create_access_key(UserName=user)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def _make_callers(self):
        """Users that are refused for one reason each, and one that may do everything."""
        iam = self.client("iam")
        nothing = iam.create_policy(PolicyName="nothing", PolicyDocument=policy(
            {"Effect": "Allow", "Action": "nothing:AtAll", "Resource": "*"}))["Policy"]["Arn"]
        for name in ("administrator", "inactive", "nobody", "denied", "bounded", "least"):
            iam.create_user(UserName=name)
            if name in ("administrator", "inactive", "denied", "bounded"):
                iam.attach_user_policy(UserName=name, PolicyArn=ADMINISTRATOR)
            self.keys[name] = self._make_key(name)
        iam.put_user_policy(UserName="denied", PolicyName="deny", PolicyDocument=policy(
            {"Effect": "Deny", "Action": "*", "Resource": "*"}))
        iam.put_user_permissions_boundary(UserName="bounded", PermissionsBoundary=nothing)
        iam.update_access_key(UserName="inactive", AccessKeyId=self.keys["inactive"][0], Status="Inactive")

    def caller_arn(self, name):
        return self.iam_arn(f"user/{name}")

    def _make_tables(self):
        dynamodb = self.client("dynamodb")
        for name in ("main", "doomed", "streamed", "stopped"):
            dynamodb.create_table(
                TableName=name, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], Tags=[{"Key": "team", "Value": "a"}],
                StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
        dynamodb.put_item(TableName="main", Item={"id": {"S": "a"}, "n": {"N": "1"}})
        dynamodb.update_continuous_backups(
            TableName="main", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
        for name in ("main", "doomed"):
            self.handles[f"backup {name}"] = dynamodb.create_backup(TableName="main", BackupName=name)["BackupDetails"]["BackupArn"]
        self.settle("dynamodb")
        dynamodb.put_resource_policy(ResourceArn=self.arn("dynamodb", "table/main"), Policy=policy(
            {"Effect": "Allow", "Principal": {"Service": "walk.amazonaws.com"}, "Action": "dynamodb:GetItem", "Resource": "*"}))
        # There is no such bucket; exports and imports fail and can be described.
        self.handles["export"] = dynamodb.export_table_to_point_in_time(
            TableArn=self.arn("dynamodb", "table/main"), S3Bucket="walk-nowhere")["ExportDescription"]["ExportArn"]
        self.handles["import"] = dynamodb.import_table(**an_import("unimported"))["ImportTableDescription"]["ImportArn"]
        self.handles["stream"] = dynamodb.describe_table(TableName="main")["Table"]["LatestStreamArn"]
        streams = self.client("dynamodbstreams")
        self.handles["shard"] = streams.describe_stream(StreamArn=self.handles["stream"])["StreamDescription"]["Shards"][0]["ShardId"]

    def changes(self):
        """Where the changes of a table are read; good for a quarter of an hour."""
        return self.client("dynamodbstreams").get_shard_iterator(
            StreamArn=self.handles["stream"], ShardId=self.handles["shard"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]

    def _make_queues(self):
        sqs = self.client("sqs")
        for name in ("main", "doomed", "dead", "moving", "feed", "feed2"):
            sqs.create_queue(QueueName=name)
        sqs.create_queue(QueueName="held", Attributes={"VisibilityTimeout": "43200"})
        for name, dead in (("source", "dead"), ("source2", "moving")):
            sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": json.dumps(
                {"deadLetterTargetArn": self.arn("sqs", dead), "maxReceiveCount": 3})})
        sqs.tag_queue(QueueUrl=self.queue("main"), Tags={"team": "a"})
        sqs.create_queue(QueueName="labelled")
        sqs.add_permission(
            QueueUrl=self.queue("labelled"), Label="old", AWSAccountIds=[self.account], Actions=["SendMessage"])
        # More than can be moved at one a second while the tests run.
        for _ in range(30):
            sqs.send_message_batch(QueueUrl=self.queue("moving"), Entries=[
                {"Id": str(i), "MessageBody": "x"} for i in range(10)])
        self.handles["task"] = sqs.start_message_move_task(
            SourceArn=self.arn("sqs", "moving"), DestinationArn=self.arn("sqs", "source2"), MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
        uses = {"DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch"}
        for use in uses:
            sqs.send_message(QueueUrl=self.queue("held"), MessageBody=use)
        while not uses <= self.handles.keys():
            for message in sqs.receive_message(QueueUrl=self.queue("held"), MaxNumberOfMessages=10)["Messages"]:
                self.handles[message["Body"]] = message["ReceiptHandle"]

    def _make_topics(self):
        sns = self.client("sns")
        for name in ("main", "doomed", "labelled"):
            sns.create_topic(Name=name, Tags=[{"Key": "team", "Value": "a"}])
        sns.add_permission(
            TopicArn=self.arn("sns", "labelled"), Label="old", AWSAccountId=[self.account], ActionName=["Publish"])
        self.handles["subscription"] = sns.subscribe(
            TopicArn=self.arn("sns", "main"), Protocol="sqs", Endpoint=self.arn("sqs", "feed"))["SubscriptionArn"]

    def _make_groups(self):
        logs = self.client("logs")
        for name in ("main", "doomed"):
            logs.create_log_group(logGroupName=name, tags={"team": "a"})
            logs.put_retention_policy(logGroupName=name, retentionInDays=7)
        for name in ("main", "doomed"):
            logs.create_log_stream(logGroupName="main", logStreamName=name)
        logs.put_log_events(logGroupName="main", logStreamName="main", logEvents=[
            {"timestamp": self.clock.now_ms(), "message": "line"}])

    def _make_functions(self):
        functions = self.client("lambda")
        self.role = make_role(self, "lambda", LOGS, QUEUES, {
            "Effect": "Allow", "Action": "lambda:CheckpointDurableExecution", "Resource": "*"})
        for name in ("main", "doomed"):
            functions.create_function(
                FunctionName=name, Role=self.role, Runtime="python3.13", Handler="index.handler", MemorySize=512,
                Code={"ZipFile": python("def handler(event, context):\n    return event\n")}, Tags={"team": "a"})
        for name in ("main", "doomed"):
            functions.get_waiter("function_active_v2").wait(FunctionName=name)
        for name in ("signing", "spare-signing", "doomed-signing"):
            self.handles[name] = functions.create_code_signing_config(
                Description=name, AllowedPublishers={"SigningProfileVersionArns": [PROFILE]},
                Tags={"team": "a"})["CodeSigningConfig"]["CodeSigningConfigArn"]
        functions.put_function_code_signing_config(FunctionName="main", CodeSigningConfigArn=self.handles["signing"])
        functions.publish_version(FunctionName="main")
        for name in ("main", "doomed"):
            functions.create_alias(FunctionName="main", Name=name, FunctionVersion="1")
        functions.put_function_concurrency(FunctionName="main", ReservedConcurrentExecutions=5)
        functions.put_provisioned_concurrency_config(FunctionName="main", Qualifier="main", ProvisionedConcurrentExecutions=1)
        functions.put_function_event_invoke_config(FunctionName="main", MaximumRetryAttempts=1)
        functions.add_permission(
            FunctionName="main", StatementId="old", Action="lambda:InvokeFunction", Principal="events.amazonaws.com")
        if has("lambda:CreateFunctionUrlConfig"):
            functions.create_function_url_config(FunctionName="main", AuthType="AWS_IAM")
        for queue in ("feed", "feed2"):
            self.handles[queue] = functions.create_event_source_mapping(
                FunctionName="main", EventSourceArn=self.arn("sqs", queue), Enabled=False, Tags={"team": "a"})["UUID"]
        if has("lambda:PublishLayerVersion"):
            for name in ("main", "doomed"):
                functions.publish_layer_version(LayerName=name, Content={"ZipFile": zipped({"python/layer.py": ""})})
            functions.add_layer_version_permission(
                LayerName="main", VersionNumber=1, StatementId="old", Action="lambda:GetLayerVersion", Principal=self.account)
        if has("lambda:GetDurableExecution"):
            self._make_executions(functions)
        self.settle()
        # Its role has been used for the last time, so that this is no change later on.
        logs = self.client("logs")
        wait_until(
            lambda: "/aws/lambda/main" in [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
            and logs.filter_log_events(logGroupName="/aws/lambda/main")["events"], "the provisioned environment has its log")

    def _make_executions(self, functions):
        """One whose callbacks are answered, and one to stop."""
        functions.create_function(
            FunctionName="durable", Role=self.role, Runtime="python3.13", Handler="index.handler", MemorySize=1769,
            Code={"ZipFile": python(WAITING)}, DurableConfig={"ExecutionTimeout": 86_400}, Timeout=60)
        functions.get_waiter("function_active_v2").wait(FunctionName="durable")
        for name in ("waiting", "stopped"):
            self.handles[name] = functions.invoke(
                FunctionName="durable", Qualifier="$LATEST", InvocationType="Event", DurableExecutionName=name)["DurableExecutionArn"]

        def callbacks():
            events = functions.get_durable_execution_history(
                DurableExecutionArn=self.handles["waiting"], IncludeExecutionData=True)["Events"]
            return [event for event in events if event["EventType"] == "CallbackStarted"]
        for event in wait_until(callbacks, "the callbacks", 60):
            self.handles[event["Name"]] = event["CallbackStartedDetails"]["CallbackId"]

    def _make_events(self):
        events = self.client("events")
        tags = [{"Key": "team", "Value": "a"}]
        for name in ("main", "doomed"):
            events.create_event_bus(Name=name, Tags=tags)
            events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}), Tags=tags)
            events.create_archive(ArchiveName=name, EventSourceArn=self.arn("events", "event-bus/main"))
            self.handles["connection"] = events.create_connection(
                Name=name, AuthorizationType="API_KEY",
                AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": "v"}})["ConnectionArn"]
        events.put_targets(Rule="main", Targets=[{"Id": name, "Arn": self.arn("sqs", "main")} for name in ("main", "doomed")])
        events.put_permission(EventBusName="main", StatementId="old", Action="events:PutEvents", Principal=self.account)
        for name in ("main", "doomed"):
            self.handles["destination"] = events.create_api_destination(
                Name=name, ConnectionArn=self.handles["connection"], InvocationEndpoint="https://example.com",
                HttpMethod="POST")["ApiDestinationArn"]
        self.start_replay("main")
        wait_until(lambda: events.describe_replay(ReplayName="main")["State"] == "COMPLETED", "the replay")

    def replay(self, name):
        now = self.clock.now_ms() // 1000
        return {
            "ReplayName": name, "EventSourceArn": self.arn("events", "archive/main"), "EventStartTime": now - 60, "EventEndTime": now,
            "Destination": {"Arn": self.arn("events", "event-bus/main")}}

    def start_replay(self, name):
        self.client("events").start_replay(**self.replay(name))

    def _make_streams(self):
        kinesis = self.client("kinesis")
        for name, shards in (("main", 1), ("doomed", 1), ("splitting", 1), ("merging", 2), ("counted", 2), ("mode", 1), ("policed", 1)):
            kinesis.create_stream(StreamName=name, ShardCount=shards, Tags={"team": "a"})
        kinesis.create_stream(StreamName="demand", StreamModeDetails={"StreamMode": "ON_DEMAND"})
        self.settle("kinesis")
        for name in ("main", "doomed"):
            self.handles[f"consumer {name}"] = kinesis.register_stream_consumer(
                StreamARN=self.arn("kinesis", "stream/main"), ConsumerName=name, Tags={"team": "a"})["Consumer"]["ConsumerARN"]
        kinesis.put_resource_policy(ResourceARN=self.arn("kinesis", "stream/policed"), Policy=self.stream_policy("policed"))
        self.settle("kinesis")

    def _stream_tables(self):
        dynamodb = self.client("dynamodb")
        for name in ("streamed", "stopped"):
            dynamodb.enable_kinesis_streaming_destination(TableName=name, StreamArn=self.arn("kinesis", "stream/main"))
        self.settle("dynamodb")

    def _make_delivery_streams(self):
        firehose = self.client("firehose")
        self.delivery_role = make_role(self, "firehose", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, trust=policy(
            {"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}))
        for name in ("main", "doomed"):
            firehose.create_delivery_stream(
                DeliveryStreamName=name, S3DestinationConfiguration=self.delivery(), Tags=[{"Key": "team", "Value": "a"}])
        self.settle("firehose")

    def delivery(self):
        return {"RoleARN": self.delivery_role, "BucketARN": "arn:aws:s3:::lake"}

    def stream_policy(self, stream):
        return policy({
            "Effect": "Allow", "Principal": {"AWS": self.account}, "Action": "kinesis:PutRecord",
            "Resource": self.arn("kinesis", f"stream/{stream}")})

    def iterator(self):
        """They live for five minutes, so it is made anew."""
        return self.client("kinesis").get_shard_iterator(
            StreamName="main", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]

    def settle(self, service="lambda"):
        """Waits until the function takes changes again, its mappings do, and what it has provisioned is there or has been deleted;
        or until all streams are active or gone, and their consumers."""
        if service == "firehose":
            firehose = self.client("firehose")
            return wait_until(lambda: all(
                firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE"
                for name in firehose.list_delivery_streams()["DeliveryStreamNames"]), "the delivery streams rest")
        if service == "dynamodb":
            dynamodb = self.client("dynamodb")
            return wait_until(
                lambda: all(backup["BackupStatus"] == "AVAILABLE" for backup in dynamodb.list_backups()["BackupSummaries"])
                and all(dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE"
                        for name in dynamodb.list_tables()["TableNames"])
                and all(destination["DestinationStatus"] in ("ACTIVE", "DISABLED")
                        for name in ("main", "streamed", "stopped") for destination in
                        dynamodb.describe_kinesis_streaming_destination(TableName=name)["KinesisDataStreamDestinations"]),
                "the tables rest")
        if service == "kinesis":
            kinesis = self.client("kinesis")
            return wait_until(
                lambda: all(stream["StreamStatus"] == "ACTIVE" for stream in kinesis.list_streams()["StreamSummaries"])
                and all(consumer["ConsumerStatus"] == "ACTIVE" for consumer in kinesis.list_stream_consumers(
                    StreamARN=self.arn("kinesis", "stream/main"))["Consumers"]), "the streams rest")
        functions = self.client("lambda")
        wait_until(
            lambda: all(config["Status"] == "READY" for config in functions.list_provisioned_concurrency_configs(
                FunctionName="main")["ProvisionedConcurrencyConfigs"]), "the provisioned environment is ready", limit=60)
        functions.get_waiter("function_updated_v2").wait(FunctionName="main")
        wait_until(
            lambda: all(mapping["State"] in ("Disabled", "Enabled")
                        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]), "the mappings rest")

    def input(self, operation):
        """The input that succeeds, made from the tables below; fails for an operation that they do not cover."""
        given = dict(INPUTS.get(operation.key, {}))
        for member in operation.required:
            if member not in given:
                default = DEFAULTS.get(f"{operation.service}:{member}")
                assert default is not None, (
                    f"{operation.key} is implemented, and the walk has no value for {member}: "
                    f"add it to INPUTS in walk_tables.py, and its permissions to walk_access.py")
                given[member] = default
        return {name: value(self) if callable(value) else value for name, value in given.items()}


def in_order(operations):
    """So that all can run one after the other: those that read, those that change, those that take away.

    First of all what is under way is cancelled, for it ends by itself.
    """
    def rank(operation):
        if operation.name.startswith("Cancel"):
            return -1
        if operation.is_reading():
            return 0
        taken = ("Delete", "Remove", "Detach", "Untag", "Purge")
        return 2 if operation.name.startswith(taken) else 1
    return sorted(operations, key=rank)


@functools.cache
def walk():
    """All implemented operations for which one needs a key; it takes none to come with a token from elsewhere."""
    return in_order([
        operation for operation in implemented() if operation.model.auth_type != "none" and operation.key not in UNSIGNED])


# The links in messages are these without a signature; boto3 signs them. A token, or the subscription's own ARN, is the proof.
UNSIGNED = {"sns:ConfirmSubscription", "sns:Unsubscribe"}


@functools.cache
def _names():
    return {operation.key for operation in implemented()}


def has(name):
    """Whether the binary implements an operation."""
    return name in _names()
