"""The public library of AWS for Lambda functions in Python, as it is: batches, logs and metrics (aws-lambda-powertools)."""

import importlib.metadata
import json
import pathlib

from harness import wait_until
from lambdas import deploy, make_queue, zipped
from test_mappings import attach, depth, send_all

WORKER = """
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

logger = Logger(service="orders", level="INFO")
metrics = Metrics(namespace="Shop", service="orders")
processor = BatchProcessor(event_type=EventType.SQS)


def record_handler(record):
    order = record.json_body
    logger.info("order", extra={"number": order["number"]})
    if order.get("bad"):
        raise ValueError("a bad order")
    metrics.add_metric(name="Handled", unit=MetricUnit.Count, value=1)


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context
def handler(event, context):
    return process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)
"""


def package(source):
    """The function with the library and what it needs, as `pip install --target` would lay them out."""
    files = {"index.py": source}
    for name in ("aws-lambda-powertools", "jmespath", "typing_extensions"):
        for path in importlib.metadata.files(name):
            if path.suffix in (".py", ".typed") and not path.parts[0].startswith(".."):
                files[str(path)] = pathlib.Path(path.locate()).read_bytes()
    return zipped(files)


def lines(function, containing):
    return [json.loads(text) for _, text in function.log(containing) if text.startswith("{")]


def test_a_batch_processor_reports_the_failed_messages_and_only_those_come_back(timed_cloud):
    timed_cloud.clock.freeze()
    function = deploy(timed_cloud, package(WORKER), Timeout=25)
    dead_url, dead = make_queue(timed_cloud, "dead")
    url, arn = make_queue(
        timed_cloud, VisibilityTimeout=30, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 2}))
    sqs = timed_cloud.client("sqs")
    send_all(sqs, url, [json.dumps({"number": n, "bad": n == 2}) for n in range(4)])
    attach(function, arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    wait_until(lambda: depth(sqs, url) == (0, 1), "the good ones are deleted")

    def moved():
        timed_cloud.clock.advance("30s")
        return depth(sqs, dead_url) == (1, 0)
    wait_until(moved, "the bad one is a dead letter")
    numbers = [line["number"] for line in lines(function, '"message":"order"')]
    assert sorted(numbers) == [0, 1, 2, 2, 3]


def test_the_logger_and_the_metrics_write_lines_that_tools_can_read(cloud):
    function = deploy(cloud, package(WORKER), Timeout=25)
    url, arn = make_queue(cloud, VisibilityTimeout=30)
    uuid = attach(function, arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    send_all(cloud.client("sqs"), url, ['{"number": 7}'])
    wait_until(lambda: lines(function, "_aws"), "the metrics are in the log")
    [line] = lines(function, '"number":7')
    assert line["level"] == "INFO" and line["service"] == "orders" and line["function_name"] == "worker"
    assert line["cold_start"] is True and line["function_arn"] == function.arn and line["function_memory_size"]
    found = {}
    for emf in lines(function, "_aws"):
        [directive] = emf["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Shop"
        found |= {metric["Name"]: (metric["Unit"], emf[metric["Name"]]) for metric in directive["Metrics"]}
    assert found == {"Handled": ("Count", [1.0]), "ColdStart": ("Count", [1.0])}
    assert uuid


def test_a_batch_that_fails_altogether_comes_back_as_a_whole(timed_cloud):
    timed_cloud.clock.freeze()
    function = deploy(timed_cloud, package(WORKER), Timeout=25)
    url, arn = make_queue(timed_cloud, VisibilityTimeout=30)
    sqs = timed_cloud.client("sqs")
    send_all(sqs, url, [json.dumps({"number": n, "bad": True}) for n in range(2)])
    attach(function, arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    # The library raises BatchProcessingError when nothing of a batch was handled.
    wait_until(lambda: function.log("BatchProcessingError"), "the batch failed")
    wait_until(lambda: depth(sqs, url) == (0, 2), "both stay in flight")
    timed_cloud.clock.advance("30s")
    wait_until(lambda: len(lines(function, '"message":"order"')) == 4, "both are tried again")
