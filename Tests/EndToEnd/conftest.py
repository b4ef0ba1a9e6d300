import itertools

import botocore.exceptions
import pytest

from buckets import new_bucket
from harness import Cloud, Server

_accounts = itertools.count(200_000_000_000)


def pytest_configure(config):
    if not Server.binary().exists():
        pytest.exit(f"{Server.binary()} does not exist: build it, or set DEWPOINT_BINARY", returncode=4)


@pytest.fixture
def account():
    """An account that no other test uses, so that tests share a server without seeing each other."""
    return str(next(_accounts))


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("shared")).start()
    yield server
    server.stop()


@pytest.fixture
def cloud(shared_server, account):
    """The shared server. Tests with it leave the clock and the process alone."""
    return Cloud(shared_server, account)


@pytest.fixture
def s3(cloud):
    return cloud.client("s3")


@pytest.fixture
def bucket(s3):
    return new_bucket(s3)


@pytest.fixture
def own_cloud(tmp_path, account):
    """A server for this test alone, which may move its clock and kill it."""
    server = Server(tmp_path).start()
    yield Cloud(server, account)
    server.stop()


@pytest.fixture
def clock(own_cloud):
    return own_cloud.clock


@pytest.fixture(scope="module")
def module_server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("module")).start()
    yield server
    server.stop()


@pytest.fixture
def timed_cloud(module_server, account):
    """The server of this module's tests, which may freeze and advance its clock and kill it."""
    cloud = Cloud(module_server, account)
    yield cloud
    cloud.clock.resume()


@pytest.fixture
def refused():
    """`with refused("Code", status=400) as error:` expects an AWS error; `error.message` is its text."""
    return Refused


class Refused:
    def __init__(self, code, status=None, containing=None):
        self.code, self.status, self.containing = code, status, containing

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        assert error is not None, f"no error; expected {self.code}"
        if not isinstance(error, botocore.exceptions.ClientError):
            return False
        self.response = error.response
        self.message = error.response["Error"].get("Message", "")
        assert error.response["Error"]["Code"] == self.code, str(error)
        if self.status is not None:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == self.status, str(error)
        if self.containing is not None:
            assert self.containing in self.message, self.message
        return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    yield
    for cloud in _clouds(item):
        item.stash.setdefault(_log_starts, {})[id(cloud.server)] = cloud.server.log_size() if "cloud" in item.funcargs else 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failing test shows what its server logged while it ran."""
    report = yield
    if report.failed:
        for cloud in _clouds(item):
            start = item.stash.get(_log_starts, {}).get(id(cloud.server), 0)
            report.sections.append(("dewpoint log", cloud.server.log(start)[-20_000:]))
    return report


_log_starts = pytest.StashKey()


def _clouds(item):
    return [value for value in getattr(item, "funcargs", {}).values() if isinstance(value, Cloud)]
