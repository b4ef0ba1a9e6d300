"""How soon the server answers after its start on a directory with state, and what it occupies when idle."""
import statistics
import time

from suite import load
from suite.server import until

ROUNDS = 10


def run(server, machine, report):
    print("Start")
    queue = server.client("sqs").create_queue(QueueName="bench-start")["QueueUrl"]
    # Signed before, so that only the server's time counts; an answer to this has read the store.
    request = load.sqs_request(server.endpoint, "GetQueueAttributes", {"QueueUrl": queue, "AttributeNames": ["All"]})
    times = []
    for _ in range(ROUNDS):
        server.stop()
        began = time.monotonic()
        server.start()
        request.send(load.connection(server.endpoint))
        times.append((time.monotonic() - began) * 1000)
    report.at_most("process start to first answer, p50", statistics.median(times), "ms", 60, f"{min(times):.0f}–{max(times):.0f} ms")
    resident, proportional = settled_memory(server)
    report.at_most("memory when idle", resident, "MB", 45, f"{proportional:.0f} MB without what is shared")


def settled_memory(server):
    """Two readings half a second apart that agree."""
    last = [0.0, 0.0]

    def settled():
        time.sleep(0.5)
        memory = server.memory()
        agrees = abs(memory[0] - last[0]) < 0.5
        last[:] = memory
        return memory if agrees else None

    return until("memory settles", settled)
