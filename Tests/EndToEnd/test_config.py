"""The configuration: a file, the environment, flags, and what the server makes of them."""

import os
import pathlib
import subprocess

import pytest

from harness import Cloud, Server, send


def dewpoint(*arguments, environment=None, home="/nonexistent"):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("DEWPOINT_")}
    return subprocess.run(
        [Server.binary(), *arguments], capture_output=True, text=True, timeout=20, env=clean | {"HOME": str(home)} | (environment or {}))


def values(text):
    """{name: (value, origin)} of `dewpoint config`."""
    rows = [line.split("  # ") for line in text.splitlines()]
    return {left.split(":")[0]: (left.split(":", 1)[1].strip(), right.strip()) for left, right in rows}


def test_the_documentation_is_what_the_table_says():
    """If this fails after adding a setting: dewpoint config --explain > docs/CONFIGURATION.md."""
    page = dewpoint("config", "--explain").stdout
    assert page == (pathlib.Path(__file__).parents[2] / "docs/CONFIGURATION.md").read_text()


def test_the_help_names_every_setting():
    help = dewpoint("up", "--help").stdout
    for name in values(dewpoint("config").stdout):
        assert f"--{name.removesuffix('s') if name.startswith('allow-') and name.endswith('s') else name}" in help


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path):
    file = tmp_path / "my.yaml"
    file.write_text("port: 1\nhost: localhost\nlog-level: debug\nroot-key: AKIAX:very-secret\n")
    shown = dewpoint("config", "--config", file, "--port", "3", environment={"DEWPOINT_HOST": "::1"}).stdout
    assert "very-secret" not in shown
    found = values(shown)
    assert found["port"] == ("3", "--port")
    assert found["log-level"] == ("debug", str(file))
    assert found["host"][1] == "DEWPOINT_HOST"
    assert found["data"][1] == "default"
    assert found["root-key"] == ("(set, not shown)", str(file))


def test_the_file_is_found_by_its_variable_and_at_home(tmp_path):
    (tmp_path / ".dewpoint").mkdir()
    (tmp_path / ".dewpoint/config.yaml").write_text("port: 7")
    assert values(dewpoint("config", home=tmp_path).stdout)["port"][0] == "7"
    other = tmp_path / "other.yaml"
    other.write_text("port: 8")
    assert values(dewpoint("config", home=tmp_path, environment={"DEWPOINT_CONFIG": str(other)}).stdout)["port"][0] == "8"
    missing = dewpoint("config", "--config", tmp_path / "missing.yaml")
    assert missing.returncode != 0 and "missing.yaml" in missing.stderr


@pytest.mark.parametrize("content, complaint", [
    ("prot: 1", "Did you mean port?"), ("port: seventy", "number"), ("port: [", "YAML"), ("port: 1\nport: 2", "YAML"),
])
def test_a_wrong_file_keeps_the_server_from_starting(tmp_path, content, complaint):
    file = tmp_path / "c.yaml"
    file.write_text(content)
    for command in ("up", "config"):
        failed = dewpoint(command, "--config", file)
        assert failed.returncode != 0 and complaint in failed.stderr, failed.stderr


def test_a_wrong_variable_or_flag_keeps_the_server_from_starting():
    assert "Did you mean DEWPOINT_PORT?" in dewpoint("up", environment={"DEWPOINT_PROT": "1"}).stderr
    assert "Did you mean --ephemeral?" in dewpoint("up", "--efemeral").stderr
    assert "root key" in dewpoint("up", "--host", "0.0.0.0").stderr


@pytest.fixture
def configured(tmp_path, account):
    file = tmp_path / "c.yaml"
    file.write_text(
        "allow-hosts: [dewpoint.internal]\nallow-origins: ['https://app.example']\naccount: '999988887777'\nstop-limit: 1s\n"
        "ephemeral: true\nhttp-maximum-head-bytes: 9000\n")
    server = Server(tmp_path, "--config", file, ephemeral=True).start()
    yield Cloud(server, account)
    server.stop()


def test_the_server_does_what_the_file_says(configured):
    endpoint = configured.server.endpoint
    assert send(endpoint + "/_dewpoint/health", headers={"Host": "dewpoint.internal"})[0] == 200
    assert send(endpoint + "/_dewpoint/health", headers={"Host": "other.internal"})[0] == 403
    assert send(endpoint + "/_dewpoint/health", headers={"Origin": "https://app.example"})[0] == 200
    assert send(endpoint + "/_dewpoint/health", headers={"Origin": "https://evil.example"})[0] == 403
    assert send(endpoint + "/_dewpoint/health", headers={"X-Long": "x" * 10_000})[0] == 431
    caller = configured.client("sts", credentials=("test", "x")).get_caller_identity()
    assert caller["Account"] == "999988887777"
    assert configured.client("sts", credentials=("111122223333", "x")).get_caller_identity()["Account"] == "111122223333"
