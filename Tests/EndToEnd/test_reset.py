"""The state is emptied, all of it or one account, while clients, functions and pollers are at work."""

import concurrent.futures
import socket
import threading
import time

import botocore.exceptions
import pytest

from harness import Cloud, Server, send, wait_until
from lambdas import ECHO, deploy, make_queue, make_role

SLOW = "import time\ndef handler(event, context):\n    print('began', flush=True)\n    time.sleep(60)\n"


@pytest.fixture(scope="module", params=["disk", "memory"])
def server(request, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("reset"), ephemeral=request.param == "memory").start()
    yield server
    server.stop()


@pytest.fixture
def cloud(server, account):
    return Cloud(server, account)


def reset(server, query="", path="/_dewpoint/reset"):
    status, answer = server.page(path + query, "POST")
    assert status == 200, answer


def is_empty(cloud):
    return (not cloud.client("sqs").list_queues().get("QueueUrls") and not cloud.client("lambda").list_functions()["Functions"]
            and not cloud.client("logs").describe_log_groups()["logGroups"] and not cloud.client("iam").list_roles()["Roles"]
            and not cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"])


@pytest.mark.parametrize("path", ["/_dewpoint/reset", "/_localstack/state/reset", "/moto-api/reset"])
def test_everything_is_gone_at_once_and_names_are_free_again(cloud, path):
    for _ in range(2):
        make_queue(cloud)
        cloud.client("logs").create_log_group(logGroupName="g")
        function = deploy(cloud, ECHO)
        assert function.invoke({"a": 1}).value == {"a": 1}
        began = time.monotonic()
        reset(cloud.server, path=path)
        assert time.monotonic() - began < 5
        assert is_empty(cloud)


def test_what_runs_and_what_waits_ends_with_a_defined_answer(cloud):
    function = deploy(cloud, SLOW, Timeout=120)
    url, _ = make_queue(cloud)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        invoke = pool.submit(function.invoke)
        poll = pool.submit(cloud.client("sqs").receive_message, QueueUrl=url, WaitTimeSeconds=20)
        wait_until(lambda: function.log("began"), "the function runs")
        reset(cloud.server)
        # A client that tries again finds the function gone; it is told of a failure of the server before.
        with pytest.raises(botocore.exceptions.ClientError) as failed:
            invoke.result(15)
        assert failed.value.response["Error"]["Code"] in {"ServiceException", "ResourceNotFoundException"}
        try:
            assert "Messages" not in poll.result(15)
        except botocore.exceptions.ClientError as gone:
            assert gone.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert is_empty(cloud)


def test_requests_that_come_meanwhile_are_served_and_none_fails(cloud):
    """Calls that begin in the middle wait for the new state; those under way may be told to come again, which clients do."""
    stop, failures, served = threading.Event(), [], []

    def call():
        client = cloud.client("logs")
        while not stop.is_set():
            try:
                client.describe_log_groups()
                served.append(1)
            except Exception as error:  # noqa: BLE001: whatever it is, it must not be
                failures.append(error)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        before = len(served)
        reset(cloud.server)
        wait_until(lambda: len(served) > before + 8, "calls go on")
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]


def test_nothing_of_the_old_state_writes_into_the_new_one(cloud):
    """A function that logs and an event that waits for its second attempt are at work when the state is emptied."""
    function = deploy(cloud, "def handler(event, context):\n    print('x' * 100)\n    raise RuntimeError('no')\n")
    for n in range(20):
        function.send(n)
    wait_until(lambda: function.log("RuntimeError"), "the function has failed")
    reset(cloud.server)
    function = deploy(cloud, ECHO)
    assert function.invoke(1).value == 1
    wait_until(lambda: function.log("END"), "the new function logs")
    assert not function.log("RuntimeError")
    cloud.clock.advance("10m")
    assert function.invoke(2).value == 2
    wait_until(lambda: len(function.log("END")) >= 2, "the new function logs")
    assert len(function.log("END")) == 2
    reset(cloud.server)


def test_one_account_is_emptied_and_others_go_on(cloud, server):
    other = Cloud(server, str(int(cloud.account) + 500_000))
    for one in (cloud, other):
        one.function = deploy(one, ECHO, role=make_role(one))
        one.function.invoke(1)
        one.client("logs").create_log_group(logGroupName="g")
    slow = deploy(cloud, SLOW, name="slow", role=cloud.function.client.get_function(FunctionName="worker")["Configuration"]["Role"],
                  Timeout=120)
    slow.send(1)
    wait_until(lambda: slow.log("began"), "the function runs")
    reset(server, f"?account={cloud.account}")
    assert not cloud.client("lambda").list_functions()["Functions"]
    assert not cloud.client("logs").describe_log_groups()["logGroups"]
    assert other.function.invoke(2).value == 2
    assert "g" in [g["logGroupName"] for g in other.client("logs").describe_log_groups()["logGroups"]]
    # What the environments still had to say does not bring their log groups back, and the event is not tried again.
    cloud.clock.advance("10m")
    other.function.invoke(3)
    assert not cloud.client("logs").describe_log_groups()["logGroups"]
    environments = metrics(server)
    assert environments["busy"] == 0


def metrics(server):
    _, body, _ = send(server.endpoint + "/_dewpoint/metrics")
    lines = [line for line in body.decode().splitlines() if line.startswith("dewpoint_lambda_environments{")]
    return {line.split('"')[1]: float(line.split()[-1]) for line in lines}


def test_the_clock_goes_back_to_real_time_unless_it_is_kept(cloud):
    cloud.clock.freeze()
    cloud.clock.advance("6h")
    reset(cloud.server, "?clock=keep")
    assert cloud.clock.state()["mode"] == "frozen" and cloud.clock.state()["offsetSeconds"] > 6 * 3600 - 60
    reset(cloud.server, f"?account={cloud.account}")
    assert cloud.clock.state()["mode"] == "frozen"
    reset(cloud.server)
    assert cloud.clock.state()["mode"] == "running" and abs(cloud.clock.state()["offsetSeconds"]) < 1


@pytest.mark.parametrize("query", ["?account=12", "?account=", "?account=abcdefghijkl", "?clock=stop"])
def test_a_wrong_parameter_empties_nothing(cloud, query):
    make_queue(cloud)
    status, _ = cloud.server.page("/_dewpoint/reset" + query, "POST")
    assert status == 400
    assert cloud.client("sqs").list_queues()["QueueUrls"]


@pytest.mark.parametrize("path", ["/_dewpoint/reset", "/_localstack/state/reset", "/moto-api/reset", "/_dewpoint/snapshot"])
@pytest.mark.parametrize("headers", [
    {"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
])
def test_web_pages_cannot_empty_or_replace_the_state(cloud, path, headers):
    make_queue(cloud)
    for method in ("POST", "GET"):
        status, _, _ = send(cloud.server.endpoint + path, method, headers, b"x" if method == "POST" else None)
        assert status == 403
    assert cloud.client("sqs").list_queues()["QueueUrls"]


@pytest.mark.parametrize("path", ["/_dewpoint/reset", "/_localstack/state/reset", "/moto-api/reset"])
def test_a_get_empties_nothing(cloud, path):
    make_queue(cloud)
    assert send(cloud.server.endpoint + path)[0] == 405
    assert cloud.client("sqs").list_queues()["QueueUrls"]


def test_the_command_resets(cloud):
    make_queue(cloud)
    cloud.server.command("reset", "--account", cloud.account)
    cloud.clock.freeze()
    cloud.server.command("reset", "--keep-clock")
    assert cloud.clock.state()["mode"] == "frozen"
    cloud.server.command("reset")
    assert cloud.clock.state()["mode"] == "running"
    assert cloud.server.command("reset", "--account", "12", check=False).returncode != 0


def test_an_emptied_state_stays_empty_over_a_kill_and_takes_no_room(own_cloud):
    make_queue(own_cloud)
    reset(own_cloud.server)
    own_cloud.client("logs").create_log_group(logGroupName="new")
    own_cloud.restart(kill=True)
    assert not own_cloud.client("sqs").list_queues().get("QueueUrls")
    assert [g["logGroupName"] for g in own_cloud.client("logs").describe_log_groups()["logGroups"]] == ["new"]
    for _ in range(3):
        reset(own_cloud.server)
    wait_until(lambda: len(list(own_cloud.server.data.glob("state-*"))) == 1, "old states are removed")
    assert not (own_cloud.server.data / "store").exists()


def test_with_a_root_key_only_the_operator_opens_it(tmp_path, account):
    key = {"DEWPOINT_ROOT_KEY": "AKIAOPERATOR:correct-horse"}
    server = Server(tmp_path, ephemeral=True, environment=key).start()
    try:
        for path in ("/_dewpoint/reset", "/moto-api/reset", "/_localstack/state/reset"):
            assert server.page(path, "POST")[0] == 403
        assert server.page("/_dewpoint/snapshot")[0] == 403
        assert server.page("/_dewpoint/snapshot", "POST", body=b"x")[0] == 403
        server.restart(kill=False)
    finally:
        server.stop()
    server.arguments = ("--allow-state-control",)
    server.start()
    reset(server)
    server.stop()


def test_functions_cannot_reach_the_pages(cloud):
    source = """
    import json, os, urllib.request, urllib.error
    def handler(event, context):
        def ask(path, method):
            request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + path, method=method)
            try:
                return urllib.request.urlopen(request).status
            except urllib.error.HTTPError as error:
                return error.code
        return [ask(path, method) for path, method in event]
    """
    pages = [["/_dewpoint/reset", "POST"], ["/moto-api/reset", "POST"], ["/_localstack/state/reset", "POST"],
             ["/_dewpoint/snapshot", "GET"], ["/_dewpoint/metrics", "GET"]]
    answers = deploy(cloud, source).invoke(pages).value
    assert all(status in (403, 404) for status in answers), answers
    assert cloud.client("lambda").list_functions()["Functions"]


def test_a_connection_in_the_middle_of_a_request_is_served_afterwards(cloud):
    """The head came before the exchange and the rest after it."""
    with socket.create_connection(("127.0.0.1", cloud.server.port)) as connection:
        connection.sendall(b"POST /_dewpoint/reset?clock=keep HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{")
        reset(cloud.server)
        connection.sendall(b"}")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
