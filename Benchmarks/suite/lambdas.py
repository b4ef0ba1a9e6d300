"""Warm invocations of functions that return their event."""
import json

from suite import functions, load


def run(server, machine, report):
    print("Lambda, warm")
    role = functions.role(server, "bench-echo")
    python = {"echo.py": functions.source("echo.py")}
    measure(server, report, role, "Python", "python3.11", "echo.handler", python, 0.45, machine.runtime, "awslambdaric", 0.4)
    native = {"bootstrap": functions.native(server)}
    measure(server, report, role, "native", "provided.al2023", "none", native, 0.2, lambda: machine.echo(16), "echo", 0.2)


def measure(server, report, role, language, runtime, handler, files, goal, limit, limit_name, share):
    name = f"bench-echo-{language.lower()}"
    functions.make(server, name, runtime, handler, files, role)
    requests = [load.invoke_request(server.endpoint, name, json.dumps({"number": i}).encode()) for i in range(100)]
    file = load.request_file(server, "invoke", requests)
    load.replay(server.endpoint, file, 1, 1)
    check(server, requests)

    one, cost = timed(server, file, 1)
    report.at_most(f"Invoke, {language}, warm, 1 conn., p50", one["p50"] / 1000, "ms", goal,
                   f"p99 {one['p99'] / 1000:.2f} ms, {cost:.0f} µs of the server")
    load.replay(server.endpoint, file, 16, 2)  # until there are as many environments as it takes
    many, cost = timed(server, file, 16)
    report.rate(f"Invoke, {language}, warm, 16 conn. ({cost:.0f} µs of the server)", many["rate"], limit(), limit_name, share)
    check(server, requests)
    server.client("lambda").delete_function(FunctionName=name)


def timed(server, file, connections):
    """What wrk measured, and the microseconds that the server computed for a request."""
    before = load.processor_time(server)
    result = load.replay(server.endpoint, file, connections, 4)
    return result, (load.processor_time(server) - before) / result["requests"] * 1e6


def check(server, requests):
    connection = load.connection(server.endpoint)
    for request in requests[:10]:
        answer = request.send(connection)
        if json.loads(answer) != json.loads(request.body):
            raise RuntimeError(f"the function answered {answer!r} to {request.body!r}")
