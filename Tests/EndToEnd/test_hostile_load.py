"""Functions that take all they can get: each stops at its own limit, and its neighbours do not notice."""

import os
import pathlib
import time

import pytest

from harness import wait_until
from hostiles import Stage

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="without root, functions share the uid of the server")
LARGE = {"MemorySize": 1769, "Timeout": 60}
SMALL = {"MemorySize": 256, "Timeout": 60}


@pytest.fixture(scope="module")
def stage(module_server):
    return Stage(module_server)


def test_a_fork_bomb_stays_in_its_sandbox(stage):
    options = SMALL | {"Timeout": 15}
    answer = stage.attack("fork_bomb", options=options, seconds=3)
    # It meets its limit of processes or of memory, whichever comes first.
    if answer.error is None:
        assert answer.value == "EAGAIN"
    else:
        assert answer.failure["errorType"] in ("Runtime.OutOfMemory", "Runtime.ExitError", "Sandbox.Timedout")
    assert stage.is_well(options)


def test_threads_and_descriptors_have_their_limits(stage):
    assert 500 < stage.attack("thread_bomb", options=LARGE).value < 1024
    count, error = stage.attack("descriptors", options=LARGE).value
    assert 900 < count < 1024 and error == "EMFILE"


def test_disks_fill_up_to_the_limit_and_only_tmp_can_be_written(stage):
    found = stage.attack("disk", options=LARGE).value
    written, error = found.pop("/tmp")
    assert 511 << 20 <= written <= 512 << 20 and error == "ENOSPC"
    assert {error if written == 0 else written for written, error in found.values()} <= {"EROFS", "EACCES", "ENOENT"}, found
    stage.attack("empty_tmp", options=LARGE)
    assert stage.attack("write_tmp", options=LARGE).value == "written"


def test_names_in_tmp_have_a_limit_too(stage):
    made, error = stage.attack("inodes", options=LARGE).value
    assert made < 140_000 and error == "ENOSPC"
    stage.attack("empty_tmp", options=LARGE)
    assert stage.attack("write_tmp", options=LARGE).value == "written"


@pytest.mark.parametrize("kind", ["anonymous", "memfd", "children", "shared", "pipes", "unix sockets"])
def test_memory_of_every_kind_is_limited(stage, kind):
    answer = stage.attack("memory", options=SMALL | {"Timeout": 30}, kind=kind)
    if kind == "children":
        # The kernel may choose the children first, then the invocation runs into its time.
        assert answer.failure["errorType"] in ("Runtime.OutOfMemory", "Sandbox.Timedout")
    elif kind in ("pipes", "unix sockets"):
        # The kernel may kill one of its processes that is not the runtime; pipes get small before they take all memory.
        assert answer.error is None or answer.failure["errorType"] in ("Runtime.OutOfMemory", "Sandbox.Timedout")
    else:
        assert answer.failure["errorType"] == "Runtime.OutOfMemory", answer.body
        assert "Max Memory Used: 256 MB" in answer.log
    assert stage.is_well(SMALL | {"Timeout": 30})


def test_a_flood_of_connections_fills_its_own_share_only(stage):
    assert stage.attack("flood", options=LARGE, processes=10, seconds=8).value == "flooded"
    assert stage.is_well(LARGE)


def test_bytes_that_wait_in_sockets_do_no_harm(stage):
    options = {"MemorySize": 256, "Timeout": 20}
    answer = stage.attack("socket_buffers", options=options, processes=4, seconds=5)
    assert answer.error is None or answer.failure["errorType"] == "Runtime.OutOfMemory"
    assert stage.is_well(options)


def test_endless_logs_slow_down_only_their_writer(stage):
    assert stage.attack("log_lines", options=LARGE, seconds=3).value > 0
    assert stage.attack("log_without_end", options=LARGE, seconds=3).value > 0
    assert stage.attack("log_frames", options=LARGE).value == "written"
    answer = stage.attacker(**LARGE).invoke({"attack": "look_around"})
    assert answer.value and answer.log.rstrip().splitlines()[-1].startswith("REPORT")


def test_a_huge_answer_is_an_error_of_the_function(stage):
    for size in (7 << 20, 64 << 20):
        answer = stage.attack("large", options=LARGE, bytes=size)
        assert answer.failure["errorType"] == "Function.ResponseSizeTooLarge"
    assert stage.is_well(LARGE)


def test_what_lies_in_tmp_cannot_mislead_the_cleaner(stage, tmp_path):
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "file").write_text("kept")
    os.chmod(canary, 0o777)
    options = {"Timeout": 30, "Description": "links"}
    before = set(pathlib.Path("/run/dewpoint").iterdir())
    depth, *renames = stage.attack(
        "links", options=options, targets=[str(canary), str(canary / "file"), "/", "/etc", str(stage.server.data), "/run/dewpoint"]).value
    assert depth == 2000 and set(renames) <= {"EBUSY", "EROFS", "EACCES", "EPERM"}
    # Spares take the places of used environments: what must go is the directory with these links.
    mine = [path for path in pathlib.Path("/run/dewpoint").glob("*/tmp/loop")] or [p for p in pathlib.Path("/run/dewpoint").glob("*/tmp") if os.path.lexists(p / "loop")]
    mine = {p if p.name == "tmp" else p.parent for p in mine}
    assert len(mine) == 1, (mine, before)
    stage.cloud.client("lambda").delete_function(FunctionName=stage.attacker(**options).name)
    stage._attackers.pop(repr(sorted(options.items())))
    wait_until(lambda: not os.path.lexists(next(iter(mine)).parent), "its directory is gone")
    assert (canary / "file").read_text() == "kept" and pathlib.Path("/etc/passwd").stat().st_size > 0
    assert stage.server.data.exists()


def idle_seconds():
    """Of all processors of the host together, since its start."""
    return int(pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[4]) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("memory, expected", [(1769, 1.0), (884, 0.5), (354, 0.2)])
def test_processor_time_is_shared_by_memory_size(stage, memory, expected):
    options = {"MemorySize": memory, "Timeout": 60}
    stage.attacker(**options).invoke({"attack": "look_around"})  # its init phase is not limited
    began, idle = time.monotonic(), idle_seconds()
    used = stage.attack("busy", options=options, seconds=4, processes=3).value
    idle = (idle_seconds() - idle) / (time.monotonic() - began)
    # Never more than its share, whatever the number of processes; less only when the host has none to give.
    assert used <= expected * 1.1 + 0.02
    assert used >= expected * 0.85 or idle < 0.1
