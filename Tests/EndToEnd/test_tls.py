"""TLS: the local authority, certificates of the operator, HTTP and HTTPS on one port, and what the services see of it."""

import json
import os
import shutil
import socket
import ssl
import stat
import subprocess

import boto3
import botocore.config
import pytest

from harness import Server, send, wait_until


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("tls"), "--tls").start()
    server.authority = server.directory / "ca.pem"
    server.authority.write_text(trust(server.data).stdout)
    yield server
    server.stop()


def trust(data):
    return subprocess.run([Server.binary(), "trust", "--data", data], capture_output=True, text=True, timeout=20, check=True)


def client(server, service, verify, endpoint=None, account="123456789012"):
    return boto3.client(
        service, region_name="us-east-1", endpoint_url=endpoint or f"https://localhost:{server.port}", verify=verify,
        aws_access_key_id=account, aws_secret_access_key="secret", config=botocore.config.Config(retries={"total_max_attempts": 1}))


def handshake(server, authority, name="localhost", protocols=("http/1.1",)):
    context = ssl.create_default_context(cafile=authority)
    context.set_alpn_protocols(list(protocols))
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    return context.wrap_socket(raw, server_hostname=name)


def test_boto3_uses_https_and_http_on_one_port(tls_server):
    secure = client(tls_server, "sqs", str(tls_server.authority))
    url = secure.create_queue(QueueName="secure")["QueueUrl"]
    assert url == f"https://localhost:{tls_server.port}/123456789012/secure"
    secure.send_message(QueueUrl=url, MessageBody="hello")
    plain = client(tls_server, "sqs", None, f"http://localhost:{tls_server.port}")
    assert plain.get_queue_url(QueueName="secure")["QueueUrl"] == url.replace("https:", "http:")
    assert plain.receive_message(QueueUrl=url.replace("https:", "http:"))["Messages"][0]["Body"] == "hello"


def test_the_cli_takes_the_authority_from_its_environment(tls_server):
    environment = os.environ | {
        "AWS_CA_BUNDLE": str(tls_server.authority), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull}
    aws = shutil.which("aws", path=os.path.join(os.path.dirname(os.sys.executable)))
    done = subprocess.run(
        [aws, "--endpoint-url", f"https://localhost:{tls_server.port}", "sts", "get-caller-identity"], env=environment,
        capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["Account"] == "000000000000", done.stderr


def test_without_the_authority_nobody_trusts_it(tls_server):
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tls_server, None)


@pytest.mark.parametrize("name", [
    "localhost", "127.0.0.1", "::1", "localhost.localstack.cloud", "bucket.localhost.localstack.cloud",
    "bucket.s3.localhost.localstack.cloud", "sqs.us-east-1.localhost.localstack.cloud", "id.execute-api.localhost.localstack.cloud",
    "bucket.s3.localhost", "id.lambda-url.us-east-1.localhost.localstack.cloud"])
def test_the_certificate_names_what_clients_call_a_local_endpoint(tls_server, name):
    with handshake(tls_server, tls_server.authority, name) as connection:
        assert connection.version() == "TLSv1.3"


@pytest.mark.parametrize("offered, chosen", [(("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1"), (("h2",), "h2"), (("x",), None)])
def test_alpn_chooses_http_2(tls_server, offered, chosen):
    with handshake(tls_server, tls_server.authority, protocols=offered) as connection:
        assert connection.selected_alpn_protocol() == chosen


def test_curl_speaks_http_2_over_tls(tls_server):
    done = subprocess.run(
        ["curl", "-sS", "--http2", "--cacert", tls_server.authority, "-o", os.devnull, "-w", "%{http_version} %{http_code}",
         f"https://localhost:{tls_server.port}/_dewpoint/health"], capture_output=True, text=True, timeout=20)
    assert done.stdout == "2 200", done.stderr


def test_old_versions_of_tls_are_refused(tls_server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", tls_server.port), timeout=10) as raw, pytest.raises((ssl.SSLError, OSError)):
        context.wrap_socket(raw, server_hostname="localhost")


def test_policies_see_whether_a_call_came_over_tls(tls_server):
    root = client(tls_server, "iam", str(tls_server.authority), account="345678901234")
    root.create_user(UserName="u")
    root.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sqs:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}]}))
    key = root.create_access_key(UserName="u")["AccessKey"]
    for scheme, allowed in [("https", True), ("http", False)]:
        sqs = boto3.client(
            "sqs", region_name="us-east-1", endpoint_url=f"{scheme}://localhost:{tls_server.port}", verify=str(tls_server.authority),
            aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
        if allowed:
            sqs.list_queues()
        else:
            with pytest.raises(sqs.exceptions.ClientError, match="AccessDenied"):
                sqs.list_queues()


def test_keys_are_the_owners_alone_and_the_authority_stays(tmp_path):
    server = Server(tmp_path, "--tls").start()
    files = server.data / "tls"
    assert stat.S_IMODE(files.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.iterdir()} == {0o600}
    before = trust(server.data)
    assert before.stdout.count("BEGIN CERTIFICATE") == 1 and "PRIVATE" not in before.stdout
    assert "AWS_CA_BUNDLE" in before.stderr and "NODE_EXTRA_CA_CERTS" in before.stderr
    leaf = (files / "server.pem").read_text()
    server.restart()
    assert trust(server.data).stdout == before.stdout and (files / "server.pem").read_text() == leaf
    server.stop()
    # Another authority issues anew.
    (files / "authority.pem").unlink()
    server.start()
    (tmp_path / "ca.pem").write_text(trust(server.data).stdout)
    assert (files / "server.pem").read_text() != leaf
    handshake(server, tmp_path / "ca.pem").close()
    server.stop()


def certify(directory, name):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", directory / "key.pem", "-out", directory / "cert.pem",
         "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,DNS:mine.example"],
        check=True, capture_output=True)


def test_the_operators_own_certificate(tmp_path):
    certify(tmp_path, "mine")
    server = Server(tmp_path, "--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem").start()
    with handshake(server, tmp_path / "cert.pem", "mine.example") as connection:
        assert ("commonName", "mine") in [pair for part in connection.getpeercert()["subject"] for pair in part]
    server.stop()


def test_a_certificate_that_the_operator_renews_is_served_without_a_restart(tmp_path):
    certify(tmp_path, "old")
    server = Server(tmp_path, "--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem").start()
    # In between they do not belong together; what is good stays.
    (tmp_path / "key.pem").write_text("nothing")
    wait_until(lambda: "cannot be renewed" in server.log(), "the broken files are said", 60)
    certify(tmp_path, "new")

    def is_served():
        try:
            with handshake(server, tmp_path / "cert.pem", "mine.example"):
                return True
        except ssl.SSLError:
            return False
    wait_until(is_served, "the new certificate is served", 60)
    assert server.log().count("cannot be renewed") == 1
    server.stop()


@pytest.mark.parametrize("options, words", [
    (["--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.pem"], "/nowhere.pem"),
    (["--tls-cert", "/etc/passwd", "--tls-key", "/etc/passwd"], "certificate"),
    (["--tls-cert", "/nowhere.pem"], "tls-key"), (["--tls", "--tls-cert", "a", "--tls-key", "b"], "tls makes"),
])
def test_a_certificate_that_cannot_be_used_is_named(tmp_path, options, words):
    done = subprocess.run(
        [Server.binary(), "up", "--port", "0", "--data", tmp_path / "data", *options], capture_output=True, text=True, timeout=20)
    assert done.returncode != 0 and words in done.stderr


def own_address():
    """An address of this host that is not loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
        return None if address.startswith("127.") or address == "0.0.0.0" else address


def test_beyond_loopback_only_tls_is_served(tmp_path):
    address = own_address()
    if address is None:
        pytest.skip("this host has no address besides loopback")
    for options, plain in [([], False), (["--allow-plaintext"], True)]:
        server = Server(tmp_path / str(plain), "--host", address, "--root-key", "ROOTKEY:long-secret", *options)
        server.directory.mkdir()
        server.start()
        # The client's address decides, and here it is that of the host.
        status, body, _ = send(f"http://{address}:{server.port}/_dewpoint/health")
        if plain:
            assert status == 200
        else:
            assert status == 400 and b"https://" in body
            (tmp_path / "ca.pem").write_text(trust(server.data).stdout)
            context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
            with socket.create_connection((address, server.port), timeout=10) as raw:
                context.wrap_socket(raw, server_hostname=address).close()
        server.stop()


@pytest.mark.parametrize("garbage", [
    b"\x16\x03\x01", b"\x16" + b"\xff" * 2000, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\x16\x03\x01\x40\x00" + b"\x00" * 0x4000])
def test_garbage_in_place_of_a_handshake_ends_its_connection_only(tls_server, garbage):
    with socket.create_connection(("127.0.0.1", tls_server.port), timeout=10) as raw:
        raw.sendall(garbage)
        raw.shutdown(socket.SHUT_WR)
        wait_until(lambda: not received(raw), "the connection ends")
    handshake(tls_server, tls_server.authority).close()


def received(raw):
    try:
        return raw.recv(65536)
    except ConnectionResetError:
        return b""
