"""Roles assumed with tokens of an OpenID Connect issuer, as a CI job does it: a file with a token, a role, no keys."""

import base64
import datetime
import hashlib
import hmac
import json
import os
import subprocess

import boto3
import botocore
import botocore.config
import pytest

from harness import Cloud, Server
from lambdas import policy

URL = "https://token.actions.githubusercontent.com"
NAME = URL.removeprefix("https://")
AUDIENCE = "sts.amazonaws.com"
SUBJECT = "repo:acme/shop:ref:refs/heads/main"


class Issuer:
    """An issuer with one RSA key, made and used by the openssl command."""

    def __init__(self, directory, url, key_id="first"):
        self.url, self.key_id, self.key = url, key_id, directory / f"{key_id}.pem"
        subprocess.run(["openssl", "genrsa", "-out", self.key, "2048"], check=True, capture_output=True)
        modulus = subprocess.run(
            ["openssl", "rsa", "-in", self.key, "-noout", "-modulus"], check=True, capture_output=True, text=True).stdout
        self.key_set = {"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id, "e": _text(b"\x01\x00\x01"),
            "n": _text(bytes.fromhex(modulus.strip().removeprefix("Modulus=")))}]}

    def token(self, now_ms, header=None, sign=None, **claims):
        now = now_ms // 1000
        said = {"iss": self.url, "sub": SUBJECT, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 900} | claims
        head = {"alg": "RS256", "typ": "JWT", "kid": self.key_id} | (header or {})
        text = ".".join(_text(json.dumps(part).encode()) for part in (head, said))
        return f"{text}.{_text((sign or self._sign)(text.encode()))}"

    def _sign(self, data):
        return subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", self.key], input=data, check=True, capture_output=True).stdout


def _text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    return Issuer(tmp_path_factory.mktemp("issuer"), URL)


@pytest.fixture(scope="module")
def server(tmp_path_factory, issuer):
    """A server that knows the issuer's keys, told of them by its configuration file."""
    directory = tmp_path_factory.mktemp("web")
    (directory / "jwks.json").write_text(json.dumps(issuer.key_set))
    (directory / "config.yaml").write_text(
        f"web-identity:\n  - issuer: {URL}\n    jwks-file: {directory / 'jwks.json'}\n"
        f"  - issuer: https://everybodys.example.com\n    jwks-file: {directory / 'jwks.json'}\n    audiences: [shop]\n")
    server = Server(directory, "--config", directory / "config.yaml").start()
    yield server
    server.stop()


@pytest.fixture
def cloud(server, account):
    """An account that has made the issuer its own, and a role for one repository."""
    cloud = Cloud(server, account)
    provider = cloud.client("iam").create_open_id_connect_provider(Url=URL, ClientIDList=[AUDIENCE])["OpenIDConnectProviderArn"]
    make_deployer(cloud, provider, {
        "StringEquals": {f"{NAME}:aud": AUDIENCE}, "StringLike": {f"{NAME}:sub": "repo:acme/shop:*"}})
    yield cloud
    cloud.clock.resume()


def make_deployer(cloud, provider, condition):
    iam = cloud.client("iam")
    iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=policy({
        "Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition}))
    iam.put_role_policy(RoleName="deployer", PolicyName="own", PolicyDocument=policy(
        {"Effect": "Allow", "Action": ["sqs:CreateQueue", "sqs:ListQueues"], "Resource": "*"}))


@pytest.fixture
def job(cloud, tmp_path, monkeypatch):
    """What a job sees: the environment that its CI system sets, and nothing else of AWS. Takes the token, gives clients."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    file = tmp_path / "token"
    for name, value in {
        "AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_ROLE_ARN": f"arn:aws:iam::{cloud.account}:role/deployer",
        "AWS_ROLE_SESSION_NAME": "job-7", "AWS_ENDPOINT_URL": cloud.server.endpoint, "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
        # Where the CLI keeps the sessions that it has got.
        "HOME": tmp_path,
    }.items():
        monkeypatch.setenv(name, str(value))

    def start(token):
        file.write_text(token)
        session = boto3.session.Session()
        return lambda service: session.client(service, config=botocore.config.Config(retries={"total_max_attempts": 1}))
    return start


def test_a_job_is_the_role_by_its_token_alone(cloud, issuer, job, refused):
    client = job(issuer.token(cloud.clock.now_ms()))
    who = client("sts").get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{cloud.account}:assumed-role/deployer/job-7"
    assert client("sqs").create_queue(QueueName="made")["QueueUrl"].endswith(f"/{cloud.account}/made")
    with refused("AccessDenied", 403, containing="assumed-role/deployer/job-7 is not authorized to perform: sqs:DeleteQueue"):
        client("sqs").delete_queue(QueueUrl=f"{cloud.server.endpoint}/{cloud.account}/made")


def test_the_cli_is_the_role_too(cloud, issuer, job):
    job(issuer.token(cloud.clock.now_ms()))
    done = subprocess.run(
        [cloud.aws(), "sts", "get-caller-identity", "--output", "json"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"].endswith(":assumed-role/deployer/job-7")


def test_the_answer_says_who_the_token_is_of(cloud, issuer):
    given = assume(cloud, issuer.token(cloud.clock.now_ms()), DurationSeconds=900)
    assert (given["SubjectFromWebIdentityToken"], given["Audience"]) == (SUBJECT, AUDIENCE)
    assert given["Provider"] == f"arn:aws:iam::{cloud.account}:oidc-provider/{NAME}"
    assert given["AssumedRoleUser"]["AssumedRoleId"].endswith(":job-7")
    expiration = given["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(minutes=14) < expiration <= datetime.timedelta(minutes=15)


def test_the_session_ends(cloud, issuer, refused):
    cloud.clock.freeze()
    keys = assume(cloud, issuer.token(cloud.clock.now_ms()), DurationSeconds=900)["Credentials"]
    session = keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
    cloud.client("sqs", credentials=session).list_queues()
    cloud.clock.advance("15m")
    with refused("ExpiredToken", 403):
        cloud.client("sts", credentials=session).get_caller_identity()


def assume(cloud, token, **more):
    """Without a signature, as the call is made."""
    sts = boto3.client("sts", region_name="us-east-1", endpoint_url=cloud.server.endpoint, config=botocore.config.Config(
        signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1}))
    return sts.assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{cloud.account}:role/deployer", RoleSessionName="job-7", WebIdentityToken=token, **more)


@pytest.mark.parametrize("claims, code, status, text", [
    ({"aud": "somebody-else"}, "InvalidIdentityToken", 400, "Incorrect token audience"),
    ({"aud": []}, "InvalidIdentityToken", 400, "Incorrect token audience"),
    ({"azp": "somebody-else"}, "InvalidIdentityToken", 400, "Incorrect token audience"),
    ({"exp": 1}, "ExpiredTokenException", 400, "must be before the expiration date/time"),
    ({"nbf": 9_999_999_999, "exp": 9_999_999_999}, "InvalidIdentityToken", 400, "not yet valid"),
    ({"iss": "https://unknown.example.com"}, "InvalidIdentityToken", 400,
     "No OpenIDConnect provider found in your account for https://unknown.example.com"),
    ({"sub": "repo:acme/other:ref:refs/heads/main"}, "AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
    ({"sub": None}, "InvalidIdentityToken", 400, "not a valid JWT"),
], ids=lambda value: "-".join(value) if isinstance(value, dict) else "")
def test_a_token_that_says_something_else_is_refused(cloud, issuer, job, refused, claims, code, status, text):
    with refused(code, status, containing=text):
        job(issuer.token(cloud.clock.now_ms(), **claims))("sqs").list_queues()


def test_a_token_by_another_key_is_refused(cloud, issuer, tmp_path, refused):
    now = cloud.clock.now_ms()
    public = json.dumps(issuer.key_set["keys"][0]).encode()
    good = issuer.token(now)
    altered = good.split(".")
    altered[1] = _text(json.dumps({"iss": URL, "sub": SUBJECT, "aud": AUDIENCE, "exp": now // 1000 + 86_400}).encode())
    for token in (
        Issuer(tmp_path, URL).token(now),
        Issuer(tmp_path, URL, "unknown").token(now),
        ".".join(altered),
        good.rpartition(".")[0] + ".",
        issuer.token(now, {"alg": "none"}, lambda data: b""),
        # What the public key signs as if it were a shared secret.
        issuer.token(now, {"alg": "HS256"}, lambda data: hmac.new(public, data, hashlib.sha256).digest()),
    ):
        with refused("InvalidIdentityToken", 400, containing="could not be validated by AWS"):
            assume(cloud, token)


def test_a_provider_whose_keys_nobody_configured_has_no_tokens(cloud, tmp_path, refused):
    url = "https://own.example.com"
    cloud.client("iam").create_open_id_connect_provider(Url=url, ClientIDList=[AUDIENCE])
    with refused("InvalidIdentityToken", 400, containing="Couldn't retrieve verification key from your identity provider"):
        assume(cloud, Issuer(tmp_path, url).token(cloud.clock.now_ms()))


def test_a_token_is_of_no_use_in_an_account_without_the_provider(server, account, cloud, issuer, refused):
    other = Cloud(server, str(int(account) + 50_000_000_000))
    make_deployer(other, f"arn:aws:iam::{cloud.account}:oidc-provider/{NAME}", {"StringEquals": {f"{NAME}:aud": AUDIENCE}})
    with refused("InvalidIdentityToken", 400, containing=f"No OpenIDConnect provider found in your account for {URL}"):
        assume(other, issuer.token(cloud.clock.now_ms()))


def test_an_issuer_with_audiences_of_its_own_serves_every_account(server, account, issuer):
    cloud = Cloud(server, account)
    name = "everybodys.example.com"
    make_deployer(cloud, name, {"StringEquals": {f"{name}:sub": "me"}})
    given = assume(cloud, issuer.token(cloud.clock.now_ms(), iss=f"https://{name}", sub="me", aud="shop"))
    assert (given["Provider"], given["Audience"]) == (name, "shop")


def test_the_refusal_is_noted_for_the_owner_of_the_role(cloud, issuer, refused):
    with refused("AccessDenied", 403):
        assume(cloud, issuer.token(cloud.clock.now_ms(), sub="repo:evil/fork"))
    status, page = cloud.server.page(f"/_dewpoint/denials?account={cloud.account}")
    assert status == 200 and "sts:AssumeRoleWithWebIdentity" in json.dumps(page)
