"""What a function can see and do, as its author and its neighbours notice."""

import http.server
import threading

import pytest

from lambdas import ECHO, LOGS, deploy, make_queue, make_role, policy, zipped

PROBE = """
    import os, socket, urllib.request

    def tell(action):
        try:
            return action()
        except OSError as error:
            return type(error).__name__

    def write(path):
        with open(path, "w") as file:
            file.write("x")
        return "written"

    def connect(address):
        with socket.create_connection(address, timeout=3):
            return "connected"

    def processes():
        found = {}
        for pid in os.listdir("/proc"):
            if pid.isdigit():
                found[pid] = open(f"/proc/{pid}/cmdline").read()
        return found

    def handler(event, context):
        status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
        return {
            "ids": os.getresuid() + os.getresgid(),
            "capabilities": [status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd")],
            "no_new_privileges": status["NoNewPrivs"].strip(),
            "seccomp": status["Seccomp"].strip(),
            "read": {path: tell(lambda: os.listdir(path)) for path in event["directories"]},
            "write": {path: tell(lambda: write(path)) for path in event["files"]},
            "connect": tell(lambda: connect(("127.0.0.1", event["port"]))),
            "processes": tell(processes),
            "mounts": open("/proc/self/mounts").read(),
            "environment": dict(os.environ),
            "kill": tell(lambda: os.kill(1, 9)),
            "tmp": os.listdir("/tmp"),
        }
    """


@pytest.fixture(scope="module")
def listener():
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_function_is_confined(cloud, listener):
    deploy(cloud, "SECRET = 'of another function'\n" + ECHO, name="neighbour")
    function = deploy(cloud, PROBE)
    data = cloud.server.data
    secret = cloud.server.directory / "secret"
    secret.mkdir(exist_ok=True)
    directories = [str(path) for path in (data, data / "lambda", data / "lambda" / "code", secret, "/root/.ssh", "/home", "/var/lib", "/sys/fs/cgroup")]
    files = ["/var/task/x", "/var/task/index.py", "/var/runtime/x", "/usr/x", "/etc/x", "/x", "/proc/sys/kernel/hostname", "/tmp/mine"]
    found = function.invoke({"directories": directories, "files": files, "port": listener}).value

    assert all(number >= 1000 for number in found["ids"]), found["ids"]
    assert found["capabilities"] == ["0" * 16] * 3 and found["no_new_privileges"] == "1"
    for path, answer in found["read"].items():
        assert answer in ("FileNotFoundError", "PermissionError", []), (path, answer)
    assert found["write"].pop("/tmp/mine") == "written"
    for path, answer in found["write"].items():
        assert answer in ("OSError", "PermissionError", "FileNotFoundError"), (path, answer)
    assert found["connect"] in ("ConnectionRefusedError", "OSError", "TimeoutError")
    assert len(found["processes"]) <= 4 and not any("dewpoint" in line for line in found["processes"].values())
    assert str(data) not in found["mounts"].replace(str(data / "lambda"), "")
    assert "DEWPOINT_BINARY" not in found["environment"] and "HOME" in found["environment"]
    # Nothing of the neighbour's, and nothing left by an earlier function.
    assert [name for name in found["tmp"] if name != "mine"] == []
    assert function.invoke({"directories": [], "files": [], "port": listener}).value["tmp"] == ["mine"]


CALLS = """
    import boto3, botocore
    def handler(event, context):
        service, operation, parameters = event
        try:
            answer = getattr(boto3.client(service), operation)(**parameters)
            answer.pop("ResponseMetadata", None)
            return answer
        except botocore.exceptions.ClientError as error:
            return {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
    """


def test_a_function_is_its_role_and_nothing_more(cloud):
    role = make_role(cloud, "worker", LOGS)
    function = deploy(cloud, CALLS, role=role)
    me = f"arn:aws:sts::{cloud.account}:assumed-role/worker/worker"
    assert function.invoke(["sts", "get_caller_identity", {}]).value["Arn"] == me
    assert function.invoke(["sts", "get_caller_identity", {}]).value["Account"] == cloud.account

    url, arn = make_queue(cloud)
    send = ["sqs", "send_message", {"QueueUrl": url, "MessageBody": "from inside"}]
    denied = function.invoke(send).value
    assert denied["code"] in ("AccessDenied", "AccessDeniedException")
    assert denied["message"] == (
        f"User: {me} is not authorized to perform: sqs:SendMessage on resource: {arn} because no identity-based policy allows "
        "the sqs:SendMessage action")
    sqs = cloud.client("sqs")
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    cloud.client("iam").put_role_policy(RoleName="worker", PolicyName="more", PolicyDocument=policy(
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}))
    assert "MessageId" in function.invoke(send).value
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "from inside"
    assert "code" in function.invoke(["sqs", "receive_message", {"QueueUrl": url}]).value
    assert "code" in function.invoke(["iam", "list_users", {}]).value


def test_a_function_without_log_permission_runs_and_writes_none(cloud):
    role = make_role(cloud, "silent", {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
    function = deploy(cloud, "def handler(e, c):\n    print('unheard')\n    return 1\n", role=role)
    answer = function.invoke()
    assert answer.value == 1 and "unheard" in answer.log
    assert cloud.client("logs").describe_log_groups()["logGroups"] == []


def test_a_function_may_invoke_another_one(cloud):
    caller = """
        import boto3, json
        def handler(event, context):
            answer = boto3.client("lambda").invoke(FunctionName="inner", Payload=json.dumps(event))
            return {"inner": json.load(answer["Payload"])}
        """
    role = make_role(cloud, "both", LOGS, {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"})
    deploy(cloud, "def handler(event, context):\n    return event * 2\n", name="inner", role=role)
    assert deploy(cloud, caller, name="outer", role=role).invoke(21).value == {"inner": 42}


def test_packages_may_bring_programs_links_and_directories(cloud):
    function = deploy(cloud, zipped({
        "index.py": "import subprocess\nfrom inner import name\ndef handler(e, c):\n"
                    "    return [name, subprocess.run(['/var/task/bin/tool'], capture_output=True, text=True).stdout]\n",
        "inner/__init__.py": "name = 'inner'\n", "bin/tool*": "#!/bin/sh\necho from the tool\n"}))
    assert function.invoke().value == ["inner", "from the tool\n"]
