"""SQS → Lambda: how fast a full queue is worked off."""
import threading
import time

from suite import functions, load
from suite.server import until
from suite.sqs import count

MESSAGES = 30_000


def run(server, machine, report):
    print("SQS → Lambda")
    sqs = server.client("sqs")
    queue = sqs.create_queue(QueueName="bench-mapped", Attributes={"VisibilityTimeout": "180"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    role = functions.role(server, "bench-mapped", "sqs:*")
    client = functions.make(server, "bench-mapped", "python3.11", "echo.handler", {"echo.py": HANDLER}, role)
    mapping = client.create_event_source_mapping(EventSourceArn=arn, FunctionName="bench-mapped", BatchSize=10, Enabled=False)["UUID"]
    until("the mapping is disabled", lambda: client.get_event_source_mapping(UUID=mapping)["State"] == "Disabled")
    fill(server, queue)
    if (there := count(sqs, queue)) != MESSAGES:
        raise RuntimeError(f"{MESSAGES} were sent and {there} messages are there")

    began = time.monotonic()
    client.update_event_source_mapping(UUID=mapping, Enabled=True)
    until("the queue is empty", lambda: count(sqs, queue) == 0, limit=120, pause=0.05)
    rate = MESSAGES / (time.monotonic() - began)
    report.add("SQS → Lambda, batches of 10", f"{rate:,.0f} messages/s", goal="≥ 3,000/s", met=rate >= 3000)
    client.delete_event_source_mapping(UUID=mapping)
    client.delete_function(FunctionName="bench-mapped")


# A message is only deleted when the function has returned, so an empty queue means that it has seen them all.
HANDLER = b"""
def handler(event, context):
    for record in event["Records"]:
        if not record["body"].startswith("message"):
            raise ValueError(record["body"])
"""


def fill(server, queue):
    entries = [{"Id": str(i), "MessageBody": f"message {i} " + "x" * 100} for i in range(10)]
    request = load.sqs_request(server.endpoint, "SendMessageBatch", {"QueueUrl": queue, "Entries": entries})
    failures = []

    def send(batches):
        try:
            connection = load.connection(server.endpoint)
            for _ in range(batches):
                if b'"Failed":[{' in request.send(connection).replace(b" ", b""):
                    raise RuntimeError("a batch failed in part")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=send, args=(MESSAGES // 10 // 4,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
