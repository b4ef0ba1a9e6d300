"""What EventBridge does in its own time: retries, schedules, archives and replays, and what a crash leaves."""

import json

import pytest

from events import Endpoint, bodies, event_queue, event_role, messages, put, rule
from harness import wait_until
from lambdas import make_queue


@pytest.fixture
def frozen(timed_cloud):
    timed_cloud.clock.freeze()
    return timed_cloud


@pytest.fixture
def endpoint():
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


def destination(cloud, endpoint, auth, kind, path="/orders", **more):
    events = cloud.client("events")
    connection = events.create_connection(Name="c", AuthorizationType=kind, AuthParameters=auth)
    made = events.create_api_destination(
        Name="d", ConnectionArn=connection["ConnectionArn"], InvocationEndpoint=endpoint.url + path, HttpMethod="POST", **more)
    return made["ApiDestinationArn"]


def test_a_scheduled_rule_follows_the_clock_and_fires_once_after_a_rest(own_cloud):
    cloud = own_cloud
    cloud.clock.freeze()
    url, arn = event_queue(cloud)
    events = cloud.client("events")
    rule_arn = events.put_rule(Name="tick", ScheduleExpression="rate(5 minutes)")["RuleArn"]
    events.put_targets(Rule="tick", Targets=[{"Id": "t", "Arn": arn}])
    cloud.clock.advance("5m")
    event = bodies(cloud, url)[0]
    assert (event["source"], event["detail-type"], event["detail"], event["resources"]) == (
        "aws.events", "Scheduled Event", {}, [rule_arn])
    cloud.clock.advance("5m")
    bodies(cloud, url)
    cloud.restart(kill=True)
    cloud.clock.advance("1h")
    bodies(cloud, url)
    cloud.clock.advance("4m")
    assert "Messages" not in cloud.client("sqs").receive_message(QueueUrl=url)


def test_retries_follow_the_clock(frozen, endpoint):
    url, dead = event_queue(frozen, "dead")
    arn = destination(frozen, endpoint, {"BasicAuthParameters": {"Username": "ann", "Password": "pw"}}, "BASIC")
    endpoint.answers["/orders"] = [(500, {}), (503, {}), (200, {})]
    rule(frozen, arn, RoleArn=event_role(frozen), DeadLetterConfig={"Arn": dead})
    put(frozen, {"n": 1})
    for count in (1, 2, 3):
        wait_until(lambda: len(endpoint.requests) == count, f"request {count}")
        frozen.clock.advance("10s")
    assert {headers["authorization"] for _, _, headers, _ in endpoint.requests} == {"Basic YW5uOnB3"}
    endpoint.answers["/orders"] = [(500, {})]
    events = frozen.client("events")
    events.put_targets(Rule="orders", Targets=[{
        "Id": "t", "Arn": arn, "RoleArn": f"arn:aws:iam::{frozen.account}:role/sender", "DeadLetterConfig": {"Arn": dead},
        "RetryPolicy": {"MaximumRetryAttempts": 1}}])
    put(frozen, {"n": 2})
    wait_until(lambda: len(endpoint.requests) == 4, "the first attempt")
    frozen.clock.advance("10s")
    attributes = messages(frozen, url)[0]["MessageAttributes"]
    assert attributes["EXHAUSTED_RETRY_CONDITION"]["StringValue"] == "MaximumRetryAttempts"
    assert attributes["ERROR_CODE"]["StringValue"] == "ERROR_FROM_TARGET"
    assert len(endpoint.requests) == 5


def test_an_oauth_connection_fetches_tokens_and_shows_no_secret(frozen, endpoint):
    endpoint.answers["/token"] = [(200, {"access_token": "one", "expires_in": 3600}), (200, {"access_token": "two"})]
    arn = destination(frozen, endpoint, {
        "OAuthParameters": {
            "ClientParameters": {"ClientID": "id", "ClientSecret": "very secret"}, "AuthorizationEndpoint": endpoint.url + "/token",
            "HttpMethod": "POST"},
        "InvocationHttpParameters": {"HeaderParameters": [{"Key": "x-extra", "Value": "hidden", "IsValueSecret": True}]},
    }, "OAUTH_CLIENT_CREDENTIALS", path="/orders/*")
    events = frozen.client("events")
    wait_until(lambda: events.describe_connection(Name="c")["ConnectionState"] == "AUTHORIZED", "the first token")
    shown = events.describe_connection(Name="c")
    assert "secret" not in json.dumps(shown["AuthParameters"]).replace("IsValueSecret", "") and "hidden" not in json.dumps(shown, default=str)
    assert events.describe_api_destination(Name="d")["ApiDestinationState"] == "ACTIVE"
    rule(frozen, arn, RoleArn=event_role(frozen), HttpParameters={
        "PathParameterValues": ["$.detail.id"], "QueryStringParameters": {"kind": "$.detail-type"}, "HeaderParameters": {"x-a": "b"}})
    put(frozen, {"id": "o/1"})
    wait_until(lambda: endpoint.to("/orders/o%2F1"), "the call")
    method, path, headers, body = endpoint.to("/orders/o%2F1")[0]
    assert (method, path) == ("POST", "/orders/o%2F1?kind=order")
    assert (headers["authorization"], headers["x-extra"], headers["x-a"]) == ("Bearer one", "hidden", "b")
    assert json.loads(body)["detail"] == {"id": "o/1"}
    frozen.clock.advance("1h")
    put(frozen, {"id": "2"})
    wait_until(lambda: endpoint.to("/orders/2"), "the second call")
    assert endpoint.to("/orders/2")[0][2]["authorization"] == "Bearer two"
    assert "grant_type=client_credentials" in endpoint.to("/token")[0][3]


def test_an_archive_is_replayed_to_chosen_rules(frozen):
    events = frozen.client("events")
    bus = events.create_event_bus(Name="b")["EventBusArn"]
    archive = events.create_archive(
        ArchiveName="a", EventSourceArn=bus, RetentionDays=2, EventPattern=json.dumps({"source": ["shop"]}))
    assert archive["State"] == "ENABLED"
    put(frozen, {"n": 1}, {"n": 2}, EventBusName="b")
    put(frozen, {"n": 3}, source="other", EventBusName="b")
    shown = events.describe_archive(ArchiveName="a")
    assert shown["EventCount"] == 2 and shown["SizeBytes"] > 100
    (first, first_arn), (second, second_arn) = event_queue(frozen, "first"), event_queue(frozen, "second")
    rule(frozen, first_arn, "first", bus="b")
    chosen = rule(frozen, second_arn, "second", bus="b")
    now = frozen.clock.now_ms() // 1000
    started = events.start_replay(
        ReplayName="again", EventSourceArn=archive["ArchiveArn"], EventStartTime=now - 60, EventEndTime=now + 60,
        Destination={"Arn": bus, "FilterArns": [chosen]})
    assert started["State"] == "STARTING"
    found = bodies(frozen, second, 2)
    assert sorted(event["detail"]["n"] for event in found) == [1, 2]
    assert {event["replay-name"] for event in found} == {"again"}
    wait_until(lambda: events.describe_replay(ReplayName="again")["State"] == "COMPLETED", "the end of the replay")
    assert "Messages" not in frozen.client("sqs").receive_message(QueueUrl=first)
    assert events.describe_archive(ArchiveName="a")["EventCount"] == 2
    frozen.clock.advance("72h")
    wait_until(lambda: events.describe_archive(ArchiveName="a")["EventCount"] == 0, "the end of the retention")


def test_a_kill_loses_no_accepted_event_no_retry_and_no_replay(own_cloud):
    cloud = own_cloud
    events = cloud.client("events")
    url, arn = event_queue(cloud)
    waiting, closed = make_queue(cloud, "closed")
    bus = events.create_event_bus(Name="b")["EventBusArn"]
    archive = events.create_archive(ArchiveName="a", EventSourceArn=bus)["ArchiveArn"]
    for start in range(0, 300, 10):
        put(cloud, *({"n": n} for n in range(start, start + 10)), EventBusName="b")
    rule(cloud, arn, "replayed", bus="b")
    now = cloud.clock.now_ms() // 1000
    events.start_replay(ReplayName="r", EventSourceArn=archive, EventStartTime=now - 600, EventEndTime=now + 600, Destination={"Arn": bus})
    rule(cloud, arn, "live", pattern=json.dumps({"source": ["live"]}))
    accepted = put(cloud, *({"n": n} for n in range(1000, 1010)), source="live")
    cloud.restart(kill=True)
    seen, ids = set(), set()

    def all_there():
        for event in bodies(cloud, url, 1):
            seen.add(event["detail"]["n"])
            ids.add(event["id"])
        return seen >= set(range(300)) and ids >= set(accepted)
    wait_until(all_there, "all events", limit=60)
    assert cloud.client("events").describe_replay(ReplayName="r")["State"] == "COMPLETED"
