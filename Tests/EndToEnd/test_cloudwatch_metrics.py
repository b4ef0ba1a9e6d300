"""Metrics of CloudWatch: what Lambda measures, what clients put, and how both are read, in every protocol of the service."""

import datetime
import json

import boto3
import botocore.exceptions
import botocore.loaders
import pytest

from extensions import layer
from harness import wait_until
from lambdas import deploy, make_queue
from test_concurrency import at_once
from test_mappings import BATCHES, attach, bodies, depth
from urls import make_url

MINUTE = datetime.timedelta(minutes=1)
PICKY = """
    import time
    def handler(event, context):
        if event == "fail":
            raise RuntimeError("asked to")
        time.sleep(float(event or 0))
        return event
    """


def now(cloud):
    return datetime.datetime.fromtimestamp(cloud.clock.now_ms() / 1000, datetime.timezone.utc)


def read(cloud, metric, *statistics, namespace="AWS/Lambda", period=3600, **dimensions):
    """The statistics of the hours around now, one dictionary for each period with values."""
    here = now(cloud)
    answer = cloud.client("cloudwatch").get_metric_statistics(
        Namespace=namespace, MetricName=metric, Period=period, Statistics=statistics or ["Sum"],
        StartTime=here - 60 * MINUTE, EndTime=here + 60 * MINUTE,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()])
    assert answer["Label"] == metric
    return sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])


def total(cloud, metric, statistic="Sum", **dimensions):
    values = [point[statistic] for point in read(cloud, metric, statistic, **dimensions)]
    return max(values) if statistic == "Maximum" and values else sum(values)


def test_invocations_errors_and_durations_are_seen_at_once(cloud):
    function = deploy(cloud, PICKY)
    for event in (0.2, 0, "fail"):
        function.invoke(event)
    [point] = read(cloud, "Duration", "SampleCount", "Maximum", "Minimum", "Average", FunctionName="worker")
    assert point["SampleCount"] == 3 and 200 <= point["Maximum"] < 5000 and point["Minimum"] < 150 and point["Unit"] == "Milliseconds"
    assert total(cloud, "Invocations", FunctionName="worker") == 3
    assert total(cloud, "Errors", FunctionName="worker") == 1
    assert total(cloud, "Errors", "SampleCount", FunctionName="worker") == 3
    assert total(cloud, "Throttles", FunctionName="worker") == 0
    assert total(cloud, "Invocations") == 3 and total(cloud, "Invocations", FunctionName="worker", Resource="worker") == 3
    assert total(cloud, "ConcurrentExecutions", "Maximum", FunctionName="worker") == 1
    assert total(cloud, "UnreservedConcurrentExecutions", "Maximum") == 1


def test_aliases_and_versions_have_metrics_of_their_own(cloud):
    function = deploy(cloud, PICKY)
    client = function.client
    client.publish_version(FunctionName="worker")
    client.create_alias(FunctionName="worker", Name="live", FunctionVersion="1")
    function.invoke(0, Qualifier="live")
    function.invoke(0, Qualifier="live")
    function.invoke(0, Qualifier="1")
    assert total(cloud, "Invocations", FunctionName="worker", Resource="worker:live") == 2
    assert total(cloud, "Invocations", FunctionName="worker", Resource="worker:live", ExecutedVersion="1") == 2
    assert total(cloud, "Invocations", FunctionName="worker", Resource="worker:1") == 1
    assert total(cloud, "Invocations", FunctionName="worker") == 3


def test_a_throttled_call_is_a_throttle_and_no_invocation(cloud, refused):
    function = deploy(cloud, PICKY)
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=0)
    with refused("TooManyRequestsException", 429):
        function.invoke(0)
    # The client tries a throttled call once more.
    assert total(cloud, "Throttles", FunctionName="worker") == 2 and read(cloud, "Invocations", FunctionName="worker") == []


def test_asynchronous_events_are_measured_until_they_are_dropped(timed_cloud):
    timed_cloud.clock.freeze()
    function = deploy(timed_cloud, PICKY)
    function.client.put_function_event_invoke_config(FunctionName="worker", MaximumRetryAttempts=1)
    function.send("fail")
    wait_until(lambda: total(timed_cloud, "Errors", FunctionName="worker") == 1, "the first attempt")
    timed_cloud.clock.advance("1m")
    wait_until(lambda: total(timed_cloud, "AsyncEventsDropped", FunctionName="worker") == 1, "it is given up")
    assert total(timed_cloud, "AsyncEventsReceived", FunctionName="worker") == 1
    ages = read(timed_cloud, "AsyncEventAge", "Maximum", "SampleCount", FunctionName="worker")
    assert sum(point["SampleCount"] for point in ages) == 2 and max(point["Maximum"] for point in ages) == 60_000
    minutes = read(timed_cloud, "Errors", "Sum", period=60, FunctionName="worker")
    assert [point["Sum"] for point in minutes] == [1, 1] and minutes[1]["Timestamp"] - minutes[0]["Timestamp"] == MINUTE


def test_what_cannot_be_delivered_is_measured(timed_cloud):
    timed_cloud.clock.freeze()
    function = deploy(timed_cloud, PICKY)
    queue, arn = make_queue(timed_cloud, "dead")
    function.configure(DeadLetterConfig={"TargetArn": arn})
    function.client.put_function_event_invoke_config(
        FunctionName="worker", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}})
    timed_cloud.client("sqs").delete_queue(QueueUrl=queue)
    function.send("fail")
    wait_until(lambda: total(timed_cloud, "DestinationDeliveryFailures", FunctionName="worker") == 1, "the record is lost")
    assert total(timed_cloud, "DeadLetterErrors", FunctionName="worker") == 1


def test_metrics_outlive_a_stop_and_a_kill(timed_cloud):
    function = deploy(timed_cloud, PICKY)
    function.invoke(0)
    timed_cloud.restart(kill=False)
    assert total(timed_cloud, "Invocations", FunctionName="worker") == 1
    function = type(function)(timed_cloud, "worker")
    function.invoke(0)
    assert total(timed_cloud, "Invocations", FunctionName="worker") == 2
    timed_cloud.restart(kill=True)
    assert total(timed_cloud, "Invocations", FunctionName="worker") == 2


def test_the_events_of_a_mapping_are_counted_when_asked_for(timed_cloud):
    timed_cloud.clock.freeze()
    function = deploy(timed_cloud, BATCHES)
    url, arn = make_queue(timed_cloud, VisibilityTimeout=30)
    uuid = attach(
        function, arn, FunctionResponseTypes=["ReportBatchItemFailures"], MetricsConfig={"Metrics": ["EventCount"]},
        FilterCriteria={"Filters": [{"Pattern": '{"body": [{"anything-but": ["unwanted"]}]}'}]})
    assert function.client.get_event_source_mapping(UUID=uuid)["MetricsConfig"] == {"Metrics": ["EventCount"]}
    sqs = timed_cloud.client("sqs")
    sqs.send_message_batch(QueueUrl=url, Entries=[
        {"Id": str(n), "MessageBody": body} for n, body in enumerate(["good", "bad", "unwanted"])])
    wait_until(lambda: bodies(function) == ["bad", "good"] and depth(sqs, url) == (0, 1), "the first attempt")

    def counts():
        names = ("PolledEventCount", "FilteredOutEventCount", "InvokedEventCount", "FailedInvokeEventCount", "DeletedEventCount")
        return [total(timed_cloud, name, EventSourceMappingUUID=uuid) for name in names]
    wait_until(lambda: counts() == [3, 1, 2, 1, 1], "they are counted")
    plain = attach(function, make_queue(timed_cloud, "plain")[1])
    assert read(timed_cloud, "PolledEventCount", EventSourceMappingUUID=plain) == []


def test_own_metrics_are_put_listed_and_read(cloud):
    cloudwatch = cloud.client("cloudwatch")
    here = now(cloud).replace(second=0, microsecond=0)
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[
        {"MetricName": "Orders", "Value": 3, "Unit": "Count", "Timestamp": here, "Dimensions": [{"Name": "City", "Value": "Ulm"}]},
        {"MetricName": "Orders", "Values": [1, 2], "Counts": [2, 1], "Unit": "Count", "Timestamp": here,
         "Dimensions": [{"Name": "City", "Value": "Ulm"}]},
        {"MetricName": "Visits", "StatisticValues": {"SampleCount": 4, "Sum": 40, "Minimum": 1, "Maximum": 20}, "Timestamp": here}])
    [point] = read(cloud, "Orders", "Sum", "SampleCount", "Minimum", "Maximum", "Average", namespace="Shop", City="Ulm")
    assert (point["Sum"], point["SampleCount"], point["Minimum"], point["Maximum"], point["Average"]) == (7, 4, 1, 3, 1.75)
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="Shop")
    found = {metric["MetricName"]: metric["Dimensions"] for page in pages for metric in page["Metrics"]}
    assert found == {"Orders": [{"Name": "City", "Value": "Ulm"}], "Visits": []}
    query = {"Id": "v", "MetricStat": {"Metric": {"Namespace": "Shop", "MetricName": "Visits"}, "Period": 60, "Stat": "Average"}}
    answer = cloudwatch.get_metric_data(MetricDataQueries=[query], StartTime=here - MINUTE, EndTime=here + MINUTE)
    [result] = answer["MetricDataResults"]
    assert (result["Id"], result["Values"], result["Timestamps"], result["StatusCode"]) == ("v", [10], [here], "Complete")


def test_what_metrics_cannot_do_is_refused(cloud, refused):
    cloudwatch = cloud.client("cloudwatch")
    here = now(cloud)
    with refused("InvalidParameterCombination", 400) as error:
        cloudwatch.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "m", "Value": 1, "Values": [1]}])
    assert error.message == (
        "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you have specified both.")
    with refused("InvalidParameterValue", 400):
        cloudwatch.put_metric_data(Namespace="AWS/Lambda", MetricData=[{"MetricName": "m", "Value": 1}])
    with refused("ValidationError", 400, containing="SEARCH is not supported"):
        cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": "e", "Expression": "SEARCH('{Shop} m', 'Sum', 60)"}], StartTime=here - MINUTE, EndTime=here)
    with refused("InvalidParameterCombination", 400, containing="exceeds the limit of 1,440") as error:
        cloudwatch.get_metric_statistics(
            Namespace="Shop", MetricName="m", Period=60, Statistics=["Sum"], StartTime=here - 2880 * MINUTE, EndTime=here)


def test_percentiles_and_expressions_over_what_functions_did(cloud):
    function = deploy(cloud, PICKY)
    for event in (0, 0, 0, 0.4, "fail"):
        function.invoke(event)
    cloudwatch = cloud.client("cloudwatch")
    here = now(cloud)
    around = {"StartTime": here - 60 * MINUTE, "EndTime": here + 60 * MINUTE}
    [point] = cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda", MetricName="Duration", Dimensions=[{"Name": "FunctionName", "Value": "worker"}], Period=7200,
        ExtendedStatistics=["p50", "p99", "tm80"], **around)["Datapoints"]
    found = point["ExtendedStatistics"]
    assert found["p50"] < 200 and found["p99"] >= 400 and found["tm80"] < 200

    def metric(id, name, stat):
        return {"Id": id, "ReturnData": False, "MetricStat": {"Period": 7200, "Stat": stat, "Metric": {
            "Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": [{"Name": "FunctionName", "Value": "worker"}]}}}
    results = cloudwatch.get_metric_data(MetricDataQueries=[
        metric("errors", "Errors", "Sum"), metric("calls", "Invocations", "Sum"), metric("slow", "Duration", "p99"),
        {"Id": "rate", "Expression": "100 * errors / calls", "Label": "Error rate"},
        {"Id": "alarm", "Expression": "IF(slow >= 400 AND FILL(errors, 0) > 0, 1, 0)"}], **around)["MetricDataResults"]
    assert [(r["Id"], r["Label"], r["Values"]) for r in results] == [("rate", "Error rate", [20]), ("alarm", "alarm", [1])]


def test_function_urls_are_measured(cloud):
    function = deploy(cloud, """
        def handler(event, context):
            if event["rawPath"] == "/fail": raise RuntimeError("asked to")
            return {"statusCode": 418 if event["rawPath"] == "/tea" else 200, "body": "x"}
        """)
    url = make_url(function)
    assert [url.call(path).status for path in ("/", "/tea", "/fail")] == [200, 418, 502]
    for resource in ({}, {"Resource": "worker"}):
        wanted = {"FunctionName": "worker"} | resource
        assert total(cloud, "UrlRequestCount", **wanted) == 3
        assert total(cloud, "Url4xxCount", **wanted) == 1 and total(cloud, "Url5xxCount", **wanted) == 1
        [latency] = read(cloud, "UrlRequestLatency", "SampleCount", "Minimum", **wanted)
        assert latency["SampleCount"] == 3 and latency["Minimum"] > 0 and latency["Unit"] == "Milliseconds"


def test_what_provisioned_environments_do_is_measured_by_version(cloud):
    function = deploy(cloud, PICKY)
    version = function.client.publish_version(FunctionName="worker")["Version"]
    function.client.put_provisioned_concurrency_config(FunctionName="worker", Qualifier=version, ProvisionedConcurrentExecutions=2)
    wait_until(lambda: function.client.get_provisioned_concurrency_config(
        FunctionName="worker", Qualifier=version)["Status"] == "READY", "they are ready", limit=60)
    at_once(3, lambda _: function.invoke(1, Qualifier=version))
    wanted = {"FunctionName": "worker", "Resource": f"worker:{version}"}
    assert total(cloud, "ProvisionedConcurrencyInvocations", **wanted) == 2
    assert total(cloud, "ProvisionedConcurrencySpilloverInvocations", **wanted) == 1
    assert total(cloud, "ProvisionedConcurrentExecutions", "Maximum", **wanted) == 2
    assert total(cloud, "ProvisionedConcurrencyUtilization", "Maximum", **wanted) == 1
    # Two are set aside, one runs beside them.
    assert total(cloud, "ClaimedAccountConcurrency", "Maximum") == 3


def test_what_extensions_take_after_the_answer_is_measured(cloud):
    slow = """
        register(["INVOKE"])
        while True:
            next_event()
            time.sleep(0.5)
        """
    function = deploy(cloud, PICKY, Layers=[layer(cloud, {"slow": slow})])
    function.invoke(0)
    [point] = read(cloud, "PostRuntimeExtensionsDuration", "Maximum", "SampleCount", FunctionName="worker")
    assert point["SampleCount"] == 1 and 300 < point["Maximum"] < 5000
    plain = deploy(cloud, PICKY, name="plain")
    plain.invoke(0)
    assert read(cloud, "PostRuntimeExtensionsDuration", FunctionName="plain") == []


def test_only_who_may_puts_and_reads(cloud, refused):
    iam = cloud.client("iam")
    iam.create_user(UserName="writer")
    iam.put_user_policy(UserName="writer", PolicyName="own", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*",
         "Condition": {"StringEquals": {"cloudwatch:namespace": "Shop"}}}]}))
    key = iam.create_access_key(UserName="writer")["AccessKey"]
    writer = cloud.client("cloudwatch", credentials=(key["AccessKeyId"], key["SecretAccessKey"]))
    writer.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "m", "Value": 1}])
    for call in (
            lambda: writer.put_metric_data(Namespace="Other", MetricData=[{"MetricName": "m", "Value": 1}]),
            lambda: writer.list_metrics()):
        with refused("AccessDenied", 403):
            call()


@pytest.mark.parametrize("protocol", ["query", "json", "smithy-rpc-v2-cbor"])
def test_each_protocol_of_the_service_works(cloud, protocol, monkeypatch):
    """Older clients speak Query, some JSON, boto3 of today CBOR: the model is told to speak one of them."""
    original = botocore.loaders.Loader.load_service_model

    def one_protocol(self, service, kind, *more, **options):
        model = original(self, service, kind, *more, **options)
        if service == "cloudwatch" and kind == "service-2":
            model = json.loads(json.dumps(model))
            model["metadata"] |= {"protocols": [protocol], "protocol": protocol}
        return model
    monkeypatch.setattr(botocore.loaders.Loader, "load_service_model", one_protocol)
    cloudwatch = boto3.session.Session().client(
        "cloudwatch", endpoint_url=cloud.server.endpoint, region_name="us-east-1", aws_access_key_id=cloud.account,
        aws_secret_access_key="x")
    here = now(cloud)
    cloudwatch.put_metric_data(Namespace="P", MetricData=[
        {"MetricName": "m", "Value": 1.5, "Dimensions": [{"Name": "d", "Value": "v"}], "Timestamp": here}])
    answer = cloudwatch.get_metric_statistics(
        Namespace="P", MetricName="m", Dimensions=[{"Name": "d", "Value": "v"}], StartTime=here - MINUTE, EndTime=here + MINUTE,
        Period=60, Statistics=["Sum", "Maximum"])
    [point] = answer["Datapoints"]
    assert (point["Sum"], point["Maximum"], point["Unit"]) == (1.5, 1.5, "None")
    assert point["Timestamp"] == here.replace(second=0, microsecond=0)
    with pytest.raises(botocore.exceptions.ClientError) as error:
        cloudwatch.put_metric_data(Namespace="P", MetricData=[{"MetricName": "m"}])
    assert error.value.response["Error"]["Code"] == "MissingParameter"


def test_the_command_line_reads_metrics(cloud):
    function = deploy(cloud, PICKY)
    function.invoke(0)
    here = now(cloud)
    done = cloud.cli_json(
        "cloudwatch", "get-metric-statistics", "--namespace", "AWS/Lambda", "--metric-name", "Invocations", "--period", "3600",
        "--statistics", "Sum", "--dimensions", "Name=FunctionName,Value=worker", "--start-time", (here - 60 * MINUTE).isoformat(),
        "--end-time", (here + 60 * MINUTE).isoformat())
    assert [point["Sum"] for point in done["Datapoints"]] == [1]
