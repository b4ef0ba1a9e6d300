"""Warm invocations of a Python function that returns its event."""
import json

from suite import functions, load


def run(server, machine, report):
    print("Lambda, warm")
    role = functions.role(server, "bench-echo")
    functions.make(server, "bench-echo", "python3.11", "echo.handler", {"echo.py": functions.source("echo.py")}, role)
    requests = [load.invoke_request(server.endpoint, "bench-echo", json.dumps({"number": i}).encode()) for i in range(100)]
    file = load.request_file(server, "invoke", requests)
    load.replay(server.endpoint, file, 1, 1)
    check(server, requests)

    one = load.replay(server.endpoint, file, 1, 4)
    report.at_most("Invoke, warm, 1 conn., p50", one["p50"] / 1000, "ms", 0.7, f"p99 {one['p99'] / 1000:.2f} ms")
    load.replay(server.endpoint, file, 16, 2)  # until there are as many environments as it takes
    many = load.replay(server.endpoint, file, 16, 4)
    report.rate("Invoke, warm, 16 conn.", many["rate"], machine.runtime(), "awslambdaric", 0.4)
    check(server, requests)
    server.client("lambda").delete_function(FunctionName="bench-echo")


def check(server, requests):
    connection = load.connection(server.endpoint)
    for request in requests[:10]:
        answer = request.send(connection)
        if json.loads(answer) != json.loads(request.body):
            raise RuntimeError(f"the function answered {answer!r} to {request.body!r}")
