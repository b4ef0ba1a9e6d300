"""The life of environments: frozen between invocations, made from runtimes that are booted already."""

import textwrap

from lambdas import deploy, make_role, python, zipped

TICKING = """
    import threading, time
    gaps = []
    def tick():
        last = time.monotonic()
        while True:
            time.sleep(0.002)
            now = time.monotonic()
            gaps.append(now - last)
            last = now
    threading.Thread(target=tick, daemon=True).start()
    def handler(event, context):
        time.sleep(0.1)
        longest = max(gaps)
        gaps.clear()
        return longest
    """
TAKES_TIME = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return event\n"


def test_a_function_does_not_run_between_its_invocations(cloud):
    role = make_role(cloud)
    ticking = deploy(cloud, python(TICKING), name="ticking", role=role)
    other = deploy(cloud, python(TAKES_TIME), name="other", role=role)
    ticking.invoke({})
    # Time passes in which it has nothing to do.
    assert other.invoke(1).value == 1
    assert ticking.invoke({}).value > 0.9
    # Its thread runs on during the invocation: no gap of that kind without a rest between.
    assert ticking.invoke({}).value < 0.9


def test_each_new_environment_is_of_its_own_function_only(cloud):
    role = make_role(cloud)
    source = """
        import os, sys
        started = []
        def handler(event, context):
            started.append(1)
            task = sorted(os.listdir('/var/task'))
            return [len(started), task, os.environ['AWS_LAMBDA_FUNCTION_NAME'], os.environ.get('OWN'), os.getcwd(),
                    os.listdir('/tmp'), context.function_name, sys.argv[1:], os.statvfs('/tmp').f_blocks * 4096 >> 20]
        """
    for number in range(4):
        name = f"fn-{number}"
        package = zipped({"index.py": textwrap.dedent(source), f"only-{number}": "x"})
        function = deploy(
            cloud, package, name=name, role=role, Environment={"Variables": {"OWN": str(number)}},
            EphemeralStorage={"Size": 512 + 100 * number})
        for call in (1, 2):
            answer = function.invoke({}).value
            assert answer == [call, ["index.py", f"only-{number}"], name, str(number), "/var/task", [], name, ["index.handler"],
                              512 + 100 * number]


def test_variables_that_a_process_reads_at_its_start_have_their_effect(cloud):
    source = "import os, time, sys\ndef handler(event, context):\n    return [time.localtime(0).tm_hour, sys.flags.optimize, '/var/task/lib' in sys.path]\n"
    function = deploy(cloud, python(source), Environment={
        "Variables": {"TZ": "Asia/Tokyo", "PYTHONOPTIMIZE": "2", "PYTHONPATH": "/var/task/lib"}})
    assert function.invoke({}).value == [9, 2, True]


def test_a_function_cannot_pretend_to_be_a_spare_runtime(cloud):
    source = """
        import http.client, os
        def handler(event, context):
            api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
            api.request('GET', '/spare/function')
            return api.getresponse().status
        """
    function = deploy(cloud, python(source))
    assert function.invoke({}).value == 404
    assert function.invoke({}).value == 404
