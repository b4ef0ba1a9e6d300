"""CloudWatch Logs through boto3 and the AWS CLI."""

import json
import time

import pytest


@pytest.fixture
def logs(cloud):
    return cloud.client("logs")


def prepare(logs, group="g", *streams):
    logs.create_log_group(logGroupName=group)
    for stream in streams:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)


def put(logs, group, stream, *events):
    return logs.put_log_events(
        logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": t, "message": m} for t, m in events])


def now_ms():
    return int(time.time() * 1000)


def messages(page):
    return [event["message"] for event in page["events"]]


def test_groups_and_streams_live_and_die(logs, refused):
    prepare(logs, "g", "s")
    with refused("ResourceAlreadyExistsException", 400) as error:
        logs.create_log_group(logGroupName="g")
    assert error.message == "The specified log group already exists"
    with refused("ResourceAlreadyExistsException", 400) as error:
        logs.create_log_stream(logGroupName="g", logStreamName="s")
    assert error.message == "The specified log stream already exists"
    logs.delete_log_stream(logGroupName="g", logStreamName="s")
    with refused("ResourceNotFoundException", 400) as error:
        logs.get_log_events(logGroupName="g", logStreamName="s")
    assert error.message == "The specified log stream does not exist."
    logs.delete_log_group(logGroupName="g")
    with refused("ResourceNotFoundException", 400) as error:
        logs.describe_log_streams(logGroupName="g")
    assert error.message == "The specified log group does not exist."


def test_groups_are_described_in_pages(cloud, logs):
    for i in range(7):
        logs.create_log_group(logGroupName=f"/app/{i}")
    pages = list(logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/app", PaginationConfig={"PageSize": 3}))
    assert [len(page["logGroups"]) for page in pages] == [3, 3, 1]
    group = pages[0]["logGroups"][0]
    assert group["arn"] == f"arn:aws:logs:us-east-1:{cloud.account}:log-group:/app/0:*"
    assert group["storedBytes"] == 0 and "retentionInDays" not in group
    assert [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePattern="p/3")["logGroups"]] == ["/app/3"]


@pytest.mark.parametrize("name", ["bad name", "x" * 513, "a:b"])
def test_group_names_are_checked(logs, refused, name):
    with refused("InvalidParameterException", 400, containing=f"1 validation error detected: Value '{name}' at 'logGroupName'"):
        logs.create_log_group(logGroupName=name)


def test_events_are_read_forwards_and_backwards(logs):
    prepare(logs, "g", "s")
    start = now_ms() - 60_000
    put(logs, "g", "s", *[(start + i, f"m{i}") for i in range(10)])
    first = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True, limit=6)
    assert messages(first) == [f"m{i}" for i in range(6)]
    second = logs.get_log_events(logGroupName="g", logStreamName="s", nextToken=first["nextForwardToken"], startFromHead=True)
    assert messages(second) == ["m6", "m7", "m8", "m9"]
    third = logs.get_log_events(logGroupName="g", logStreamName="s", nextToken=second["nextForwardToken"], startFromHead=True)
    assert messages(third) == [] and third["nextForwardToken"] == second["nextForwardToken"]
    newest = logs.get_log_events(logGroupName="g", logStreamName="s", limit=2)
    assert messages(newest) == ["m8", "m9"]
    older = logs.get_log_events(logGroupName="g", logStreamName="s", limit=2, nextToken=newest["nextBackwardToken"])
    assert messages(older) == ["m6", "m7"]


def test_events_outside_the_times_are_told(logs, refused):
    prepare(logs, "g", "s")
    now = now_ms()
    answer = put(logs, "g", "s", (now, "ok"), (now + 3 * 3600_000, "too new"))
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    assert answer["nextSequenceToken"]
    answer = put(logs, "g", "s", (now - 15 * 86_400_000, "too old"))
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    with refused("InvalidParameterException", 400) as error:
        put(logs, "g", "s", (now, "b"), (now - 1, "a"))
    assert error.message == "Log events in a single PutLogEvents request must be in chronological order."
    assert messages(logs.get_log_events(logGroupName="g", logStreamName="s")) == ["ok"]


def test_a_group_is_filtered_over_its_streams_in_the_order_of_time(logs):
    prepare(logs, "g", "a", "b")
    start = now_ms() - 60_000
    put(logs, "g", "a", *[(start + 10 * i, json.dumps({"level": "INFO", "n": 2 * i})) for i in range(20)])
    put(logs, "g", "b", *[(start + 10 * i + 5, json.dumps({"level": "ERROR", "n": 2 * i + 1})) for i in range(20)])
    paginator = logs.get_paginator("filter_log_events")
    events = [e for page in paginator.paginate(logGroupName="g", PaginationConfig={"PageSize": 7}) for e in page["events"]]
    assert [json.loads(e["message"])["n"] for e in events] == list(range(40))
    assert len({e["eventId"] for e in events}) == 40
    assert {e["logStreamName"] for e in events} == {"a", "b"}
    assert all(e["ingestionTime"] >= start for e in events)

    def found(**options):
        return [json.loads(m)["n"] for m in messages(logs.filter_log_events(logGroupName="g", **options))]

    assert found(filterPattern='{ $.level = "ERROR" && $.n > 35 }') == [37, 39]
    assert found(filterPattern="ERROR -39", startTime=start + 180) == [37]
    assert found(logStreamNames=["a"], endTime=start + 20) == [0, 2, 4]
    assert found(logStreamNamePrefix="b", limit=2) == [1, 3]


def test_a_bad_filter_pattern_is_refused(logs, refused):
    prepare(logs)
    with refused("InvalidParameterException", 400, containing="Invalid filter pattern"):
        logs.filter_log_events(logGroupName="g", filterPattern="{ $.a = ")


def test_tail_as_the_cli_follows_it(logs):
    """What `aws logs tail --follow` does: ask again from the newest timestamp and drop the event ids that were seen."""
    prepare(logs, "g", "s")
    start = now_ms() - 1000
    seen, newest, output = set(), start, []

    def turn():
        nonlocal newest
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName="g", interleaved=True, startTime=newest):
            for event in page["events"]:
                if event["eventId"] not in seen:
                    seen.add(event["eventId"])
                    output.append(event["message"])
                    newest = max(newest, event["timestamp"])

    for i in range(5):
        put(logs, "g", "s", (start + i, f"x{i}"), (start + i, f"y{i}"))
        turn()
    turn()
    assert output == [f"{letter}{i}" for i in range(5) for letter in "xy"]


def test_the_cli_writes_reads_and_filters(cloud):
    cloud.cli("logs", "create-log-group", "--log-group-name", "/cli")
    cloud.cli("logs", "create-log-stream", "--log-group-name", "/cli", "--log-stream-name", "2026/01/01/[$LATEST]0")
    now = now_ms()
    cloud.cli(
        "logs", "put-log-events", "--log-group-name", "/cli", "--log-stream-name", "2026/01/01/[$LATEST]0", "--log-events",
        json.dumps([{"timestamp": now, "message": "ERROR one"}, {"timestamp": now + 1, "message": "INFO two"}]))
    got = cloud.cli_json(
        "logs", "get-log-events", "--log-group-name", "/cli", "--log-stream-name", "2026/01/01/[$LATEST]0", "--start-from-head")
    assert messages(got) == ["ERROR one", "INFO two"]
    assert messages(cloud.cli_json("logs", "filter-log-events", "--log-group-name", "/cli", "--filter-pattern", "ERROR")) == ["ERROR one"]
    streams = cloud.cli_json(
        "logs", "describe-log-streams", "--log-group-name", "/cli", "--order-by", "LastEventTime", "--descending")["logStreams"]
    assert streams[0]["lastEventTimestamp"] == now + 1


def test_retention_follows_the_clock(own_cloud, clock, refused):
    logs = own_cloud.client("logs")
    clock.freeze()
    prepare(logs, "g", "s")
    put(logs, "g", "s", (clock.now_ms(), "old"))
    with refused("InvalidParameterException", 400):
        logs.put_retention_policy(logGroupName="g", retentionInDays=2)
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    clock.advance("12h")
    put(logs, "g", "s", (clock.now_ms(), "new"))
    clock.advance("13h")
    assert messages(logs.filter_log_events(logGroupName="g")) == ["new"]
    assert messages(logs.get_log_events(logGroupName="g", logStreamName="s")) == ["new"]


def test_tags_are_kept(cloud, logs):
    logs.create_log_group(logGroupName="g", tags={"a": "1"})
    arn = f"arn:aws:logs:us-east-1:{cloud.account}:log-group:g"
    logs.tag_resource(resourceArn=arn, tags={"b": "2"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "1", "b": "2"}
    logs.untag_log_group(logGroupName="g", tags=["a"])
    assert logs.list_tags_log_group(logGroupName="g")["tags"] == {"b": "2"}


def test_acknowledged_events_survive_a_kill(own_cloud):
    logs = own_cloud.client("logs")
    prepare(logs, "g", "s")
    now = now_ms()
    for i in range(20):
        put(logs, "g", "s", (now + i, f"m{i}"))
    own_cloud.restart(kill=True)
    page = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)
    assert messages(page) == [f"m{i}" for i in range(20)]
    [group] = logs.describe_log_groups()["logGroups"]
    assert group["storedBytes"] == sum(len(f"m{i}") + 26 for i in range(20))
