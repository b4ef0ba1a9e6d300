"""What clients do with our errors: throttling is tried again, and what cannot get better is not."""

import boto3
import botocore.config
import botocore.exceptions
import pytest

from lambdas import deploy, make_queue

ATTEMPTS = 3


@pytest.fixture(params=["legacy", "standard"])
def client(request, cloud):
    """Makes clients that try as often as botocore's mode lets them."""
    def make(service):
        return boto3.session.Session().client(
            service, region_name="us-east-1", endpoint_url=cloud.server.endpoint, aws_access_key_id=cloud.account,
            aws_secret_access_key="secret", config=botocore.config.Config(
                retries={"mode": request.param, "total_max_attempts": ATTEMPTS}))
    return make


def _failure(call, **parameters):
    """The code of a call's error, and how often it was tried again."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["RetryAttempts"]


def test_a_throttled_invocation_is_tried_again_until_there_is_room(cloud, client):
    function = deploy(cloud, "def handler(event, context):\n    return 1\n")
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=0)
    throttled = client("lambda")
    assert _failure(throttled.invoke, FunctionName="worker") == ("TooManyRequestsException", ATTEMPTS - 1)

    def make_room(attempts, **_):
        if attempts == 1:
            function.client.delete_function_concurrency(FunctionName="worker")
    throttled.meta.events.register("needs-retry.lambda.Invoke", make_room)
    answer = throttled.invoke(FunctionName="worker")
    assert answer["StatusCode"] == 200 and answer["ResponseMetadata"]["RetryAttempts"] >= 1


def test_what_cannot_get_better_is_not_tried_again(cloud, client):
    url, _ = make_queue(cloud)
    sqs, iam, logs, functions = client("sqs"), client("iam"), client("logs"), client("lambda")
    iam.create_user(UserName="ann")
    for _ in range(2):
        iam.create_access_key(UserName="ann")
    sqs.purge_queue(QueueUrl=url)
    expected = [
        (_failure(iam.create_access_key, UserName="ann"), "LimitExceeded"),
        (_failure(iam.get_user, UserName="bob"), "NoSuchEntity"),
        (_failure(iam.generate_credential_report), "NotImplemented"),
        (_failure(sqs.purge_queue, QueueUrl=url), "AWS.SimpleQueueService.PurgeQueueInProgress"),
        (_failure(sqs.send_message, QueueUrl=url, MessageBody="\x00"), "InvalidMessageContents"),
        (_failure(sqs.send_message, QueueUrl=url + "none", MessageBody="x"), "AWS.SimpleQueueService.NonExistentQueue"),
        (_failure(logs.describe_log_streams, logGroupName="none"), "ResourceNotFoundException"),
        (_failure(logs.put_retention_policy, logGroupName="none", retentionInDays=2), "InvalidParameterException"),
        (_failure(functions.get_function, FunctionName="none"), "ResourceNotFoundException"),
    ]
    for (code, retries), wanted in expected:
        assert (code, retries) == (wanted, 0)
