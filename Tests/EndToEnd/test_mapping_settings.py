"""What a mapping can be told: pollers set aside, sources that nobody serves, and the commands of the AWS CLI."""

import json

import pytest

from harness import wait_until
from lambdas import ECHO, deploy, make_queue
from test_mappings import BATCHES, attach, bodies, depth, send_all, state_of, wait_state


def test_provisioned_pollers_work_and_are_shown(cloud, refused):
    function = deploy(cloud, BATCHES)
    url, arn = make_queue(cloud)
    uuid = attach(function, arn, BatchSize=2, ProvisionedPollerConfig={"MinimumPollers": 3, "MaximumPollers": 20})
    client = function.client
    assert client.get_event_source_mapping(UUID=uuid)["ProvisionedPollerConfig"] == {"MinimumPollers": 3, "MaximumPollers": 20}
    texts = sorted(f"m{n:02}" for n in range(40))
    send_all(cloud.client("sqs"), url, texts)
    wait_until(lambda: bodies(function) == texts and depth(cloud.client("sqs"), url) == (0, 0), "all are handled", limit=30)
    with refused("InvalidParameterValueException", 400, containing="cannot be used together"):
        client.update_event_source_mapping(UUID=uuid, ScalingConfig={"MaximumConcurrency": 5})
    client.update_event_source_mapping(UUID=uuid, ProvisionedPollerConfig={}, ScalingConfig={"MaximumConcurrency": 5})
    wait_state(function, uuid, "Enabled")
    changed = client.get_event_source_mapping(UUID=uuid)
    assert "ProvisionedPollerConfig" not in changed and changed["ScalingConfig"] == {"MaximumConcurrency": 5}


@pytest.mark.parametrize("arn, options, text", [
    ("arn:aws:kinesis:us-east-1:{}:stream/s", {"StartingPosition": "LATEST"}, "Cannot access stream arn:aws:kinesis:us-east-1:"),
    ("arn:aws:dynamodb:us-east-1:{}:table/t/stream/2026", {"StartingPosition": "TRIM_HORIZON"},
     "Cannot access stream arn:aws:dynamodb:us-east-1:"),
    ("arn:aws:kinesis:us-east-1:{}:stream/s", {},
     "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."),
    ("arn:aws:dynamodb:us-east-1:{}:table/t/stream/2026", {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1},
     "Unsupported starting position for arn type: "),
    ("arn:aws:kafka:us-east-1:{}:cluster/c/1-2", {"Topics": ["topic"]}, "An event source of the service kafka is not supported"),
    ("arn:aws:mq:us-east-1:{}:broker:b:b-1", {"Queues": ["q"]}, "An event source of the service mq is not supported"),
    ("arn:aws:rds:us-east-1:{}:cluster:c", {}, "An event source of the service rds is not supported"),
])
def test_sources_that_cannot_be_read_are_refused_in_clear_words(cloud, refused, arn, options, text):
    function = deploy(cloud, ECHO)
    with refused("InvalidParameterValueException", 400) as error:
        function.client.create_event_source_mapping(FunctionName="worker", EventSourceArn=arn.format(cloud.account), **options)
    assert error.message.startswith(text)


def test_messages_of_a_throttled_function_come_back_and_end_in_the_dead_letter_queue(timed_cloud):
    timed_cloud.clock.freeze()
    function = deploy(timed_cloud, BATCHES)
    _, dead = make_queue(timed_cloud, "dead")
    url, arn = make_queue(
        timed_cloud, VisibilityTimeout=30, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 2}))
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=0)
    attach(function, arn)
    sqs = timed_cloud.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="unlucky")
    dead_url = sqs.get_queue_url(QueueName="dead")["QueueUrl"]
    wait_until(lambda: depth(sqs, url) == (0, 1), "it was received")

    def moved():
        timed_cloud.clock.advance("10s")
        return depth(sqs, dead_url) == (1, 0)
    wait_until(moved, "it is a dead letter")
    [message] = sqs.receive_message(QueueUrl=dead_url, AttributeNames=["All"])["Messages"]
    assert message["Body"] == "unlucky" and bodies(function) == []


def test_the_command_line_makes_changes_and_deletes_mappings(cloud):
    function = deploy(cloud, BATCHES)
    url, arn = make_queue(cloud)
    made = cloud.cli_json(
        "lambda", "create-event-source-mapping", "--function-name", "worker", "--event-source-arn", arn, "--batch-size", "5",
        "--function-response-types", "ReportBatchItemFailures", "--metrics-config", "Metrics=EventCount",
        "--filter-criteria", json.dumps({"Filters": [{"Pattern": '{"body": [{"prefix": "m"}]}'}]}), "--tags", "team=blue")
    assert (made["State"], made["BatchSize"], made["MetricsConfig"]) == ("Creating", 5, {"Metrics": ["EventCount"]})
    uuid = made["UUID"]
    wait_state(function, uuid, "Enabled")
    send_all(cloud.client("sqs"), url, ["m1", "x1"])
    wait_until(lambda: bodies(function) == ["m1"] and depth(cloud.client("sqs"), url) == (0, 0), "the wanted one is handled")
    changed = cloud.cli_json(
        "lambda", "update-event-source-mapping", "--uuid", uuid, "--no-enabled", "--filter-criteria", "{}", "--metrics-config",
        "Metrics=[]")
    assert changed["State"] == "Disabling" and "FilterCriteria" not in changed and "MetricsConfig" not in changed
    wait_state(function, uuid, "Disabled")
    assert cloud.cli_json("lambda", "list-tags", "--resource", made["EventSourceMappingArn"])["Tags"] == {"team": "blue"}
    listed = cloud.cli_json("lambda", "list-event-source-mappings", "--function-name", "worker")["EventSourceMappings"]
    assert [mapping["UUID"] for mapping in listed] == [uuid]
    assert cloud.cli_json("lambda", "delete-event-source-mapping", "--uuid", uuid)["State"] == "Deleting"
    wait_until(
        lambda: cloud.cli_json("lambda", "list-event-source-mappings", "--event-source-arn", arn)["EventSourceMappings"] == [],
        "it is deleted")
