"""EventBridge: events that are accepted durably and come to a queue."""
import json

from suite import load
from suite.server import until
from suite.sqs import count

DETAIL = json.dumps({"id": 1, "name": "x" * 120})


def run(server, machine, report):
    print("EventBridge")
    rate, cost = put(server, 16)
    report.rate("PutEvents, 16 conn., one rule to SQS", rate, machine.echo(16), "echo")
    report.add("… and delivered", f"{rate:,.0f}/s", goal="≥ 3,000/s", met=rate >= 3000)
    bare, bare_cost = put(server, 16, "none", rules=0)
    report.rate("… that no rule wants", bare, machine.echo(16), "echo")
    many, many_cost = put(server, 16, "many", others=299)
    report.ratio("… processor time among 300 rules", many_cost, cost, "one rule", 3, 1e6, "µs")


def put(server, connections, name="one", rules=1, others=0, seconds=4):
    """Events accepted per second, all of which come to the queue, and processor seconds for each."""
    events, sqs = server.client("events"), server.client("sqs")
    bus = f"bench-{name}"
    events.create_event_bus(Name=bus)
    queue = sqs.create_queue(QueueName=bus)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:000000000000:{bus}"
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]})})
    for number in range(rules):
        events.put_rule(Name=f"r{number}", EventBusName=bus, EventPattern=json.dumps({"source": ["shop"]}))
        events.put_targets(Rule=f"r{number}", EventBusName=bus, Targets=[{"Id": "t", "Arn": arn}])
    for number in range(others):
        events.put_rule(Name=f"o{number}", EventBusName=bus, EventPattern=json.dumps(
            {"source": ["shop"], "detail": {"id": [{"numeric": ["=", number + 1000]}]}}))
    entry = {"Source": "shop", "DetailType": "order", "Detail": DETAIL, "EventBusName": bus}
    request = load.Request(
        "events", server.endpoint, "/", json.dumps({"Entries": [entry]}).encode(),
        {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSEvents.PutEvents"})
    file = load.request_file(server, "events", [request])
    load.replay(server.endpoint, file, connections, 1)  # warms up
    settled(sqs, queue)
    before, began = count(sqs, queue), load.processor_time(server)
    result = load.replay(server.endpoint, file, connections, seconds, 2)
    stored = settled(sqs, queue) - before
    cost = (load.processor_time(server) - began) / result["requests"]
    # wrk leaves without the answers to its last requests.
    if rules and not result["requests"] <= stored <= result["requests"] + 2 * connections:
        raise RuntimeError(f"{result['requests']} events were accepted and {stored} messages are there")
    sqs.delete_queue(QueueUrl=queue)
    return result["rate"], cost


def settled(sqs, queue):
    """How many messages there are once no more come."""
    last = [-1]

    def same():
        last.append(count(sqs, queue))
        return [last[-1]] if last[-1] == last[-2] else None
    return until("the deliveries end", same)[0]
