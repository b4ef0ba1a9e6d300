"""The server itself: what it answers to what it cannot do, its pages, its start and stop."""

import json
import pathlib
import subprocess

import pytest

from harness import Server, send


@pytest.mark.parametrize("service, operation, parameters", [
    ("logs", "start_query", {"logGroupName": "g", "startTime": 0, "endTime": 1, "queryString": "fields @message"}),
    ("logs", "create_export_task", {"logGroupName": "g", "fromTime": 0, "to": 1, "destination": "b"}),
    ("iam", "create_saml_provider", {"SAMLMetadataDocument": "x" * 1000, "Name": "p"}),
    ("iam", "generate_credential_report", {}),
    ("sts", "get_delegated_access_token", {"TradeInToken": "x"}),
    ("dynamodb", "list_global_tables", {}),
])
def test_an_operation_that_is_not_implemented_is_named(cloud, refused, service, operation, parameters):
    client = cloud.client(service)
    name = client.meta.method_to_api_mapping[operation]
    with refused("NotImplemented", 501, containing=name):
        getattr(client, operation)(**parameters)


def test_the_cli_shows_which_operation_is_missing(cloud):
    failed = cloud.cli("iam", "generate-credential-report", check=False)
    assert failed.returncode != 0
    assert "GenerateCredentialReport" in failed.stderr and "NotImplemented" in failed.stderr


def test_an_operation_that_no_service_has_is_an_unknown_one(cloud):
    headers = {"X-Amz-Target": "Logs_20140328.NoSuchOperation", "Content-Type": "application/x-amz-json-1.1"}
    status, body = cloud.signed("logs", headers, b"{}")
    assert status == 400
    assert json.loads(body)["__type"].endswith("UnknownOperationException")


def test_health_tells_version_services_and_isolation(cloud):
    status, body, _ = send(cloud.server.endpoint + "/_dewpoint/health")
    health = json.loads(body)
    assert status == 200
    assert {"version", "uptimeSeconds", "services", "isolation"} <= set(health)
    assert {"sqs", "logs", "iam", "sts", "lambda"} <= set(health["services"])


def test_every_answer_has_a_request_id_and_the_real_date(cloud):
    answer = cloud.client("logs").describe_log_groups()["ResponseMetadata"]
    assert answer["RequestId"]
    assert answer["HTTPHeaders"]["content-type"] == "application/x-amz-json-1.1"
    assert answer["HTTPHeaders"]["date"].endswith("GMT")


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_foreign_hosts_and_origins_are_refused(cloud, headers):
    status, _, _ = send(cloud.server.endpoint + "/_dewpoint/clock", headers=headers)
    assert status == 403


def test_the_clock_freezes_advances_resumes_and_survives_a_restart(own_cloud, clock):
    clock.freeze()
    start = clock.now_ms()
    clock.advance("6h")
    assert clock.now_ms() == start + 6 * 3600_000
    own_cloud.restart(kill=True)
    assert clock.now_ms() == start + 6 * 3600_000 and clock.state()["mode"] == "frozen"
    clock.resume()
    assert clock.state()["mode"] == "running" and clock.now_ms() >= start + 6 * 3600_000
    # Signatures are checked against real time, so clients go on to work.
    own_cloud.client("logs").create_log_group(logGroupName="g")
    assert own_cloud.client("logs").describe_log_groups()["logGroups"][0]["creationTime"] >= start + 6 * 3600_000


def test_a_second_server_on_the_same_directory_refuses_and_says_why(own_cloud):
    second = subprocess.run(
        [Server.binary(), "up", "--port", "0", "--data", own_cloud.server.data], capture_output=True, text=True, timeout=20)
    assert second.returncode != 0
    assert str(own_cloud.server.data) in second.stderr or "in use" in second.stderr


def test_a_graceful_stop_keeps_everything(own_cloud):
    logs = own_cloud.client("logs")
    logs.create_log_group(logGroupName="kept")
    own_cloud.restart(kill=False)
    assert [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]] == ["kept"]


def test_the_coverage_page_says_what_this_binary_implements():
    """If this fails after adding an operation: make coverage."""
    page = subprocess.run([Server.binary(), "coverage"], check=True, capture_output=True, text=True).stdout
    assert page == (pathlib.Path(__file__).parents[2] / "docs/COVERAGE.md").read_text()
