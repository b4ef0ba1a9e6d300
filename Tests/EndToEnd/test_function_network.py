"""The way out of functions: to what the host reaches, and to nothing of the host."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import threading

import pytest

from harness import Cloud, Server, wait_until
from hostiles import processes_with
from lambdas import ECHO, LOGS, deploy, make_role, zipped
from network_world import FAR, HOST, INTERNET, World

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces are made by root only")
WAY_OUT = ["--function-network", "outbound"]

PROBE = """
    import errno, json, os, socket, urllib.request, uuid
    BOOT = uuid.uuid4().hex

    def tell(action):
        try:
            return action()
        except socket.gaierror as error:
            return "gaierror %d" % error.errno
        except TimeoutError:
            return "ETIMEDOUT"
        except OSError as error:
            return errno.errorcode.get(getattr(error.reason, "errno", None) if hasattr(error, "reason") else error.errno, str(error))

    def connect(address, limit=2):
        kind = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        with socket.socket(kind) as one:
            one.settimeout(limit)
            one.connect(tuple(address))
            return "connected"

    def page(url):
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read().decode()

    def datagrams(address, count):
        answered = 0
        for number in range(count):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.settimeout(2 if count == 1 else 0.001)
                one.connect(tuple(address))
                try:
                    one.send(b"hello %d" % number)
                    one.recv(100)
                    answered += 1
                except OSError:
                    pass
        return answered

    def names(name):
        return sorted({found[4][0] for found in socket.getaddrinfo(name, 80, socket.AF_INET)})

    def handler(event, context):
        found = {}
        for what, value in event.items():
            if what == "connect": found[what] = {a[0] + ":" + str(a[1]): tell(lambda: connect(a)) for a in value}
            if what == "page": found[what] = tell(lambda: page(value))
            if what == "datagrams": found[what] = datagrams(*value)
            if what == "names": found[what] = {n: tell(lambda: names(n)) for n in value}
            if what == "interfaces": found[what] = {n: open(f"/sys/class/net/{n}").read() if 0 else n for _, n in socket.if_nameindex()}
            if what == "listen": found[what] = tell(lambda: (socket.create_server(("0.0.0.0", value)), "listening")[1])
            if what == "caller":
                import boto3
                found[what] = boto3.client("sts").get_caller_identity()["Account"]
        return found | {"boot": BOOT, "host": socket.gethostname(), "address": tell(lambda: os.popen("cat /proc/net/fib_trie").read())}
    """


@pytest.fixture(scope="module")
def world():
    with World() as made:
        yield made


@pytest.fixture(scope="module")
def outbound(world, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("outbound"), *WAY_OUT).start()
    yield server
    server.stop()


@pytest.fixture
def cloud(outbound, account):
    return Cloud(outbound, account)


def own_address(answer):
    """Of the function's interface, from the kernel's table of addresses."""
    return next(word for word in answer["address"].split() if word.startswith("169.254.") and not word.endswith((".0", "254.1")) and "/" not in word)


def test_a_function_reaches_the_internet(cloud, world):
    found = deploy(cloud, PROBE).invoke({
        "page": f"http://{FAR}/", "datagrams": [[FAR, 7], 1], "connect": [[INTERNET, 80], [FAR, 81], ["203.0.113.99", 80]], "caller": 1}).value
    # The host's own address is what the internet sees.
    assert found["page"] == HOST
    assert found["datagrams"] == 1
    assert found["connect"] == {f"{INTERNET}:80": "connected", f"{FAR}:81": "ECONNREFUSED", "203.0.113.99:80": found["connect"]["203.0.113.99:80"]}
    assert found["connect"]["203.0.113.99:80"] in ("EHOSTUNREACH", "ETIMEDOUT")
    assert found["caller"] == cloud.account


def test_names_are_resolved_as_the_host_does(cloud, world):
    if world.names is None:
        pytest.skip("this machine has no name server of IPv4")
    found = deploy(cloud, PROBE).invoke({"names": ["some.example", "large.example"], "page": "http://some.example/"}).value
    assert found["names"]["some.example"] == [FAR] and found["page"] == HOST
    # Too large for a datagram: asked again over a connection.
    assert len(found["names"]["large.example"]) == 50


def test_nothing_of_the_host_is_reached(cloud, world):
    server = cloud.server
    gates = ["169.254.252.1", "169.254.252.2", "169.254.254.1"]
    addresses = [[a, p] for a in [HOST, "127.0.0.1", "127.0.0.53", *gates] for p in (80, server.port, 22)]
    addresses += [["169.254.169.254", 80], ["169.254.170.2", 80], ["::1", 80], ["fe80::1", 80], [INTERNET, 25]]
    addresses.remove(["127.0.0.1", server.port])
    found = deploy(cloud, PROBE).invoke({"connect": addresses}).value["connect"]
    assert "connected" not in found.values(), found
    # At once, but for mail, which is not let through as on AWS.
    slow = {address for address, answer in found.items() if answer == "ETIMEDOUT"}
    assert slow == {f"{INTERNET}:25"}


def test_functions_do_not_reach_each_other(cloud):
    first, second = deploy(cloud, PROBE, name="first"), deploy(cloud, PROBE, name="second")
    target = own_address(first.invoke({"listen": 8000}).value)
    found = second.invoke({"connect": [[target, 8000], [target, 9001], [target, 4566]], "listen": 8000}).value
    assert own_address(found) != target
    assert "connected" not in found["connect"].values()


def test_a_function_in_a_vpc_has_no_way_out(cloud, refused):
    role = make_role(cloud, "vpc", LOGS, {"Effect": "Allow", "Action": "ec2:*NetworkInterface*", "Resource": "*"})
    vpc = {"SubnetIds": ["subnet-0123456789abcdef0"], "SecurityGroupIds": ["sg-01234567"]}
    function = deploy(cloud, PROBE, name="inside", role=role, VpcConfig=vpc)
    answer = function.client.get_function_configuration(FunctionName="inside")["VpcConfig"]
    assert answer["SubnetIds"] == vpc["SubnetIds"] and answer["SecurityGroupIds"] == vpc["SecurityGroupIds"]
    assert answer["VpcId"].startswith("vpc-") and answer["Ipv6AllowedForDualStack"] is False
    ask = {"connect": [[INTERNET, 80]], "names": ["some.example"], "caller": 1}
    found = function.invoke(ask).value
    assert found["connect"] == {f"{INTERNET}:80": "ENETUNREACH"} and found["names"]["some.example"].startswith("gaierror")
    assert found["caller"] == cloud.account
    function.configure(VpcConfig={"SubnetIds": [], "SecurityGroupIds": []})
    assert function.client.get_function_configuration(FunctionName="inside")["VpcConfig"] == {
        "SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", "Ipv6AllowedForDualStack": False}
    assert function.invoke(ask).value["connect"] == {f"{INTERNET}:80": "connected"}
    with refused("InvalidParameterValueException", containing="does not have permissions to call CreateNetworkInterface on EC2"):
        deploy(cloud, ECHO, name="unable", role=make_role(cloud, "unable", LOGS), VpcConfig=vpc)


def test_connections_of_one_function_are_bounded(cloud):
    flood, other = deploy(cloud, PROBE, name="flood", Timeout=60), deploy(cloud, PROBE, name="other")
    assert flood.invoke({"datagrams": [[FAR, 9], 3000]}).value["datagrams"] == 0
    with open("/proc/thread-self/net/stat/nf_conntrack") as file:
        entries = int(file.read().splitlines()[1].split()[0], 16)
    assert entries < 1500
    assert other.invoke({"page": f"http://{FAR}/"}).value["page"] == HOST


def test_a_killed_server_leaves_no_link_and_no_rule(world, tmp_path, account):
    links, rules = world.links(), world.rules()
    server = Server(tmp_path, *WAY_OUT).start()
    try:
        function = deploy(Cloud(server, account), PROBE)
        assert function.invoke({"page": f"http://{FAR}/"}).value["page"] == HOST
        assert len(world.links() - links) == 1 and len(world.rules()) == len(rules) + 1
        server.kill()
        wait_until(lambda: world.links() == links and world.rules() == rules, "links and rules are gone")
        server.start()
        assert function.invoke({"page": f"http://{FAR}/"}).value["page"] == HOST
        assert len(world.links() - links) == 1
    finally:
        server.stop()
    wait_until(lambda: world.links() == links and world.rules() == rules, "links and rules are gone")


def test_environments_take_their_links_with_them(cloud):
    function = deploy(cloud, "import time\ndef handler(e, c):\n    time.sleep(1)\n    return 1\n", name="many")
    threads = [threading.Thread(target=function.invoke) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    before = router_links(cloud.server)
    assert len(before) >= 6
    function.client.delete_function(FunctionName="many")
    # Spares and the environments of other tests keep theirs.
    wait_until(lambda: len(set(before) - set(router_links(cloud.server))) >= 6, "their links are gone")


def router_links(server):
    """Of the namespace that only the server holds."""
    for path in pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir():
        try:
            if not os.readlink(path).startswith("net:"):
                continue
        except FileNotFoundError:
            continue
        out = subprocess.run(["nsenter", f"--net={path}", "ip", "-br", "link"], capture_output=True, text=True).stdout
        if "up@" in out:
            return [line.split()[0] for line in out.splitlines()]
    raise AssertionError("no router")


def test_without_a_way_out_there_is_none(world, tmp_path, account):
    server = Server(tmp_path).start()
    try:
        found = deploy(Cloud(server, account), PROBE).invoke(
            {"connect": [[INTERNET, 80], [HOST, 80]], "names": ["some.example"], "caller": 1}).value
        assert set(found["connect"].values()) == {"ENETUNREACH"} and found["names"]["some.example"].startswith("gaierror")
        assert found["caller"] == account
    finally:
        server.stop()


# Without root

SHELL_PROBE = r"""#!/bin/bash
while true; do
  curl -s -D /tmp/head -o /tmp/event http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next
  id=$(grep -i lambda-runtime-aws-request-id /tmp/head | tr -d '\r' | cut -d' ' -f2)
  out="names=$(getent ahostsv4 some.example | head -1 | cut -d' ' -f1)"
  for address in $(tr -d '"' < /tmp/event); do
    if timeout 2 bash -c "exec 3<>/dev/tcp/${address/:/\/}" 2> /dev/null; then out="$out $address=connected"; else out="$out $address=failed"; fi
  done
  curl -s -X POST -d "\"$out\"" http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response
done
"""
# Opens the device that slirp4netns needs, which belongs to root on some machines, and runs the server as nobody.
AS_NOBODY = """#!/bin/sh
exec unshare -m sh -c '
  mount -t tmpfs none "$0/dev" && mknod -m 666 "$0/dev/tun" c 10 200 && mount --bind "$0/dev/tun" /dev/net/tun || exit 1
  HOME=$0 exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0/dewpoint" "$@"' {directory} "$@"
"""


class UnprivilegedServer(Server):
    """A server of the user nobody."""

    def __init__(self, directory):
        super().__init__(directory, *WAY_OUT)
        for name in ("dewpoint", "sandbox-init"):
            shutil.copy(Server.binary().parent / name, self.directory / name)
        (self.directory / "dev").mkdir()
        script = self.directory / "run"
        script.write_text(AS_NOBODY.format(directory=self.directory))
        script.chmod(0o755)
        os.chown(self.directory, 65534, 65534)
        self.binary = lambda: script


@pytest.fixture
def open_directory():
    """Where every user may pass."""
    path = tempfile.mkdtemp(prefix="dewpoint-nobody-", dir="/var/tmp")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.mark.skipif(not shutil.which("slirp4netns") or not os.path.exists("/dev/net/tun"), reason="slirp4netns is not here")
def test_without_root_slirp4netns_leads_out(world, open_directory, account):
    server = UnprivilegedServer(open_directory).start()
    try:
        cloud = Cloud(server, account)
        function = deploy(cloud, zipped({"bootstrap*": SHELL_PROBE}), runtime="provided.al2023", handler="none")
        asked = [f"{FAR}:80", f"{INTERNET}:80", f"{HOST}:80", f"{HOST}:{server.port}", "127.0.0.1:80", "169.254.98.2:80", "169.254.169.254:80"]
        names, *found = function.invoke(" ".join(asked)).value.split()
        assert [entry.split("=")[1] for entry in found] == ["connected"] * 2 + ["failed"] * 5
        assert names == f"names={FAR}" or world.names is None
        helpers = processes_with("slirp4netns")
        assert helpers
        function.client.delete_function(FunctionName="worker")
        wait_until(lambda: not processes_with("slirp4netns"), "its helper has ended")
        again = deploy(cloud, zipped({"bootstrap*": SHELL_PROBE}), name="again", runtime="provided.al2023", handler="none")
        assert "connected" in again.invoke(f"{FAR}:80").value
    finally:
        server.kill()
    wait_until(lambda: not processes_with("slirp4netns"), "the helpers of a killed server have ended")
