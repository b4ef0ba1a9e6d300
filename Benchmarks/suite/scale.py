"""Many environments, many functions, many events: what they cost, and that nothing is lost."""
import concurrent.futures
import json
import os
import re
import time
import urllib.request

from suite import functions, load
from suite.server import until
from suite.start import settled_memory

ENVIRONMENTS = 200
FUNCTIONS = 1000
EVENTS = 100_000


def run(server, machine, report):
    print("Scale")
    role = functions.role(server, "bench-scale", "sqs:*")
    at_once(server, report, role)
    idle_python(server, report, role)
    many_functions(server, report, role)
    queued(server, report, role)


def at_once(server, report, role):
    """Each invocation holds its environment until all have begun, as far as the host gets, so that there are as many as that."""
    name = "bench-at-once"
    functions.make(server, name, "python3.11", "pause.handler", {"pause.py": PAUSE}, role, memory=512)
    request = load.invoke_request(server.endpoint, name, b'{"seconds": 5}')
    before = load.processor_time(server)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(ENVIRONMENTS) as pool:
        answers = list(pool.map(lambda _: request.send(load.connection(server.endpoint)), range(ENVIRONMENTS)))
    seconds = time.monotonic() - began
    environments = len({json.loads(answer)["me"] for answer in answers})
    used = (load.processor_time(server) - before) / environments * 1000
    report.at_most(f"{ENVIRONMENTS} invocations of 5 s at once, cold, all answered", seconds, "s", 60,
                   f"{environments} environments, {used:.1f} ms of the server each")
    server.client("lambda").delete_function(FunctionName=name)


PAUSE = b"""
import time, uuid
me = str(uuid.uuid4())
def handler(event, context):
    time.sleep(event["seconds"])
    return {"me": me}
"""


def idle_python(server, report, role):
    """Memory of Python environments that have nothing to do, with a fair share of the pages that they have in common."""
    name, count = "bench-idle", 20
    client = functions.make(server, name, "python3.11", "echo.handler", {"echo.py": functions.source("echo.py")}, role)
    version = client.publish_version(FunctionName=name)["Version"]
    client.put_provisioned_concurrency_config(FunctionName=name, Qualifier=version, ProvisionedConcurrentExecutions=count)
    until("the environments are ready", lambda: client.get_provisioned_concurrency_config(
        FunctionName=name, Qualifier=version)["Status"] == "READY")
    sizes = [size for size in map(proportional, descendants(server.process.pid)) if size]
    pythons = sorted(sizes)[-count:]
    report.at_most("memory of an idle Python environment", sum(pythons) / count, "MB", None, f"of {count}, without what is shared")
    client.delete_function(FunctionName=name)


def descendants(pid):
    """The processes below one, in sandboxes too."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as stat:
                children.setdefault(int(stat.read().rsplit(")", 1)[1].split()[1]), []).append(int(entry))
        except OSError:
            continue
    found, open_ends = [], [pid]
    while open_ends:
        below = children.get(open_ends.pop(), [])
        found += below
        open_ends += below
    return found


def proportional(pid):
    """Megabytes, or None for a process that is gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            return int(re.search(r"^Pss:\s+(\d+) kB", rollup.read(), re.M)[1]) / 1024
    except (OSError, TypeError):
        return None


def many_functions(server, report, role):
    """What the server itself keeps of functions that were invoked once and have rested since."""
    client = server.client("lambda")
    package = functions.package({"bootstrap": functions.native(server)})

    def deploy(name):
        client.create_function(FunctionName=name, Runtime="provided.al2023", Role=role, Handler="none", Code={"ZipFile": package},
                               MemorySize=128)

    def use(name):
        functions.wait_active(client, name)
        load.invoke_request(server.endpoint, name).send(load.connection(server.endpoint))

    # The first ones pay for what all share.
    for number in range(20):
        deploy(f"bench-warm-{number}")
        use(f"bench-warm-{number}")
    rest(server)
    before, _ = settled_memory(server)
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        names = [f"bench-many-{number}" for number in range(FUNCTIONS)]
        list(pool.map(deploy, names))
        deployed = time.monotonic() - began
        list(pool.map(use, names))
    rest(server)
    after = least_memory(server)
    report.at_most(f"memory of the server for each of {FUNCTIONS:,} functions, invoked once", (after - before) * 1024 / FUNCTIONS, "KB", 20,
                   f"{before:.0f} → {after:.0f} MB; deployed in {deployed:.0f} s, invoked in {time.monotonic() - began - deployed:.0f} s")


def least_memory(server, seconds=8):
    """Of the next seconds: what has ended is cleaned up, and its memory given back, after it is no longer counted."""
    end = time.monotonic() + seconds
    least = float("inf")
    while time.monotonic() < end:
        least = min(least, server.memory()[0])
        time.sleep(0.5)
    return least


def rest(server):
    """Until no environment is left."""
    def rested():
        clock(server, {"advance": "11m"})
        return environments(server) == 0
    until("the environments have ended", rested, pause=0.5)


def clock(server, change):
    request = urllib.request.Request(
        server.endpoint + "/_dewpoint/clock", data=json.dumps(change).encode(), headers={"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=30).read()


def metric(server, name):
    """By the value of the only label."""
    with urllib.request.urlopen(server.endpoint + "/_dewpoint/metrics", timeout=30) as answer:
        return {found[1]: float(found[2]) for found in re.finditer(rf'^{name}{{\w+="(\w+)"}} (\S+)$', answer.read().decode(), re.M)}


def environments(server):
    states = metric(server, "dewpoint_lambda_environments")
    return sum(states[state] for state in ("starting", "busy", "idle"))


def queued(server, report, role):
    """A hundred thousand events wait for a function that may not run; then the server is killed, starts again and works them off."""
    client, sqs = server.client("lambda"), server.client("sqs")
    name = "bench-queued"
    functions.make(server, name, "python3.11", "pause.handler", {"pause.py": PAUSE}, role)
    done = sqs.create_queue(QueueName="bench-done")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=done, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": arn}})
    held = hold(server, client, name, role)
    send_events(server, name)
    server.kill()
    held.close()
    request = load.sqs_request(server.endpoint, "GetQueueAttributes", {"QueueUrl": done, "AttributeNames": ["All"]})
    began = time.monotonic()
    server.start()
    request.send(load.connection(server.endpoint))
    first = (time.monotonic() - began) * 1000
    report.at_most(f"start with {FUNCTIONS:,} functions and {EVENTS:,} queued events, to the first answer", first, "ms", 200)

    client = server.client("lambda")
    client.delete_function_concurrency(FunctionName=name)
    clock(server, {"resume": True})
    clock(server, {"advance": "6m"})
    began = time.monotonic()

    def count():
        attributes = server.client("sqs").get_queue_attributes(QueueUrl=done, AttributeNames=["ApproximateNumberOfMessages"])
        return int(attributes["Attributes"]["ApproximateNumberOfMessages"])

    until("the queue is empty", lambda: sum(metric(server, "dewpoint_lambda_async_events").values()) == 0, limit=600, pause=0.5)
    rate = EVENTS / (time.monotonic() - began)
    handled = count()
    if handled < EVENTS:
        raise RuntimeError(f"{EVENTS} events were accepted and {handled} handled")
    report.add("asynchronous events worked off, each with a record to a queue", f"{rate:,.0f}/s", f"{handled - EVENTS} twice, none lost")


def hold(server, client, name, role):
    """Reserves one execution for the function and takes it, on a clock that stands still: all else is throttled and stays queued."""
    client.update_function_configuration(FunctionName=name, Timeout=900)
    functions.wait_active(client, name)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    clock(server, {"freeze": True})
    request = load.invoke_request(server.endpoint, name, b'{"seconds": 900}')
    connection = load.connection(server.endpoint)
    connection.request("POST", request.path, request.body, request.headers)
    until("the only execution is taken", lambda: metric(server, "dewpoint_lambda_environments")["busy"] == 1)
    return connection


def send_events(server, name):
    request = load.Request(
        "lambda", server.endpoint, f"/2015-03-31/functions/{name}/invocations", b'{"seconds": 0}',
        {"Content-Type": "application/json", "X-Amz-Invocation-Type": "Event"})

    def send(count):
        connection = load.connection(server.endpoint)
        for _ in range(count):
            connection.request("POST", request.path, request.body, request.headers)
            response = connection.getresponse()
            response.read()
            if response.status != 202:
                raise RuntimeError(f"an event was answered with {response.status}")

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(send, [EVENTS // 16] * 16))
