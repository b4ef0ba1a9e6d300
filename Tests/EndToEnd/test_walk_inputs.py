"""Whatever an operation is sent, it answers soon and in good form: bad input with 4xx, and never with 5xx."""

import random
import string

import pytest

from surface import Request, Wire, in_all_protocols, missing
from walk_mutations import mutations
from walk_world import World, walk

ROUNDS = 12
# The codes by which each service refuses an input.
REFUSALS = {
    "cloudwatch": {"ValidationError", "InvalidParameterValue", "InvalidParameterValueException", "InvalidParameterCombination",
                   "InvalidParameterCombinationException", "MissingParameter", "MissingRequiredParameterException",
                   "SerializationException", "MalformedInput"},
    "dynamodb": {"ValidationException", "SerializationException"},
    "dynamodbstreams": {"ValidationException", "SerializationException"},
    "events": {"ValidationException", "SerializationException"},
    "firehose": {"ValidationException", "InvalidArgumentException", "SerializationException"},
    "iam": {"ValidationError", "MalformedPolicyDocument", "InvalidInput", "MalformedInput"},
    "kinesis": {"ValidationException", "InvalidArgumentException", "SerializationException"},
    "lambda": {"ValidationException", "InvalidParameterValueException", "SerializationException", "InvalidRequestContentException"},
    "logs": {"InvalidParameterException", "ValidationException", "SerializationException"},
    "pipes": {"ValidationException", "SerializationException"},
    "scheduler": {"ValidationException", "SerializationException"},
    "sns": {"MissingParameter", "InvalidParameter", "ParameterValueInvalid", "EmptyBatchRequest", "InvalidBatchEntryId", "NotFound",
            "MalformedInput"},
    "sqs": {"MissingParameter", "MissingRequiredParameterException", "InvalidParameterValue", "InvalidAddress", "InvalidAttributeName",
            "InvalidAttributeValue", "SerializationException", "EmptyBatchRequest", "InvalidBatchEntryId", "QueueDoesNotExist", "ResourceNotFoundException",
            "InvalidMessageContents", "ReceiptHandleIsInvalid", "MalformedInput"},
    "sts": {"ValidationError", "MalformedPolicyDocument", "MalformedInput"},
}


@pytest.fixture(scope="module")
def world(module_server):
    return World(module_server, "330000000001")


@pytest.fixture(scope="module")
def wire(world):
    wire = Wire(world.server.endpoint)
    yield wire
    wire.close()


@pytest.mark.parametrize("operation", in_all_protocols(walk()), ids=str)
def test_what_the_model_forbids_is_refused(world, wire, operation):
    wrong = []
    for mutation in mutations(operation, world.input(operation)):
        reply = wire.send(Request(operation, mutation.given), world.account, "secret")
        if reply.is_success or reply.status >= 500 or reply.code not in REFUSALS[operation.service]:
            wrong.append(f"{mutation}: {reply}")
    assert not wrong, f"{len(wrong)} wrong answers:\n" + "\n".join(wrong)


@pytest.mark.parametrize("operation", in_all_protocols(walk()), ids=str)
def test_nonsense_does_no_harm(world, wire, operation):
    dice = random.Random(str(operation))
    for round in range(ROUNDS):
        given = world.input(operation)
        for name in operation.members:
            if dice.random() < 0.4:
                given[name] = _anything(dice, 3)
        _is_answered(wire.send(Request(operation, given), world.account, "secret"), given)
    for body in (b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 50_000, b'{"a":' * 50_000, b"{" + b'"a":1,' * 10_000 + b'"a":1}'):
        request = Request(operation, world.input(operation))
        request.body = body
        _is_answered(wire.send(request, world.account, "secret"), body)


def _is_answered(reply, given):
    refused_on_purpose = reply.status == 501 and reply.code == "NotImplemented"
    assert reply.status < 500 or refused_on_purpose, f"{reply.operation} {given!r:.1000}: {reply}"


def _anything(dice, depth):
    kind = dice.randrange(8 if depth else 6)
    if kind == 0:
        return dice.choice([0, 1, -1, 2**31, -2**63, 2**64, 1e300, 0.1, -0.0])
    if kind == 1:
        return dice.choice([True, False])
    if kind == 2:
        return None
    if kind < 6:
        return dice.choice([
            "", "a", "\x00", "é" * 100, "𝒳", "\r\n", "%", "../..", "arn:aws:::", "arn:" * 50, "a" * 5000, "{}", "[1]", "null", "$",
            "".join(dice.choices(string.printable, k=dice.randrange(40)))])
    if kind == 6:
        return [_anything(dice, depth - 1) for _ in range(dice.randrange(4))]
    return {dice.choice(["a", "Key", "Value", "Id", "", "\x00"]): _anything(dice, depth - 1) for _ in range(dice.randrange(4))}


@pytest.mark.parametrize("operation", missing(), ids=str)
def test_what_is_not_implemented_says_so(wire, operation):
    given = {name: "a" for name, member in operation.members.items() if member.serialization.get("location") == "uri"}
    reply = wire.send(Request(operation, given), "330000000001", "secret")
    assert (reply.status, reply.code) == (501, "NotImplemented"), f"{operation}: {reply}"
    assert f" {operation.name} " in reply.message and f" {operation.service}." in reply.message, reply.message
