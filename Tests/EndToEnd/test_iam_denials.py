"""Refused calls and what they say, the least policy of a role, and the commands that show both."""

import json
import queue
import subprocess
import threading
import urllib.request

from harness import Server, wait_until
from test_iam import assume, make_role, make_user, policy, statement


def page(cloud, path):
    with urllib.request.urlopen(f"{cloud.server.endpoint}/_dewpoint/{path}", timeout=10) as answer:
        return answer.read().decode()


def denials(cloud):
    return json.loads(page(cloud, f"denials?account={cloud.account}"))["denials"]


def dewpoint(cloud, *arguments):
    done = subprocess.run(
        [Server.binary(), *arguments, "--endpoint", cloud.server.endpoint], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done


def test_a_denial_says_which_policy_and_what_was_missing(cloud, refused):
    url = cloud.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{cloud.account}:q"
    sqs = cloud.client("sqs", credentials=make_user(
        cloud, "ann", statement("Allow", "sqs:ReceiveMessage"), statement("Deny", "sqs:PurgeQueue", Sid="NoPurge")))
    with refused("AccessDenied", 403):
        sqs.send_message(QueueUrl=url, MessageBody="m")
    with refused("AccessDenied", 403, containing="with an explicit deny in an identity-based policy"):
        sqs.purge_queue(QueueUrl=url)
    implicit, explicit = denials(cloud)
    assert implicit["principal"] == f"arn:aws:iam::{cloud.account}:user/ann" and implicit["action"] == "sqs:SendMessage"
    assert implicit["missingStatement"] == {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}
    assert explicit["policy"] == "user_ann_own" and explicit["statement"] == "NoPurge" and explicit["missingStatement"] is None
    text = page(cloud, f"denials?format=text&account={cloud.account}")
    assert f"sqs:SendMessage on {arn}: no identity-based policy allows it" in text
    # Pasting the missing statement is all that it takes.
    cloud.client("iam").put_user_policy(
        UserName="ann", PolicyName="pasted", PolicyDocument=policy(implicit["missingStatement"]))
    sqs.send_message(QueueUrl=url, MessageBody="m")
    decoded = cloud.client("sts").decode_authorization_message(EncodedMessage=implicit["encodedAuthorizationMessage"])
    assert json.loads(decoded["DecodedMessage"])["context"]["action"] == "sqs:SendMessage"


def test_the_command_shows_denials_and_follows(cloud, refused):
    url = cloud.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    sqs = cloud.client("sqs", credentials=make_user(cloud, "ann"))
    with refused("AccessDenied", 403):
        sqs.send_message(QueueUrl=url, MessageBody="m")
    shown = dewpoint(cloud, "denials", "--account", cloud.account).stdout
    assert "sqs:SendMessage" in shown and 'missing: {"Effect":"Allow"' in shown
    follower = subprocess.Popen(
        [Server.binary(), "denials", "--follow", "--json", "--account", cloud.account, "--endpoint", cloud.server.endpoint],
        stdout=subprocess.PIPE, text=True)
    lines = queue.Queue()
    threading.Thread(target=lambda: [lines.put(line) for line in follower.stdout], daemon=True).start()
    try:
        assert json.loads(lines.get(timeout=20))["action"] == "sqs:SendMessage"
        with refused("AccessDenied", 403):
            sqs.delete_queue(QueueUrl=url)
        assert json.loads(lines.get(timeout=20))["action"] == "sqs:DeleteQueue"
    finally:
        follower.kill()
        follower.wait()


def test_the_least_policy_of_a_role_is_generated_and_suffices(own_cloud, refused):
    cloud = own_cloud
    arn = make_role(cloud, "worker", statement("Allow", "sqs:*"), statement("Allow", "logs:*"))
    queue = f"arn:aws:sqs:us-east-1:{cloud.account}:q"
    url = cloud.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    sqs = cloud.client("sqs", credentials=assume(cloud.client("sts"), arn))
    sqs.send_message(QueueUrl=url, MessageBody="m")
    sqs.get_queue_attributes(QueueUrl=url)
    # The record is durable from the worker's turn on, once a minute of the server's clock.
    cloud.clock.advance("2m")
    wait_until(lambda: cloud.clock.advance("61s") and report(cloud)["policy"]["Statement"], "the record")
    cloud.restart(kill=False)
    done = dewpoint(cloud, "iam", "generate", "worker", "--account", cloud.account)
    least = json.loads(done.stdout)
    assert least["Statement"] == [
        {"Effect": "Allow", "Action": ["sqs:GetQueueAttributes", "sqs:SendMessage"], "Resource": queue}]
    assert "logs:*" in done.stderr
    cloud.client("iam").put_role_policy(RoleName="worker", PolicyName="own", PolicyDocument=json.dumps(least))
    sqs.send_message(QueueUrl=url, MessageBody="m")
    with refused("AccessDenied", 403):
        sqs.purge_queue(QueueUrl=url)
    assert report(cloud)["refused"][0]["Action"] == "sqs:PurgeQueue"


def report(cloud):
    return json.loads(page(cloud, f"iam/generate?role=worker&account={cloud.account}"))


def test_last_accesses_come_from_the_record(cloud):
    arn = make_role(cloud, "worker", statement("Allow", "sqs:*"))
    cloud.client("sqs", credentials=assume(cloud.client("sts"), arn)).list_queues()
    iam = cloud.client("iam")
    job = iam.generate_service_last_accessed_details(Arn=arn)["JobId"]
    services = iam.get_service_last_accessed_details(JobId=job)["ServicesLastAccessed"]
    assert [s["ServiceNamespace"] for s in services] == ["sqs"]
    assert iam.get_role(RoleName="worker")["Role"]["RoleLastUsed"]["Region"] == "us-east-1"
