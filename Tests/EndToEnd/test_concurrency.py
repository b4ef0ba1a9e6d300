"""Concurrency: environments that are ready before they are used, and the limits of an account and its functions."""

import re
import threading
import time

import pytest

from harness import Cloud, Server, send, wait_until
from lambdas import ECHO, deploy, make_role, python

WHO = """
    import os, time, uuid
    me = str(uuid.uuid4())
    def handler(event, context):
        time.sleep((event or {}).get("sleep", 0))
        return [me, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], context.function_version]
    """


def provision(function, qualifier, count):
    answer = function.client.put_provisioned_concurrency_config(
        FunctionName=function.name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202 and answer["Status"] == "IN_PROGRESS"
    assert answer["RequestedProvisionedConcurrentExecutions"] == count
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", answer["LastModified"])


def state(function, qualifier):
    return function.client.get_provisioned_concurrency_config(FunctionName=function.name, Qualifier=qualifier)


def wait_ready(function, qualifier, count, limit=60):
    def is_ready():
        found = state(function, qualifier)
        assert found["Status"] != "FAILED", found
        return found["Status"] == "READY" and found["AllocatedProvisionedConcurrentExecutions"] == count
    wait_until(is_ready, "the environments are ready", limit=limit)


def publish(function, source=None):
    if source:
        function.update_code(python(source))
    return function.client.publish_version(FunctionName=function.name)["Version"]


def at_once(count, call):
    """The results of calls that are made at the same time; an exception of one is its result."""
    results = []

    def run(number):
        try:
            results.append(call(number))
        except Exception as error:
            results.append(error)
    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_what_is_provisioned_is_booted_ahead_and_the_rest_spills_over(cloud):
    function = deploy(cloud, WHO)
    version = publish(function)
    provision(function, version, 2)
    wait_ready(function, version, 2)
    found = state(function, version)
    assert found["AvailableProvisionedConcurrentExecutions"] == 2 and "StatusReason" not in found
    first = function.invoke({}, Qualifier=version)
    assert first.value[1:] == ["provisioned-concurrency", version]
    # It was initialised before anybody invoked it.
    assert "Init Duration" not in first.log and first.log.startswith("START")
    answers = [answer.value for answer in at_once(4, lambda _: function.invoke({"sleep": 1}, Qualifier=version))]
    kinds = {me: kind for me, kind, _ in answers}
    assert sorted(kinds.values()).count("provisioned-concurrency") == 2 and "on-demand" in kinds.values()
    # The others are not touched by it.
    assert function.invoke({}).value[1:] == ["on-demand", "$LATEST"]


def test_an_alias_takes_what_it_has_to_the_next_version(cloud):
    function = deploy(cloud, WHO)
    one = publish(function)
    function.client.create_alias(FunctionName="worker", Name="live", FunctionVersion=one)
    provision(function, "live", 1)
    wait_ready(function, "live", 1)
    before = function.invoke({}, Qualifier="live").value
    two = publish(function, WHO.replace("uuid4()", "uuid1()"))
    function.client.update_alias(FunctionName="worker", Name="live", FunctionVersion=two)
    wait_ready(function, "live", 1)
    after = function.invoke({}, Qualifier="live").value
    assert before[1:] == ["provisioned-concurrency", one] and after[1:] == ["provisioned-concurrency", two]
    # The old version has nothing left.
    assert function.invoke({}, Qualifier=one).value[1] == "on-demand"
    listed = function.client.list_provisioned_concurrency_configs(FunctionName="worker")["ProvisionedConcurrencyConfigs"]
    assert [(item["FunctionArn"], item["Status"]) for item in listed] == [(f"{function.arn}:live", "READY")]


def test_a_function_that_fails_while_it_is_initialised_cannot_be_provisioned(cloud):
    function = deploy(cloud, "raise RuntimeError('not today')\n")
    version = publish(function)
    provision(function, version, 3)
    failed = wait_until(lambda: (found := state(function, version))["Status"] == "FAILED" and found, "it has failed", limit=60)
    assert failed["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE" and failed["AllocatedProvisionedConcurrentExecutions"] == 0
    # Invocations tell why, as ever.
    assert function.invoke({}, Qualifier=version).failure["errorMessage"] == "not today"


def test_what_is_deleted_leaves_no_environment(cloud, refused):
    function = deploy(cloud, WHO)
    version = publish(function)
    provision(function, version, 1)
    wait_ready(function, version, 1)
    function.client.delete_provisioned_concurrency_config(FunctionName="worker", Qualifier=version)
    with refused("ProvisionedConcurrencyConfigNotFoundException", 404) as error:
        state(function, version)
    assert error.message == "No Provisioned Concurrency Config found for this function"
    wait_until(lambda: function.invoke({}, Qualifier=version).value[1] == "on-demand", "an ordinary environment answers")
    function.client.delete_provisioned_concurrency_config(FunctionName="worker", Qualifier=version)


def test_a_reservation_that_is_all_provisioned_stops_the_other_versions(cloud, refused):
    function = deploy(cloud, WHO)
    version = publish(function)
    function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=2)
    with refused("InvalidParameterValueException", 400) as error:
        provision(function, version, 3)
    assert error.message == "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
    provision(function, version, 2)
    wait_ready(function, version, 2)
    with refused("InvalidParameterValueException", 400) as error:
        function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=1)
    assert error.message == " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2]."
    with refused("TooManyRequestsException", 429) as error:
        function.invoke({})
    assert error.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert function.invoke({}, Qualifier=version).value[1] == "provisioned-concurrency"
    assert cloud.client("lambda").get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 998


def test_what_is_provisioned_comes_back_with_the_server_and_does_not_end_by_idleness(own_cloud, clock):
    function = deploy(own_cloud, WHO)
    version = publish(function)
    provision(function, version, 1)
    wait_ready(function, version, 1)
    first = function.invoke({}, Qualifier=version).value[0]
    clock.advance("2h")
    assert function.invoke({}, Qualifier=version).value[0] == first
    own_cloud.restart(kill=True)
    wait_ready(function, version, 1)
    again = function.invoke({}, Qualifier=version)
    assert again.value[0] != first and again.value[1] == "provisioned-concurrency" and "Init Duration" not in again.log


def test_what_is_provisioned_is_made_anew_before_its_keys_end(own_cloud, clock):
    function = deploy(own_cloud, WHO)
    version = publish(function)
    provision(function, version, 1)
    wait_ready(function, version, 1)
    first = function.invoke({}, Qualifier=version).value[0]
    clock.advance("11h30m")

    def renewed():
        answer = function.invoke({}, Qualifier=version)
        return answer.value[0] != first and answer.value[1] == "provisioned-concurrency" and "Init Duration" not in answer.log
    wait_until(renewed, "another environment answers, and nobody waited for it")


def test_provisioned_environments_are_measured(own_cloud):
    function = deploy(own_cloud, WHO)
    version = publish(function)
    provision(function, version, 1)
    wait_ready(function, version, 1)
    at_once(2, lambda _: function.invoke({"sleep": 0.5}, Qualifier=version))
    _, body, _ = send(own_cloud.server.endpoint + "/_dewpoint/metrics")
    lines = dict(line.rsplit(" ", 1) for line in body.decode().splitlines() if line.startswith("dewpoint_lambda_provisioned"))
    assert {name.split("provisioned_")[1]: float(value) for name, value in lines.items()} == {
        'environments{state="wanted"}': 1, 'environments{state="booted"}': 1,
        'invocations_total{found="ready"}': 1, 'invocations_total{found="spillover"}': 1}


# Limits


@pytest.fixture
def small_cloud(tmp_path, account):
    """Makes a server whose accounts may run so many invocations at the same time."""
    servers = []

    def start(concurrency):
        servers.append(Server(tmp_path, "--lambda-concurrency", str(concurrency)).start())
        return Cloud(servers[0], account)
    yield start
    for server in servers:
        server.stop()


def test_the_quota_of_an_account_is_a_setting(small_cloud, refused):
    function = deploy(small_cloud(3), WHO)
    limit = function.client.get_account_settings()["AccountLimit"]
    assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (3, 3)
    assert limit["TotalCodeSize"] == 75 << 30
    results = at_once(5, lambda _: function.client.invoke(FunctionName="worker", Payload=b'{"sleep": 2}'))
    errors = [result.response for result in results if isinstance(result, Exception)]
    assert len(errors) == 2
    assert {(error["Error"]["Code"], error["Reason"]) for error in errors} == {
        ("TooManyRequestsException", "ConcurrentInvocationLimitExceeded")}
    with refused("InvalidParameterValueException", 400, containing="below its minimum value of [3]"):
        function.client.put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=1)


def test_the_functions_of_an_account_share_its_rate(small_cloud, refused):
    cloud = small_cloud(1)
    role = make_role(cloud)
    names = ["one", "two"]
    functions = [deploy(cloud, ECHO, name=name, role=role) for name in names]
    for function in functions:
        function.invoke()
    with refused("TooManyRequestsException", 429) as error:
        began = time.monotonic()
        for number in range(60):
            functions[number % 2].client.invoke(FunctionName=names[number % 2])
        if time.monotonic() - began > 5:
            pytest.skip("this host is too busy for more than ten requests a second")
    assert error.response["Reason"] == "CallerRateLimitExceeded"
    assert error.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"


# Many


def test_two_hundred_environments_start_at_once_and_all_answer(own_cloud):
    function = deploy(own_cloud, WHO, Timeout=120, MemorySize=512)
    version = publish(function)
    # One half ahead, and the other at the same time for invocations that wait for it.
    provision(function, version, 100)
    answers = at_once(100, lambda _: function.invoke({"sleep": 1}))
    assert all(answer.value[1] == "on-demand" for answer in answers)
    wait_ready(function, version, 100, limit=180)
    answers = at_once(100, lambda _: function.invoke({"sleep": 3}, Qualifier=version))
    assert [answer.value[1] for answer in answers] == ["provisioned-concurrency"] * 100
    assert len({answer.value[0] for answer in answers}) > 50
