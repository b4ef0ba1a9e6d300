"""Every implemented operation needs the actions of AWS's Service Authorization Reference, and no others."""

import pytest

from lambdas import policy
from surface import Request, Wire
from walk_access import FAILING, OPEN, access
from walk_world import World, walk


@pytest.fixture(scope="module")
def world(module_server):
    return World(module_server, "310000000001")


@pytest.fixture(scope="module")
def wire(world):
    wire = Wire(world.server.endpoint)
    yield wire
    wire.close()


def _allow(world, statements):
    iam = world.client("iam")
    if statements:
        iam.put_user_policy(UserName="least", PolicyName="own", PolicyDocument=policy(
            *({"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements)))


# In this order: the later ones take away what the earlier ones need.
@pytest.mark.parametrize("operation", [o for o in walk() if o.key not in OPEN], ids=str)
def test_it_is_allowed_by_its_actions_and_by_nothing_less(world, wire, operation):
    given = world.input(operation)
    request, needed = Request(operation, given), access(world, operation, given)
    if operation.service in ("dynamodb", "firehose", "lambda", "kinesis") and not operation.is_reading():
        world.settle(operation.service)
    for action, resource in needed:
        others = [other for other in needed if other != (action, resource)]
        # Anything else that is allowed does not help.
        _allow(world, others + [("nothing:AtAll", "*")])
        reply = wire.send(request, *world.keys["least"])
        assert reply.message == (
            f"User: {world.caller_arn('least')} is not authorized to perform: {action} on resource: {resource} "
            f"because no identity-based policy allows the {action} action"), str(reply)
    _allow(world, needed)
    reply = wire.send(request, *world.keys["least"])
    if operation.key in FAILING:
        assert reply.code not in ("AccessDenied", "AccessDeniedException"), f"{operation}: {reply}"
    else:
        assert reply.is_success, f"{operation} {given}: {reply}"


@pytest.mark.parametrize("operation", [o for o in walk() if o.key in OPEN], ids=str)
def test_nobody_can_be_kept_from_it(world, wire, operation):
    request = Request(operation, world.input(operation))
    for caller in ("nobody", "denied", "bounded"):
        assert wire.send(request, *world.keys[caller]).is_success, OPEN[operation.key]
