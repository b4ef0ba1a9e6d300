"""Functions that mean harm: what they reach for is not there, and nobody beside them notices."""

import os
import pathlib
import platform
import socket
import subprocess
import threading

import pytest

from harness import wait_until
from hostiles import Stage, processes_with, wait_gone
from lambdas import deploy

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="without root, functions share the uid of the server")
NOT_THERE = {"ENOENT", "EACCES", "ENOTDIR"}
READ_ONLY = {"EROFS", "EACCES", "EPERM", "ENOENT", "EISDIR"}


@pytest.fixture(scope="module")
def stage(module_server):
    return Stage(module_server)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the attacks name calls by their numbers on x86-64")
def test_dangerous_system_calls_are_refused(stage):
    found = stage.attack("system_calls").value
    assert len(found) > 50
    refusals = {"EPERM", "ENOSYS", "EACCES"}
    wrong = {name: seen for name, seen in found.items() if seen not in refusals}
    assert wrong == {}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors have no such entry")
def test_the_32_bit_entry_to_the_kernel_ends_the_process(stage):
    answer = stage.attack("old_entry")
    assert answer.failure["errorType"] == "Runtime.ExitError" and "bad system call" in answer.failure["errorMessage"]
    assert stage.is_well()


def test_only_internet_and_local_sockets_can_be_made(stage):
    found = stage.attack("sockets").value
    assert {name for name, seen in found.items() if seen == "done"} == {"inet", "unix", "netlink"}


def test_a_function_is_confined_in_every_respect(stage):
    found = stage.attack("look_around").value
    nothing = "0" * 16
    assert found["status"] == {
        "CapEff": nothing, "CapPrm": nothing, "CapBnd": nothing, "CapInh": nothing, "CapAmb": nothing, "NoNewPrivs": "1", "Seccomp": "2"}
    assert all(number >= 1000 for number in found["ids"]) and found["groups"] in ([], [found["ids"][3]])
    for name, inside in found["namespaces"].items():
        assert inside != os.readlink(f"/proc/self/ns/{name}"), name
    assert found["mounts"]["/"] == "ro" and found["mounts"]["/var/task"] == "ro" and found["mounts"]["/tmp"] == "rw"
    writable = {path for path, way in found["mounts"].items() if way == "rw"}
    assert {path for path in writable if not path.startswith(("/proc", "/dev/"))} == {"/tmp"}
    assert found["interfaces"] == ["lo"] and found["host"] != socket.gethostname()


def test_files_of_the_host_and_of_others_are_not_there(stage):
    server, mine = stage.server, str(pathlib.Path(__file__).parent)
    data = server.data
    host = ["/etc/shadow", "/etc/sudoers", "/root/.ssh", "/root/.bashrc", "/home", "/var/lib", "/var/log", "/boot", "/sys", "/sys/fs/cgroup",
            "/sys/kernel", "/run/dewpoint/1", "/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/sda", "/dev/net/tun", "/dev/fuse", "/dev/kvm"]
    secret = [mine, data, data / "store", data / "lambda", data / "lambda" / "code", data / "blobs", server.directory]
    kernel = ["/proc/kcore", "/proc/kmsg", "/proc/1/environ", "/proc/1/mem", "/proc/1/root", "/proc/1/cwd", "/proc/1/map_files",
              f"/proc/{server.process.pid}/environ", f"/proc/{server.process.pid}/root", f"/proc/{os.getpid()}/environ"]
    writes = ["/var/task/index.py", "/var/task/new", "/opt/new", "/var/runtime/new", "/usr/bin/env", "/usr/new", "/etc/passwd", "/etc/new",
              "/new", "/bin/sh", "/dev/new", "/dev/shm/new", "/run/new", "/var/new", "/proc/sys/kernel/core_pattern",
              "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/proc/sys/net/ipv4/ip_forward", "/proc/sysrq-trigger",
              "/proc/self/uid_map", "/proc/irq/default_smp_affinity", "/proc/1/oom_score_adj", "/sys/fs/cgroup/memory/cgroup.procs"]
    found = stage.attack("files", read=[str(p) for p in host + secret + kernel], write=writes).value
    open_reads = {path: seen for path, seen in found["read"].items() if seen and seen not in ("EPERM", *NOT_THERE)}
    assert open_reads == {}
    open_writes = {path: seen for path, seen in found["write"].items() if seen not in READ_ONLY | {"EINVAL", "ENOTDIR"}}
    assert open_writes == {}
    assert found["chmod"] in READ_ONLY and found["chown"] in READ_ONLY
    devices = {"console", "core", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"}
    assert set(found["devices"]) <= devices


def test_the_code_of_others_is_not_there(stage):
    code = stage.server.data / "lambda" / "code"
    packages = [str(path) for path in code.glob("*")]
    assert len(packages) >= 2
    assert set(stage.attack("files", read=packages, write=[]).value["read"].values()) <= NOT_THERE


def test_programs_with_the_set_user_id_bit_give_nothing(stage):
    found = stage.attack("setuid").value
    if found is None:
        pytest.skip("this host has no such program")
    assert found["Uid"] == [str(found["mine"])] * 4 and found["CapEff"] == ["0" * 16]


def test_only_its_own_processes_are_seen_and_signalled(stage):
    assert len(stage.attack("processes").value) <= 4
    found = stage.attack("signals", server=stage.server.process.pid).value
    assert found["server"] == "ESRCH"
    # Its own children die, process 1 of the sandbox and the runtime do not.
    assert found["child"] == -9
    assert found["first's memory"] == found["first's environment"] == found["first's descriptors"] == "EACCES"
    assert found["oom"] == "EACCES"
    assert stage.is_well()


def test_a_process_that_stops_itself_costs_one_invocation(stage):
    answer = stage.attack("stop_myself", options={"Timeout": 2})
    assert answer.failure["errorType"] == "Sandbox.Timedout"
    assert stage.is_well({"Timeout": 2})


def test_the_runtime_api_serves_the_own_environment_only(stage):
    sleeper = deploy(stage.neighbour.function.cloud, "import time\ndef handler(e, c):\n    time.sleep(3)\n    return 'mine'\n", name="sleeper")
    result = []
    thread = threading.Thread(target=lambda: result.append(sleeper.invoke()), daemon=True)
    thread.start()
    started = wait_until(lambda: sleeper.log("START RequestId: "), "it runs")
    other = started[0][1].split()[2]
    found = stage.attack("runtime_api", id=other).value
    assert found["other"][0] == found["other's error"][0] == 400 and "InvalidRequestID" in found["other"][1]
    assert found["made up"][0] in (400, 404) and found["init"][0] == found["next"][0] == 403 and found["elsewhere"][0] == 404
    thread.join(20)
    assert result[0].value == "mine"


def test_pages_of_the_server_are_closed_to_functions(stage):
    asked = [("POST", "/_dewpoint/reset"), ("GET", "/_dewpoint/snapshot"), ("POST", "/_dewpoint/snapshot"), ("POST", "/_dewpoint/clock"),
             ("GET", "/_dewpoint/denials"), ("GET", "/_dewpoint/iam/generate"), ("GET", "/_dewpoint/metrics"), ("POST", "/_localstack/state/reset")]
    found = stage.attack("pages", pages=asked).value
    assert {path: status for path, (status, _) in found.items() if status not in (400, 403, 404, 405)} == {}
    assert stage.is_well()


def test_keys_of_others_are_worth_nothing_inside(stage):
    keys = ["300000000002", "000000000000", "test", "AKIAIOSFODNN7EXAMPLE"]
    found = stage.attack("keys", keys=keys).value
    assert set(found.values()) <= {"UnrecognizedClientException", "InvalidClientTokenId", "AccessDeniedException"}, found


def test_nothing_that_listens_on_the_host_is_reached(stage):
    name = f"dewpoint-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as abstract, socket.create_server(("0.0.0.0", 0)) as everywhere, \
            socket.create_server(("::", 0), family=socket.AF_INET6) as everywhere6:
        abstract.bind("\0" + name)
        abstract.listen()
        port, port6 = everywhere.getsockname()[1], everywhere6.getsockname()[1]
        own = [line.split()[3].split("/")[0] for line in subprocess.run(
            ["ip", "-o", "-4", "address"], capture_output=True, text=True).stdout.splitlines()]
        addresses = [("abstract", name), ("4", ["127.0.0.1", stage.server.port]), ("4", ["169.254.169.254", 80]), ("6", ["::1", port6])]
        addresses += [("4", [address, port]) for address in {"127.0.0.1", "127.0.0.2", *own}]
        # The neighbour's Runtime API is on the same address as the own one; what other listeners it may have is not.
        found = stage.attack("reach", addresses=addresses).value
    assert set(found.values()) <= {"ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "ETIMEDOUT", "EADDRNOTAVAIL"}, found


def test_processes_left_behind_end_with_the_environment(stage):
    mark = f"orphan-{os.getpid()}"
    cloud = stage.cloud
    function = stage.attacker(Description="orphan")
    size = stage.attack("orphan", options={"Description": "orphan"}, mark=mark).value
    assert size >= 0 and processes_with(mark)
    # Frozen with the environment: it does not run between invocations.
    assert stage.attack("orphan_size", options={"Description": "orphan"}).value < size + 60
    cloud.client("lambda").delete_function(FunctionName=function.name)
    stage._attackers.pop(repr([("Description", "orphan")]))
    wait_gone(mark)


def test_closing_the_runtime_api_ends_only_itself(stage):
    answer = stage.attack("close_runtime_api")
    assert answer.error is None or answer.failure["errorType"].startswith("Runtime.")
    assert stage.is_well()
