"""Functions for the sections that need some."""
import io
import json
import os
import subprocess
import zipfile

from suite.limits import FUNCTIONS
from suite.server import until

TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def role(server, name, *actions):
    """An execution role that may write logs and do what is named."""
    iam = server.client("iam")
    try:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        return iam.get_role(RoleName=name)["Role"]["Arn"]
    statement = {"Effect": "Allow", "Action": ["logs:*", *actions], "Resource": "*"}
    iam.put_role_policy(
        RoleName=name, PolicyName=name, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return arn


def make(server, name, runtime, handler, files, role_arn, memory=1769):
    """Memory stands for a share of the processor: 1,769 MB are one."""
    client = server.client("lambda")
    client.create_function(
        FunctionName=name, Runtime=runtime, Role=role_arn, Handler=handler, Code={"ZipFile": package(files)}, MemorySize=memory,
        Timeout=30)
    wait_active(client, name)
    return client


def wait_active(client, name):
    def ready():
        state = client.get_function_configuration(FunctionName=name)
        states = (state["State"], state.get("LastUpdateStatus"))
        if "Failed" in states:
            raise RuntimeError(f"{name}: {state}")
        return states == ("Active", "Successful")

    until(f"the function {name} is active", ready)


def package(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, content)
    return out.getvalue()


def source(name):
    with open(os.path.join(FUNCTIONS, name), "rb") as file:
        return file.read()


def native(server):
    """The custom runtime, compiled."""
    out = os.path.join(server.scratch, "bootstrap")
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-O2", "-o", out, os.path.join(FUNCTIONS, "bootstrap.c")], check=True)
    with open(out, "rb") as file:
        return file.read()
