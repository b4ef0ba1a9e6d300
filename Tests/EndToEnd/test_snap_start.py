"""SnapStart: versions that are initialised when they are published, and restored for their first invocation."""

import json
import re

from extensions import layer
from harness import wait_until
from lambdas import deploy, python

HOOKS = """
    import os, time, uuid
    from snapshot_restore_py import register_after_restore, register_before_snapshot
    notes = ["init"]
    me = str(uuid.uuid4())
    register_before_snapshot(lambda: notes.append("before"))
    register_before_snapshot(lambda: notes.append("first before"))
    register_after_restore(lambda: notes.append("after"))
    def handler(event, context):
        return {"notes": notes, "me": me, "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "environment": sorted(os.environ)}
    """
SNAP = {"ApplyOn": "PublishedVersions"}


def publish(function, **options):
    answer = function.client.publish_version(FunctionName=function.name, **options)
    assert (answer["State"], answer["SnapStart"]) == ("Pending", SNAP | {"OptimizationStatus": "On"})
    return answer["Version"]


def wait_active(function, version):
    def state():
        answer = function.client.get_function_configuration(FunctionName=function.name, Qualifier=version)
        return answer["State"] != "Pending" and answer
    return wait_until(state, f"version {version} has been initialised", 60)


def kinds(function):
    return [re.split(r"[ \t:]", text)[0] for _, text in function.log()]


def test_a_version_is_initialised_when_it_is_published_and_restored_when_it_is_invoked(cloud):
    function = deploy(cloud, python(HOOKS), SnapStart=SNAP)
    assert function.invoke().value["type"] == "on-demand"
    version = publish(function)
    assert wait_active(function, version)["State"] == "Active"
    wait_until(lambda: function.log("INIT_REPORT"), "the init is in the log")
    assert re.fullmatch(r"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\n", function.log("INIT_REPORT")[0][1])
    assert not function.log("RESTORE")
    first = function.invoke(Qualifier=version)
    # Before the snapshot the last one first, after the restore in order.
    assert first.value["notes"] == ["init", "first before", "before", "after"] and first.value["type"] == "snap-start"
    names = set(first.value["environment"])
    assert {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"} <= names
    assert not names & {"AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"}
    lines = first.log.splitlines()
    assert lines[0].startswith("RESTORE_START Runtime Version: python3.13\tRuntime Version ARN: arn:aws:lambda:")
    assert re.fullmatch(r"RESTORE_REPORT Restore Duration: [\d.]+ ms", lines[1])
    assert re.search(r"\tRestore Duration: [\d.]+ ms\tBilled Restore Duration: \d+ ms\t", lines[-1]) and "Init Duration" not in lines[-1]
    again = function.invoke(Qualifier=version)
    assert again.value["me"] == first.value["me"] and "RESTORE" not in again.log and "Restore" not in again.log
    # What was initialised when the version was published is what answered.
    assert len(function.log("INIT_REPORT")) == 1


def test_a_restored_function_gets_its_keys_from_the_runtime_api(cloud):
    source = """
        import boto3
        def handler(event, context):
            return boto3.client('sts').get_caller_identity()['Arn']
        """
    function = deploy(cloud, python(source), SnapStart=SNAP)
    version = publish(function)
    wait_active(function, version)
    assert function.invoke(Qualifier=version).value == f"arn:aws:sts::{cloud.account}:assumed-role/role-of-worker/worker"


def test_a_version_whose_init_fails_is_failed(cloud, refused):
    source = """
        import os
        if os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'] == 'snap-start': raise RuntimeError('not here')
        def handler(event, context): return 1
        """
    function = deploy(cloud, python(source), SnapStart=SNAP)
    answer = wait_active(function, publish(function))
    assert (answer["State"], answer["StateReasonCode"]) == ("Failed", "FunctionError.RuntimeInitError")
    with refused("ResourceConflictException", status=409, containing="Failed"):
        function.invoke(Qualifier="1")
    assert function.invoke().value == 1


def test_a_hook_that_fails_after_the_restore_fails_the_invocation(cloud):
    source = """
        from snapshot_restore_py import register_after_restore
        def fail(): raise ValueError('no')
        register_after_restore(fail)
        def handler(event, context): return 1
        """
    function = deploy(cloud, python(source), SnapStart=SNAP)
    version = publish(function)
    wait_active(function, version)
    answer = function.invoke(Qualifier=version)
    assert answer.failure["errorType"] == "ValueError"
    assert re.search(r"RESTORE_REPORT Restore Duration: [\d.]+ ms\tStatus: error\tError Type: Runtime.AfterRestoreError", answer.log)


def test_extensions_live_with_a_snapshot_too(cloud):
    function = deploy(cloud, python(HOOKS), SnapStart=SNAP, Layers=[layer(cloud, {"talker": "register(['INVOKE'])\nwhile True: say(next_event()['requestId'])"})])
    version = publish(function)
    wait_active(function, version)
    answer = function.invoke(Qualifier=version)
    assert answer.value["notes"][-1] == "after"
    wait_until(lambda: function.log(f"talker {answer.request_id}"), "the extension was told")


def test_publishing_at_creation_waits_for_the_snapshot_too(own_cloud):
    function = deploy(own_cloud, python(HOOKS), SnapStart=SNAP, Publish=True)
    assert wait_active(function, "1")["State"] == "Active"
    own_cloud.server.kill()
    own_cloud.server.start()
    # The environment is gone with the server; the version initialises another one, and is restored from it.
    assert function.invoke(Qualifier="1").value["notes"][-1] == "after"
