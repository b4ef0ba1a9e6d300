"""A stage for hostile functions: an attacker, a neighbour that works meanwhile, and what must hold whatever the attacker does."""

import pathlib
import threading
import time

from harness import Cloud, wait_until
from lambdas import Function, deploy, make_role, zipped

# The processors are shared with the attackers, with the tests and with whatever else the machine does.
SLOWEST_ANSWER = 5.0
NEIGHBOUR = """
    import uuid
    BOOT, calls = uuid.uuid4().hex, []
    def handler(event, context):
        calls.append(1)
        return [BOOT, len(calls), event]
    """


class Neighbour:
    """A function of another account that is invoked again and again while the attack runs."""

    def __init__(self, server):
        self.function = deploy(Cloud(server, "300000000002"), NEIGHBOUR, name="neighbour")
        self.slowest, self.answers, self.boots = 0.0, 0, set()
        self.failure, self._end = None, threading.Event()

    def __enter__(self):
        self.slowest, self.answers, self.boots = 0.0, 0, set()
        self.failure = None
        self._end.clear()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def _work(self):
        while not self._end.is_set():
            try:
                self._ask()
            except Exception as error:  # shown by the test
                self.failure = error
                return
            self._end.wait(0.05)

    def _ask(self):
        began = time.monotonic()
        boot, _, event = self.function.invoke({"n": self.answers}).value
        self.slowest = max(self.slowest, time.monotonic() - began)
        assert event == {"n": self.answers}
        self.answers += 1
        self.boots.add(boot)

    def __exit__(self, kind, error, trace):
        self._end.set()
        self._thread.join(60)
        if kind is not None:
            return
        # At least once after the attack, too.
        self._ask()
        assert self.failure is None, f"the neighbour failed: {self.failure!r}"
        assert len(self.boots) == 1, "the neighbour's process was replaced"
        assert self.slowest < SLOWEST_ANSWER, f"the neighbour waited {self.slowest:.1f} s for an answer"


class Stage:
    def __init__(self, server):
        self.server = server
        self.cloud = Cloud(server, "300000000001")
        self.role = make_role(self.cloud, "attacker")
        self.neighbour = Neighbour(server)
        self._attackers = {}

    def attacker(self, **options) -> Function:
        """A function that can do all the attacks; one for each configuration."""
        key = repr(sorted(options.items()))
        if key not in self._attackers:
            source = {path.name: path.read_text() for path in sorted((pathlib.Path(__file__).parent / "hostile").glob("*.py"))}
            name = f"attacker-{len(self._attackers)}"
            self._attackers[key] = deploy(self.cloud, zipped(source), name=name, role=self.role, **options)
        return self._attackers[key]

    def attack(self, name, options={}, **event):
        """What the invocation gave; meanwhile and afterwards the neighbour and the server are well."""
        attacker = self.attacker(**options)
        pid = self.server.process.pid
        with self.neighbour:
            answer = attacker.invoke({"attack": name} | event)
        self.check_server(pid)
        return answer

    def check_server(self, pid):
        assert self.server.process.poll() is None and self.server.process.pid == pid
        began = time.monotonic()
        assert self.server.page("/_dewpoint/health")[0] == 200
        assert time.monotonic() - began < SLOWEST_ANSWER

    def is_well(self, options={}):
        """The attacker itself can be invoked as before."""
        return "pid" in self.attacker(**options).invoke({"attack": "look_around"}).value["namespaces"]


def processes_with(mark):
    """Of the whole host: pids whose command line or name has the mark."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark in (path / "cmdline").read_text() + (path / "comm").read_text():
                found.append(int(path.name))
        except OSError:
            pass
    return found


def wait_gone(mark):
    wait_until(lambda: not processes_with(mark), f"processes with {mark} are gone")
