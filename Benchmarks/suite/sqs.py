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
            rate, _ = send(server, key, connections)
            goal = 0.3 if connections == 16 else None
            report.rate(f"SendMessage, {connections} conn., {name}", rate, machine.echo(connections), "echo", goal)
    # One after the other, so that they meet the same machine.
    standard, cost = send(server, root, 16, "same", threads=1)
    ordered, ordered_cost = send(server, root, 16, "same", threads=1, fifo=True)
    report.rate("FIFO SendMessage, 16 conn., root", ordered, standard, "standard", 0.67)
    report.ratio("… its processor time", ordered_cost, cost, "standard", 1.5)
    rate = cycle(server, user, 16)
    # Three requests each, so at most a third of the echo's rate.
    report.rate("send, receive, delete, 16 conn., IAM user", rate, machine.echo(16) / 3, "⅓ echo")
    few, many = receive(server, root, 1_000), receive(server, root, 1_000_000)
    report.ratio("processor time of a receive and a delete of ten, 1,000,000 messages", many, few, "1,000 messages", 2, 1e6, "µs")


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


def send(server, key, connections, name="send", seconds=3, threads=2, fifo=False):
    """Messages sent per second, all of which are in the queue afterwards, and processor seconds for each."""
    sqs = server.client("sqs")
    suffix, attributes = (".fifo", {"FifoQueue": "true"}) if fifo else ("", {})
    queue = sqs.create_queue(QueueName=f"bench-{name}-{key.id[:8]}-{connections}{suffix}", Attributes=attributes)["QueueUrl"]
    # A duplicate would be no send, so a FIFO queue needs as many requests as there may be answers; a hundred groups.
    requests = [
        load.sqs_request(server.endpoint, "SendMessage", {
            "QueueUrl": queue, "MessageBody": BODY[: -len(str(i))] + str(i),
            **({"MessageGroupId": str(i % 100), "MessageDeduplicationId": str(i)} if fifo else {})}, key)
        for i in range(40_000 if fifo else 200)]
    file = load.request_file(server, "send", requests)
    if not fifo:
        load.replay(server.endpoint, file, connections, 1)  # warms up
    before, began = count(sqs, queue), load.processor_time(server)
    result = load.replay(server.endpoint, file, connections, seconds, threads)
    cost = (load.processor_time(server) - began) / result["requests"]
    stored = count(sqs, queue) - before
    # wrk leaves without the answers to its last requests, those of the warm-up included.
    if not result["requests"] <= stored <= result["requests"] + 2 * connections:
        raise RuntimeError(f"{result['requests']} sends were answered and {stored} messages are there")
    sqs.delete_queue(QueueUrl=queue)
    return result["rate"], cost


def receive(server, key, messages, times=300):
    """Processor seconds of a receive of ten messages and their deletion, in a queue that holds so many."""
    sqs = server.client("sqs", key)
    queue = sqs.create_queue(QueueName=f"bench-{messages}")["QueueUrl"]
    fill(server, key, queue, messages)
    connection = load.connection(server.endpoint)
    began = load.processor_time(server)
    for _ in range(min(times, messages // 10)):
        request = load.sqs_request(server.endpoint, "ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": 10}, key)
        got = json.loads(request.send(connection))["Messages"]
        entries = [{"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]} for i, message in enumerate(got)]
        load.sqs_request(server.endpoint, "DeleteMessageBatch", {"QueueUrl": queue, "Entries": entries}, key).send(connection)
    spent = load.processor_time(server) - began
    sqs.delete_queue(QueueUrl=queue)
    return spent / min(times, messages // 10)


def fill(server, key, queue, messages):
    entries = [{"Id": str(i), "MessageBody": BODY} for i in range(10)]
    request = load.sqs_request(server.endpoint, "SendMessageBatch", {"QueueUrl": queue, "Entries": entries}, key)
    file = load.request_file(server, "fill", [request])
    sqs = server.client("sqs", key)
    while (missing := messages - count(sqs, queue)) > 0:
        if missing > 20_000:
            load.replay(server.endpoint, file, 16, 1 if missing < 100_000 else 4)
        else:
            connection = load.connection(server.endpoint)
            for _ in range(-(-missing // 10)):
                request.send(connection)


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
