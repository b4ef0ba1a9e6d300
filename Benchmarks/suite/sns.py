"""SNS: messages that are published and arrive in the queue of a subscription."""
import json
import time
import urllib.parse

from suite import load, sqs
from suite.server import Key

BODY = "x" * 200


def run(server, machine, report):
    print("SNS")
    root = Key()
    for connections in (1, 16):
        for name, attributes in (("signed envelope", {}), ("raw", {"RawMessageDelivery": "true"})):
            rate, arrived = publish(server, root, connections, attributes)
            label = f"Publish to one SQS subscription, {connections} conn., {name}"
            report.rate(label, rate, machine.echo(connections), "echo")
            if connections == 16:
                report.add(f"… and arrived in the queue, {name}", f"{arrived:,.0f}/s", goal="≥ 4,000/s", met=arrived >= 4000)


def publish(server, key, connections, attributes, seconds=4):
    """Messages that were accepted in a second, and that had arrived in the queue in a second of the whole time that it took."""
    sns, queues = server.client("sns"), server.client("sqs")
    name = f"bench-{connections}-{len(attributes)}"
    topic = sns.create_topic(Name=name)["TopicArn"]
    queue = queues.create_queue(QueueName=name)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
              "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
    queues.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [policy]})})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    file = load.request_file(server, name, [request(server, topic, str(i), key) for i in range(200)])
    load.replay(server.endpoint, file, connections, 1)  # warms up, and makes the key
    before = settled(queues, queue)
    began = time.monotonic()
    result = load.replay(server.endpoint, file, connections, seconds)
    stored = settled(queues, queue) - before
    took = time.monotonic() - began
    # wrk leaves without the answers to its last requests.
    if not result["requests"] <= stored <= result["requests"] + 2 * connections:
        raise RuntimeError(f"{result['requests']} messages were accepted and {stored} arrived")
    queues.delete_queue(QueueUrl=queue)
    sns.delete_topic(TopicArn=topic)
    return result["rate"], stored / max(took, seconds)


def request(server, topic, text, key):
    form = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": topic, "Message": BODY[: -len(text)] + text}
    return load.Request(
        "sns", server.endpoint, "/", urllib.parse.urlencode(form).encode(),
        {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, key)


def settled(queues, queue):
    """How many messages are in the queue once no more arrive."""
    count = sqs.count(queues, queue)
    while True:
        time.sleep(0.2)
        now = sqs.count(queues, queue)
        if now == count:
            return now
        count = now
