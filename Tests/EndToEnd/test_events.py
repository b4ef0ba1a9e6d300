"""Event buses, rules and targets, as people use them."""

import json

import pytest

from events import SHOP, bodies, event_queue, event_role, messages, put, rule
from harness import wait_until
from lambdas import ECHO, deploy, make_queue, policy


def test_an_event_comes_to_the_queue_of_a_rule_that_wants_it(cloud):
    url, arn = event_queue(cloud)
    rule_arn = rule(cloud, arn, pattern=json.dumps({"source": ["shop"], "detail": {"price": [{"numeric": [">", 10]}]}}))
    assert rule_arn == f"arn:aws:events:us-east-1:{cloud.account}:rule/orders"
    ids = put(cloud, {"price": 5}, {"price": 11, "name": "ä"}, Resources=["arn:aws:shop:::x"], Time=1_700_000_000)
    message = messages(cloud, url)[0]
    assert json.loads(message["Body"]) == {
        "version": "0", "id": ids[1], "detail-type": "order", "source": "shop", "account": cloud.account,
        "time": "2023-11-14T22:13:20Z", "region": "us-east-1", "resources": ["arn:aws:shop:::x"],
        "detail": {"price": 11, "name": "ä"}}
    assert list(json.loads(message["Body"])) == [
        "version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"]
    assert "AWSTraceHeader" in message["Attributes"]


def test_the_cli_makes_a_rule_and_puts_an_event(cloud):
    url, arn = event_queue(cloud)
    cloud.cli("events", "create-event-bus", "--name", "shop")
    cloud.cli("events", "put-rule", "--name", "r", "--event-bus-name", "shop", "--event-pattern", SHOP, "--description", "all of it")
    cloud.cli("events", "put-targets", "--rule", "r", "--event-bus-name", "shop", "--targets", f"Id=1,Arn={arn}")
    shown = cloud.cli_json("events", "describe-rule", "--name", "r", "--event-bus-name", "shop")
    assert shown == {
        "Name": "r", "Arn": f"arn:aws:events:us-east-1:{cloud.account}:rule/shop/r", "EventPattern": SHOP, "State": "ENABLED",
        "Description": "all of it", "EventBusName": "shop", "CreatedBy": cloud.account}
    answer = cloud.cli_json(
        "events", "put-events", "--entries",
        json.dumps([{"EventBusName": "shop", "Source": "shop", "DetailType": "t", "Detail": "{\"a\": 1}"}]))
    assert bodies(cloud, url)[0]["id"] == answer["Entries"][0]["EventId"]
    buses = cloud.cli_json("events", "list-event-buses")["EventBuses"]
    assert [bus["Name"] for bus in buses] == ["default", "shop"]


def test_a_function_a_bus_and_a_log_group_are_targets(cloud):
    function = deploy(cloud, ECHO)
    function.client.add_permission(
        FunctionName="worker", StatementId="events", Action="lambda:InvokeFunction", Principal="events.amazonaws.com",
        SourceArn=f"arn:aws:events:us-east-1:{cloud.account}:rule/to-function")
    cloud.client("events").create_event_bus(Name="next")
    cloud.client("logs").create_log_group(logGroupName="/aws/events/all")
    cloud.client("logs")
    url, arn = event_queue(cloud)
    role = event_role(cloud)
    rule(cloud, function.arn, "to-function", InputPath="$.detail")
    rule(cloud, f"arn:aws:events:us-east-1:{cloud.account}:event-bus/next", "to-bus", RoleArn=role)
    rule(cloud, arn, "from-bus", bus="next")
    rule(cloud, f"arn:aws:logs:us-east-1:{cloud.account}:log-group:/aws/events/all", "to-logs", RoleArn=role)
    put(cloud, {"n": 1})
    assert bodies(cloud, url)[0]["detail"] == {"n": 1}
    wait_until(lambda: len(function.log("REPORT")) == 1, "the invocation")

    def lines():
        return cloud.client("logs").filter_log_events(logGroupName="/aws/events/all")["events"]
    assert json.loads(wait_until(lines, "the line")[0]["message"])["detail"] == {"n": 1}


def test_an_event_of_another_account_needs_the_policy_of_the_bus(cloud, refused):
    events = cloud.client("events")
    url, arn = event_queue(cloud)
    rule(cloud, arn)
    bus = f"arn:aws:events:us-east-1:{cloud.account}:event-bus/default"
    other = str(int(cloud.account) ^ 1).zfill(12)
    theirs = cloud.client("events", account=other)
    entry = {"Source": "shop", "DetailType": "t", "Detail": "{}", "EventBusName": bus}
    with refused("AccessDeniedException", containing="events:PutEvents"):
        theirs.put_events(Entries=[entry])
    events.put_permission(StatementId="other", Action="events:PutEvents", Principal=other)
    shown = json.loads(events.describe_event_bus()["Policy"])
    assert shown == {"Version": "2012-10-17", "Statement": [{
        "Sid": "other", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{other}:root"}, "Action": "events:PutEvents",
        "Resource": bus}]}
    assert theirs.put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert bodies(cloud, url)[0]["account"] == other
    events.remove_permission(StatementId="other")
    with refused("AccessDeniedException"):
        theirs.put_events(Entries=[entry])
    with refused("ResourceNotFoundException", 400, containing="Statement with the provided id does not exist."):
        events.remove_permission(StatementId="other")


def test_a_queue_without_a_policy_gets_nothing_and_the_dead_letter_says_why(cloud):
    _, closed = make_queue(cloud, "closed")
    url, dead = event_queue(cloud, "dead")
    rule_arn = rule(cloud, closed, DeadLetterConfig={"Arn": dead})
    put(cloud, {"n": 1})
    message = messages(cloud, url)[0]
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes.pop("ERROR_MESSAGE")
    assert attributes == {
        "RULE_ARN": rule_arn, "TARGET_ARN": closed, "ERROR_CODE": "NO_PERMISSIONS", "RETRY_ATTEMPTS": "0"}
    assert json.loads(message["Body"])["detail"] == {"n": 1}


def test_a_target_that_is_gone_is_a_dead_letter(cloud):
    url, dead = event_queue(cloud, "dead")
    rule(cloud, f"arn:aws:sqs:us-east-1:{cloud.account}:gone", DeadLetterConfig={"Arn": dead}, RoleArn=event_role(cloud))
    put(cloud, {"n": 1})
    assert messages(cloud, url)[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"


def test_a_fifo_queue_gets_its_group(cloud):
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="o.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{cloud.account}:o.fifo"
    rule(cloud, arn, RoleArn=event_role(cloud), SqsParameters={"MessageGroupId": "g"})
    put(cloud, {"n": 1})
    assert messages(cloud, url)[0]["Attributes"]["MessageGroupId"] == "g"


def test_a_transformer_shapes_what_the_target_gets(cloud):
    url, arn = event_queue(cloud)
    rule(cloud, arn, InputTransformer={
        "InputPathsMap": {"name": "$.detail.name", "items": "$.detail.items"},
        "InputTemplate": '{"text": "order of <name>", "items": <items>, "rule": <aws.events.rule-name>}'})
    put(cloud, {"name": "ann", "items": [1, {"x": 2}]})
    assert bodies(cloud, url)[0] == {"text": "order of ann", "items": [1, {"x": 2}], "rule": "orders"}


def test_bad_entries_fail_alone(cloud, refused):
    events = cloud.client("events")
    good = {"Source": "s", "DetailType": "t", "Detail": "{}"}
    answer = events.put_events(Entries=[good, {**good, "Detail": "x"}, {**good, "Source": "aws.s3"}])
    assert answer["FailedEntryCount"] == 2
    assert [entry.get("ErrorCode") for entry in answer["Entries"]] == [
        None, "MalformedDetail", "NotAuthorizedForSourceException"]
    with refused("ValidationException", 400, containing="'entries' failed to satisfy constraint"):
        events.put_events(Entries=[good] * 11)
    with refused("ValidationException", 400, containing="Total size of the entries in the request is over the limit."):
        events.put_events(Entries=[{**good, "Detail": json.dumps({"x": "x" * 1_048_576})}])


@pytest.mark.parametrize("pattern, expected", [({"detail": {"a": [{"prefix": "x"}]}}, True), ({"detail": {"a": ["x"]}}, False)])
def test_a_pattern_can_be_tried(cloud, pattern, expected):
    event = {"id": "1", "account": "1", "source": "s", "time": "t", "region": "r", "resources": [], "detail-type": "d", "detail": {"a": "xy"}}
    answer = cloud.client("events").test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event))
    assert answer["Result"] is expected


def test_tags_of_buses_and_rules(cloud, refused):
    events = cloud.client("events")
    bus = events.create_event_bus(Name="b", Tags=[{"Key": "team", "Value": "a"}])["EventBusArn"]
    arn = events.put_rule(Name="r", EventPattern=SHOP, Tags=[{"Key": "k", "Value": "v"}])["RuleArn"]
    events.tag_resource(ResourceARN=bus, Tags=[{"Key": "x", "Value": "y"}])
    assert events.list_tags_for_resource(ResourceARN=bus)["Tags"] == [{"Key": "team", "Value": "a"}, {"Key": "x", "Value": "y"}]
    events.untag_resource(ResourceARN=arn, TagKeys=["k"])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == []
    with refused("ResourceNotFoundException", 400):
        events.list_tags_for_resource(ResourceARN=arn + "x")


def test_what_is_not_here_says_so(cloud, refused):
    events = cloud.client("events")
    for call in (lambda: events.list_endpoints(), lambda: events.list_event_sources(), lambda: events.create_partner_event_source(
            Name="aws.partner/x.com/y", Account="111111111111")):
        with refused("NotImplemented", 501):
            call()
    events.put_rule(Name="r", EventPattern=SHOP)
    with refused("ValidationException", 400, containing="Dewpoint has no targets of this kind"):
        events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": "arn:aws:ecs:us-east-1:111111111111:cluster/c"}])


def test_metrics_tell_of_rules(cloud):
    url, arn = event_queue(cloud)
    rule(cloud, arn)
    put(cloud, {"n": 1})
    messages(cloud, url)

    def listed():
        found = cloud.client("cloudwatch").list_metrics(Namespace="AWS/Events")["Metrics"]
        names = {metric["MetricName"] for metric in found if metric["Dimensions"] == [{"Name": "RuleName", "Value": "orders"}]}
        return {"MatchedEvents", "TriggeredRules", "Invocations"} <= names
    wait_until(listed, "the metrics")


def test_a_function_tells_a_bus_of_its_results(cloud):
    url, arn = event_queue(cloud)
    rule(cloud, arn, pattern=json.dumps({"source": ["lambda"]}))
    bus = f"arn:aws:events:us-east-1:{cloud.account}:event-bus/default"
    function = deploy(cloud, ECHO)
    cloud.client("iam").put_role_policy(RoleName="role-of-worker", PolicyName="events", PolicyDocument=policy(
        {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}))
    function.client.put_function_event_invoke_config(
        FunctionName="worker", DestinationConfig={"OnSuccess": {"Destination": bus}})
    function.send({"n": 1})
    event = bodies(cloud, url)[0]
    assert event["detail-type"] == "Lambda Function Invocation Result - Success"
    assert event["source"] == "lambda"
    assert event["resources"] == [bus, function.arn + ":$LATEST"]
    assert event["detail"]["requestContext"]["condition"] == "Success"
    assert event["detail"]["responsePayload"] == {"n": 1}
