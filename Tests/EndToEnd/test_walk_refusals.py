"""Every implemented operation refuses who must be refused, in the form of its protocol, and does nothing.

A new operation is walked as soon as the binary lists it, and fails here until walk_world.py has an input for it.
"""

import json
import re

import pytest

from harness import Cloud, Server
from lambdas import make_role, policy
from surface import Request, Wire, implemented, in_all_protocols
from walk_access import FAILING, OPEN
from walk_world import ADMINISTRATOR, World, walk

SKEWED = 20 * 60  # seconds; AWS takes up to 15 minutes
NOT_FOUND = {
    "NoSuchEntity", "ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "ResourceNotFound", "NotFound"}
# The code and the status of a denial, where it is not `AccessDenied` with 403.
DENIAL = {
    **dict.fromkeys(["dynamodb", "dynamodbstreams", "events", "firehose", "kinesis", "logs"], ("AccessDeniedException", 400)),
    **dict.fromkeys(["lambda", "pipes", "scheduler"], ("AccessDeniedException", 403)),
    "sns": ("AuthorizationError", 403),
}
DENIALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
# Of another account's things AWS answers these by design.
PUBLIC = {
    "sts:GetAccessKeyInfo": "tells the account of any key",
    "events:ListRuleNamesByTarget": "looks among the caller's own rules",
    "events:PutTargets": "a target of another account needs a role, whether there is one or not",
}
# Made for each answer: the signed link to a function's code, for one. How far a table can be brought back follows the clock.
VOLATILE = {"Location", "RequestId", "ShardIterator", "NextShardIterator", "MillisBehindLatest", "LatestRestorableDateTime"}


@pytest.fixture(scope="module")
def world(module_server):
    return World(module_server, "320000000001")


@pytest.fixture(scope="module")
def wire(world):
    wire = Wire(world.server.endpoint)
    yield wire
    wire.close()


@pytest.fixture(scope="module")
def foreigners(world):
    """Callers who may do everything, in another account."""
    other = Cloud(world.server, "320000000002")
    iam = other.client("iam")
    iam.create_user(UserName="administrator")
    iam.attach_user_policy(UserName="administrator", PolicyArn=ADMINISTRATOR)
    key = iam.create_access_key(UserName="administrator")["AccessKey"]
    return {"administrator": (key["AccessKeyId"], key["SecretAccessKey"]), "root": (other.account, "secret")}


@pytest.fixture(scope="module", autouse=True)
def untouched(world, wire):
    """What all reading operations tell is the same after the whole walk."""
    before = _state(world, wire)
    yield
    after = _state(world, wire)
    assert after.keys() == before.keys()
    for operation, answer in before.items():
        assert after[operation] == answer, f"a refused call changed something that {operation} tells"


def _state(world, wire):
    found = {}
    for operation in implemented():
        if operation.is_reading() and operation.key not in FAILING:
            reply = wire.send(Request(operation, world.input(operation)), world.account, "secret")
            assert reply.is_success, f"{operation}: {reply}"
            found[operation.key] = _steady(reply)
    return found


def _steady(reply):
    if reply.operation.protocol == "query":
        text = reply.body.decode()
        for name in VOLATILE:
            text = re.sub(rf"<{name}>.*?</{name}>", "", text, flags=re.S)
        return text

    def without(value):
        if isinstance(value, dict):
            return {name: without(item) for name, item in value.items() if name not in VOLATILE}
        return [without(item) for item in value] if isinstance(value, list) else value
    return without(json.loads(reply.body)) if reply.body else None


def _expect(reply, json_code, query_code, message):
    """The error in the spelling and with the status of the operation's protocol."""
    operation = reply.operation
    code = query_code if operation.protocol == "query" else json_code
    # awsJson answers 400 where REST and Query say 403.
    status = 400 if operation.protocol == "json" else 403
    assert (reply.code, reply.status) == (code, status), f"{operation}: {reply}"
    assert reply.message.startswith(message), f"{operation}: {reply}"


UNKNOWN = ("UnrecognizedClientException", "InvalidClientTokenId", "The security token included in the request is invalid.")


@pytest.mark.parametrize("operation", in_all_protocols(walk()), ids=str)
def test_who_is_not_known_is_refused(world, wire, operation):
    request = Request(operation, world.input(operation))
    administrator, inactive = world.keys["administrator"], world.keys["inactive"]
    _expect(wire.send(request), "MissingAuthenticationTokenException", "MissingAuthenticationToken",
            "Request is missing Authentication Token" if operation.protocol == "query" else "Missing Authentication Token")
    _expect(wire.send(request, administrator[0], "wrong" * 8), "InvalidSignatureException", "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.")
    for key in (inactive, ("ASIA" + administrator[0][4:], administrator[1], "a token"), (*administrator, "a token")):
        _expect(wire.send(request, *key), *UNKNOWN)
    for age, text in ((SKEWED, "Signature expired: "), (-SKEWED, "Signature not yet current: ")):
        _expect(wire.send(request, *administrator, age=age), "InvalidSignatureException", "SignatureDoesNotMatch", text)


ROOT_KEY = ("AKIAEXAMPLEROOTKEY01", "the-secret-of-root", "320000000003")


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """A connection to a server that knows only the keys that it was told of or has issued."""
    server = Server(tmp_path_factory.mktemp("locked"), "--root-key", ":".join(ROOT_KEY)).start()
    wire = Wire(server.endpoint)
    yield wire
    wire.close()
    server.stop()


@pytest.mark.parametrize("operation", in_all_protocols(walk()), ids=str)
def test_with_a_root_key_nobody_else_is_believed(world, locked, operation):
    request = Request(operation, world.input(operation))
    for key in ("test", "000000000000", ROOT_KEY[2], world.keys["administrator"][0]):
        _expect(locked.send(request, key, ROOT_KEY[1]), *UNKNOWN)
    _expect(locked.send(request, ROOT_KEY[0], "test"), "InvalidSignatureException", "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.")
    reply = locked.send(request, *ROOT_KEY[:2])
    assert reply.is_success or reply.code not in (
        "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch"), str(reply)


@pytest.mark.parametrize("operation", [o for o in in_all_protocols(walk()) if o.key not in OPEN], ids=str)
def test_who_has_no_permission_is_refused(world, wire, operation):
    request = Request(operation, world.input(operation))
    for caller, why in [
        ("nobody", "because no identity-based policy allows the {} action"),
        ("denied", "with an explicit deny in an identity-based policy"),
        ("bounded", "because no permissions boundary allows the {} action"),
    ]:
        reply = wire.send(request, *world.keys[caller])
        # SQS keeps the code and the status of its Query days.
        code, status = DENIAL.get(operation.service, ("AccessDenied", 403))
        assert (reply.code, reply.status) == (code, status), f"{operation} by {caller}: {reply}"
        before, _, rest = reply.message.partition(" on resource: ")
        who, _, action = before.partition(" is not authorized to perform: ")
        assert who == f"User: {world.caller_arn(caller)}", reply.message
        assert action and rest.endswith(" " + why.format(action)), reply.message


@pytest.mark.parametrize("operation", in_all_protocols(walk()), ids=str)
def test_another_account_has_no_way_in(world, wire, foreigners, operation):
    given = _from_outside(world, operation)
    request = Request(operation, given)
    names_the_account = world.account in (request.path + request.query + request.body.decode("latin-1"))
    for caller, key in foreigners.items():
        reply = wire.send(request, *key)
        if operation.key in PUBLIC:
            continue
        if names_the_account:
            denied = reply.code in DENIALS and reply.status in (400, 403)
            missing = reply.code in NOT_FOUND and reply.status in (400, 404)
            assert denied or missing, f"{operation} {given} by a foreign {caller}: {reply}"
        elif reply.is_success:
            assert world.account.encode() not in reply.body, f"{operation} shows a foreign {caller} the account: {reply}"


def _from_outside(world, operation):
    """The input, with full ARNs wherever the operation takes them."""
    given = dict(world.input(operation))
    if operation.service == "lambda" and "FunctionName" in given:
        given["FunctionName"] = world.arn("lambda", f"function:{given['FunctionName']}")
    if operation.service == "logs" and "logGroupIdentifier" in operation.members:
        given["logGroupIdentifier"] = world.arn("logs", f"log-group:{given.pop('logGroupName')}")
    if "QueueOwnerAWSAccountId" in operation.members:
        given["QueueOwnerAWSAccountId"] = world.account
    return given


@pytest.mark.parametrize("operation", in_all_protocols(walk()), ids=str)
def test_a_session_that_has_expired_is_refused(world, wire, expired, operation):
    _expect(wire.send(Request(operation, world.input(operation)), *expired), "ExpiredTokenException", "ExpiredToken",
            "The security token included in the request is expired")


@pytest.fixture(scope="module")
def expired(world, untouched):
    """The credentials of a session that has ended. The state is taken before the clock moves."""
    arn = make_role(world, "ended", {"Effect": "Allow", "Action": "*", "Resource": "*"}, trust=policy(
        {"Effect": "Allow", "Principal": {"AWS": world.account}, "Action": "sts:AssumeRole"}))
    sts = world.client("sts", credentials=world.keys["administrator"])
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="walk", DurationSeconds=900)["Credentials"]
    world.client("iam").delete_role_policy(RoleName="ended", PolicyName="own")
    world.client("iam").delete_role(RoleName="ended")
    world.clock.advance("16m")
    return keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
