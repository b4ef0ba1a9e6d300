"""Cold starts, as the client sees them: the first invocation after a change of the function's configuration."""
import statistics
import time

from suite import functions, load

ROUNDS = 15


def cold(server, machine, report):
    print("Lambda, cold")
    role = functions.role(server, "bench-cold")
    cases = [
        ("Python", "python3.11", "echo.handler", {"echo.py": functions.source("echo.py")}, {}, 15),
        # What a process reads at its start only cannot be told to a spare.
        ("Python without a spare", "python3.11", "echo.handler", {"echo.py": functions.source("echo.py")}, {"LC_ALL": "C"}, 60),
        ("Node", "nodejs20.x", "index.handler", {"index.mjs": functions.source("index.mjs")}, {}, 15),
        ("native", "provided.al2023", "none", {"bootstrap": functions.native(server)}, {}, 8),
    ]
    for name, runtime, handler, files, variables, goal in cases:
        function = "bench-cold-" + name.lower().replace(" ", "-")
        times = measure(server, function, runtime, handler, files, role, variables)
        report.at_most(f"cold start, {name}, p50", statistics.median(times), "ms", goal, f"{min(times):.0f}–{max(times):.0f} ms")


def measure(server, function, runtime, handler, files, role, variables):
    client = functions.make(server, function, runtime, handler, files, role)
    request = load.invoke_request(server.endpoint, function)
    connection = load.connection(server.endpoint)
    request.send(connection)  # unpacks the code
    times = []
    for i in range(ROUNDS):
        # An environment belongs to one configuration, so a change makes the next invocation begin a new one.
        client.update_function_configuration(FunctionName=function, Environment={"Variables": {"ROUND": str(i)} | variables})
        functions.wait_active(client, function)
        began = time.monotonic()
        request.send(connection)
        times.append((time.monotonic() - began) * 1000)
    client.delete_function(FunctionName=function)
    return times
