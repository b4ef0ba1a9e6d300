"""SQS: durable sends, and whole cycles of a message."""
import json

from suite import load
from suite.server import REGION, Key, until

BODY = "x" * 200


def run(server, machine, report):
    print("SQS")
    median, decile = machine.synced_write(server.scratch)
    report.at_most("synced write of this disk, p50", median, "µs", note=f"p90 {decile:,.0f} µs")
    root, user = Key(), make_user(server)
    for connections in (1, 16):
        for name, key in (("root", root), ("IAM user", user)):
            rate = send(server, key, connections)
            goal = 0.3 if connections == 16 else None
            report.rate(f"SendMessage, {connections} conn., {name}", rate, machine.echo(connections), "echo", goal)
    rate = cycle(server, user, 16)
    # Three requests each, so at most a third of the echo's rate.
    report.rate("send, receive, delete, 16 conn., IAM user", rate, machine.echo(16) / 3, "⅓ echo")


def make_user(server):
    """A user whose key is verified in full, and whose policies take some reading."""
    iam = server.client("iam")
    iam.create_user(UserName="bench")
    statements = [
        {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "arn:aws:s3:::reports/*"},
        {"Effect": "Allow", "Action": ["sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ListQueues", "sqs:CreateQueue"],
         "Resource": "*"},
        {"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"],
         "Resource": "arn:aws:sqs:*:*:bench-*"},
        {"Effect": "Deny", "Action": "sqs:*", "Resource": "*",
         "Condition": {"StringNotEquals": {"aws:RequestedRegion": [REGION, "eu-central-1"]}}},
    ]
    iam.put_user_policy(
        UserName="bench", PolicyName="bench", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    key = iam.create_access_key(UserName="bench")["AccessKey"]
    return Key(key["AccessKeyId"], key["SecretAccessKey"])


def send(server, key, connections, seconds=4):
    """Messages sent per second, all of which are in the queue afterwards."""
    sqs = server.client("sqs")
    queue = sqs.create_queue(QueueName=f"bench-{key.id[:8]}-{connections}")["QueueUrl"]
    requests = [load.sqs_request(server.endpoint, "SendMessage", {"QueueUrl": queue, "MessageBody": BODY[: -len(str(i))] + str(i)}, key)
                for i in range(200)]
    file = load.request_file(server, "send", requests)
    load.replay(server.endpoint, file, connections, 1)  # warms up
    before = count(sqs, queue)
    result = load.replay(server.endpoint, file, connections, seconds)
    stored = count(sqs, queue) - before
    # wrk leaves without the answers to its last requests, those of the warm-up included.
    if not result["requests"] <= stored <= result["requests"] + 2 * connections:
        raise RuntimeError(f"{result['requests']} sends were answered and {stored} messages are there")
    sqs.delete_queue(QueueUrl=queue)
    return result["rate"]


def cycle(server, key, connections, seconds=4):
    sqs = server.client("sqs")
    queue = sqs.create_queue(QueueName="bench-cycles")["QueueUrl"]
    settings = {"key": key.id, "secret": key.secret, "region": REGION, "host": server.endpoint.split("//")[1], "queue": queue, "body": BODY}
    file = server.file("cycles", "".join(f"{name}={value}\n" for name, value in settings.items()).encode())
    result = load.cycles(server.endpoint, file, connections, seconds)
    left = until("the queue settles", lambda: [count(sqs, queue)])[0]
    if abs(result["sent"] - result["cycles"] - left) > connections:
        raise RuntimeError(f"{result['sent']} sent, {result['cycles']} deleted, {left} left")
    sqs.delete_queue(QueueUrl=queue)
    return result["cycles"] / result["microseconds"] * 1e6


def count(sqs, queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    values = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(values[name]) for name in names)
