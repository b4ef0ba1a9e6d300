"""The whole state is saved to a file while the server runs, and loaded again, here or elsewhere."""

import os
import random
import signal
import subprocess
import threading

import pytest

from harness import Cloud, Server, send, wait_until
from lambdas import ECHO, deploy, make_queue, make_role, receive_all


@pytest.fixture
def file(tmp_path):
    return tmp_path / "state.snapshot"


@pytest.fixture(params=[("disk", "disk"), ("disk", "memory"), ("memory", "disk")], ids="-to-".join)
def pair(request, tmp_path, account):
    """A cloud to save, and another one to load into."""
    clouds = []
    for number, kind in enumerate(request.param):
        directory = tmp_path / str(number)
        directory.mkdir()
        clouds.append(Cloud(Server(directory, ephemeral=kind == "memory").start(), account))
    yield clouds
    for cloud in clouds:
        cloud.server.stop()


def test_everything_is_there_after_a_load_and_work_goes_on(pair, file):
    old, new = pair
    sqs = old.client("sqs")
    url, arn = make_queue(old, VisibilityTimeout=60)
    results, results_arn = make_queue(old, "results")
    role = make_role(old)
    # A mapping, a message that waits, one in flight, one delayed, and an event that is tried again later.
    function = deploy(old, "def handler(event, context):\n    print('got', event)\n    return event\n", role=role)
    failing = deploy(old, "def handler(event, context):\n    print('tried')\n    raise RuntimeError('no')\n", "failing", role=role)
    old.clock.freeze()
    failing.send("event")
    wait_until(lambda: failing.log("tried"), "the first attempt")
    sqs.send_message(QueueUrl=url, MessageBody="in flight")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "in flight"
    sqs.send_message(QueueUrl=url, MessageBody="waits")
    sqs.send_message(QueueUrl=url, MessageBody="delayed", DelaySeconds=300)
    _, source = make_queue(old, "source", VisibilityTimeout=120)
    mapping = old.client("lambda").create_event_source_mapping(EventSourceArn=source, FunctionName="worker", BatchSize=1)["UUID"]
    wait_until(lambda: old.client("lambda").get_event_source_mapping(UUID=mapping)["State"] == "Enabled", "the mapping polls")
    now = old.clock.now_ms()
    old.server.command("snapshot", "save", file)
    assert file.stat().st_mode & 0o777 == 0o600

    make_queue(new, "of-the-target")
    new.server.command("snapshot", "load", file)
    assert new.clock.now_ms() == now and new.clock.state()["mode"] == "frozen"
    sqs = new.client("sqs")
    url, results, source = (address.replace(old.server.endpoint, new.server.endpoint) for address in (url, results, url.replace("queue", "source")))
    names = sorted(u.split("/")[-1] for u in sqs.list_queues()["QueueUrls"])
    assert names == ["queue", "results", "source"]
    assert [m["Body"] for m in receive_all(sqs, url)] == ["waits"]
    new.clock.advance("61s")
    assert [m["Body"] for m in receive_all(sqs, url)] == ["in flight"]
    new.clock.advance("300s")
    assert [m["Body"] for m in receive_all(sqs, url)] == ["delayed"]
    failing = type(failing)(new, "failing")
    wait_until(lambda: len(failing.log("tried")) >= 2, "the event is tried again")
    sqs.send_message(QueueUrl=source, MessageBody="through the mapping")
    function = type(function)(new, "worker")
    wait_until(lambda: function.log("through the mapping"), "the mapping polls")
    assert function.invoke({"a": 1}).value == {"a": 1}
    # The one that was saved has not changed.
    assert old.clock.now_ms() == now
    assert [m["Body"] for m in receive_all(old.client("sqs"), url.replace(new.server.endpoint, old.server.endpoint))] == ["waits"]


def test_the_list_shows_what_is_inside_and_needs_no_server(own_cloud, file):
    for name in "abc":
        make_queue(own_cloud, name)
    deploy(own_cloud, ECHO)
    own_cloud.server.command("snapshot", "save", file)
    text = subprocess.run([Server.binary(), "snapshot", "list", file], check=True, capture_output=True, text=True).stdout
    assert "by dewpoint" in text and "1 packages" in text
    line = next(line for line in text.splitlines() if own_cloud.account in line)
    assert "3 queues" in line and "1 functions" in line


def test_a_server_starts_with_a_snapshot(own_cloud, file, tmp_path, account):
    make_queue(own_cloud, "saved")
    own_cloud.server.command("snapshot", "save", file)
    (tmp_path / "other").mkdir()
    server = Server(tmp_path / "other")
    other = Cloud(server.start(), account)
    make_queue(other, "replaced")
    server.stop()
    server.start("--load", file)
    assert [u.split("/")[-1] for u in other.client("sqs").list_queues()["QueueUrls"]] == ["saved"]
    make_queue(other, "later")
    other.restart(kill=True)
    assert len(other.client("sqs").list_queues()["QueueUrls"]) == 2
    server.stop()
    # A file that cannot be loaded leaves what is there.
    file.write_bytes(file.read_bytes()[:-1])
    failed = subprocess.run([Server.binary(), "up", "--port", "0", "--data", server.data, "--load", file], capture_output=True, text=True)
    assert failed.returncode != 0 and "cut off" in failed.stderr
    server.start()
    assert len(other.client("sqs").list_queues()["QueueUrls"]) == 2
    server.stop()


def test_hostile_files_are_refused_and_the_state_goes_on(own_cloud, file, tmp_path):
    """The command checks first, so the server is also asked directly."""
    make_queue(own_cloud)
    deploy(own_cloud, ECHO)
    own_cloud.server.command("snapshot", "save", file)
    good = file.read_bytes()
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    bad = [b"", b"PK\x03\x04zip", b"dewpoint snapshot 9\n", good + b"x", good[20:], b"\0" * 100_000, os.urandom(5000)]
    bad += [good[:chance.randrange(1, len(good))] for _ in range(10)]
    for _ in range(20):
        place = chance.randrange(len(good))
        bad.append(good[:place] + bytes([good[place] ^ chance.randrange(1, 256)]) + good[place + 1:])
    for body in bad:
        status, answer = own_cloud.server.page("/_dewpoint/snapshot", "POST", body=body)
        assert status == 400 and "snapshot" in answer["message"], (status, answer)
    target = tmp_path / "bad"
    target.write_bytes(bad[-1])
    for command in ("load", "list"):
        failed = own_cloud.server.command("snapshot", command, target, check=False)
        assert failed.returncode == 1 and "snapshot" in failed.stderr
    assert own_cloud.client("sqs").list_queues()["QueueUrls"]
    assert own_cloud.client("lambda").list_functions()["Functions"]
    # Nothing is left of what was refused.
    assert not list(own_cloud.server.data.glob("state-*"))


def test_a_save_that_fails_leaves_the_old_file(own_cloud, file):
    file.write_bytes(b"precious")
    own_cloud.server.stop()
    assert own_cloud.server.command("snapshot", "save", file, check=False).returncode != 0
    assert file.read_bytes() == b"precious"
    assert [p.name for p in file.parent.glob("state.snapshot*")] == ["state.snapshot"]
    own_cloud.server.start()
    assert own_cloud.server.command("snapshot", "save", file.parent / "no" / "such", check=False).returncode == 1


def test_a_snapshot_is_one_moment_while_clients_write(own_cloud, file):
    """Each round writes a message to one queue and deletes it from another: a moment holds the pair in one place."""
    sqs = own_cloud.client("sqs")
    url, _ = make_queue(own_cloud)
    stop = threading.Event()

    def write():
        client = own_cloud.client("sqs")
        while not stop.is_set():
            client.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "x" * 1000} for n in range(10)])

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(5):
            own_cloud.server.command("snapshot", "save", file)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    own_cloud.server.command("snapshot", "load", file)
    received = receive_all(sqs, url)
    # A batch is one transaction.
    assert received and len(received) % 10 == 0


def test_a_kill_in_the_middle_of_a_load_leaves_the_old_state_or_the_new_one(own_cloud, file):
    sqs = own_cloud.client("sqs")
    url, _ = make_queue(own_cloud, "of-the-file")
    for _ in range(30):
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "x" * 20_000} for n in range(10)])
    own_cloud.server.command("snapshot", "save", file)
    send(own_cloud.server.endpoint + "/_dewpoint/reset", "POST")
    make_queue(own_cloud, "old")
    seen = set()
    for delay in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8):
        load = subprocess.Popen(
            [Server.binary(), "snapshot", "load", file, "--endpoint", own_cloud.server.endpoint], stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL)
        kill = threading.Timer(delay, own_cloud.server.process.send_signal, [signal.SIGKILL])
        kill.start()
        load.wait(30)
        kill.join()
        own_cloud.server.process.wait()
        own_cloud.server.process = None
        own_cloud.server.start()
        names = [u.split("/")[-1] for u in own_cloud.client("sqs").list_queues()["QueueUrls"]]
        assert names in (["old"], ["of-the-file"]), names
        if names == ["of-the-file"]:
            assert len(receive_all(own_cloud.client("sqs"), url)) == 300
            send(own_cloud.server.endpoint + "/_dewpoint/reset", "POST")
            make_queue(own_cloud, "old")
        seen.add(names[0])
    assert "old" in seen


def test_one_load_at_a_time(own_cloud, file):
    make_queue(own_cloud)
    own_cloud.server.command("snapshot", "save", file)
    loads = [subprocess.Popen([Server.binary(), "snapshot", "load", file, "--endpoint", own_cloud.server.endpoint],
                              stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    results = [(load.communicate(timeout=60), load.returncode) for load in loads]
    assert any(code == 0 for _, code in results)
    assert all(code == 0 or "being loaded" in err for (_, err), code in results), results
    assert own_cloud.client("sqs").list_queues()["QueueUrls"]
