"""Makes buses, rules and queues that EventBridge may send to, in the few words that tests want to spend on it."""

import http.server
import json
import threading

from harness import wait_until
from lambdas import make_queue, policy

TRUST_EVENTS = policy({"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"})
SHOP = json.dumps({"source": ["shop"]})


def event_queue(cloud, name="events"):
    """A queue that lets EventBridge in. Returns its URL and its ARN."""
    url, arn = make_queue(cloud, name)
    cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy({
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn})})
    return url, arn


def event_role(cloud, name="sender", *statements):
    """A role that EventBridge may take on, with these rights; all when none are given."""
    iam = cloud.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_EVENTS)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(
        *(statements or ({"Effect": "Allow", "Action": "*", "Resource": "*"},))))
    return arn


def rule(cloud, arn, name="orders", pattern=SHOP, bus="default", **target):
    """A rule with one target."""
    events = cloud.client("events")
    put = events.put_rule(Name=name, EventPattern=pattern, EventBusName=bus)
    answer = events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "t", "Arn": arn, **target}])
    assert answer["FailedEntryCount"] == 0 and answer["FailedEntries"] == []
    return put["RuleArn"]


def put(cloud, *details, source="shop", kind="order", account=None, **entry):
    """Puts events, and gives back their ids."""
    answer = cloud.client("events", account=account).put_events(Entries=[
        {"Source": source, "DetailType": kind, "Detail": json.dumps(detail), **entry} for detail in details])
    assert answer["FailedEntryCount"] == 0, answer
    return [entry["EventId"] for entry in answer["Entries"]]


def messages(cloud, url, count=1, limit=30):
    """So many messages of a queue, taken away from it."""
    sqs, found = cloud.client("sqs"), []

    def look():
        got = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0, AttributeNames=["All"], MessageAttributeNames=["All"])
        for message in got.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(message)
        return len(found) >= count
    wait_until(look, f"{count} messages", limit=limit)
    return found


def bodies(cloud, url, count=1, limit=30):
    return [json.loads(message["Body"]) for message in messages(cloud, url, count, limit)]


class Endpoint:
    """A web server that remembers what it was asked and answers as it is told: `answers` by path, [(status, JSON)]."""

    def __init__(self):
        self.requests, self.answers = [], {}
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                path = self.path.split("?")[0]
                endpoint.requests.append((self.command, self.path, dict(self.headers.items()), body.decode()))
                queue = endpoint.answers.get(path) or [(200, {})]
                status, content = queue.pop(0) if len(queue) > 1 else queue[0]
                content = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def to(self, path):
        return [request for request in self.requests if request[1].split("?")[0] == path]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
