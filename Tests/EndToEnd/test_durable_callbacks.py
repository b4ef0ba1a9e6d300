"""Durable functions: callbacks from outside."""

import base64
import json

from durables import CALLBACKS, callback_of, make_durable, refusal


def test_a_callback_brings_its_answer_into_the_execution(cloud):
    function = make_durable(cloud, CALLBACKS)
    arn = function.start({})
    callback = callback_of(function, arn)
    function.client.send_durable_execution_callback_heartbeat(CallbackId=callback)
    function.client.send_durable_execution_callback_success(CallbackId=callback, Result=b'"yes"')
    assert json.loads(function.ended(arn)["Result"]) == {"answer": '"yes"'}
    over = {"Code": "CallbackTimeoutException", "Message": "The callback is either timed out or already completed"}
    assert refusal(function.client.send_durable_execution_callback_success, CallbackId=callback, Result=b"1") == over
    assert refusal(function.client.send_durable_execution_callback_heartbeat, CallbackId=callback) == over

    arn = function.start({})
    function.client.send_durable_execution_callback_failure(
        CallbackId=callback_of(function, arn), Error={"ErrorMessage": "no", "ErrorType": "Denied"})
    assert json.loads(function.ended(arn)["Result"]) == {"error": "no"}
    failed = function.wait_for(arn, "CallbackFailed")[0]["CallbackFailedDetails"]
    assert failed["Error"]["Payload"] == {"ErrorMessage": "no", "ErrorType": "Denied"}


def test_nobody_can_guess_a_callback(cloud):
    function = make_durable(cloud, CALLBACKS)
    arn = function.start({})
    callback = callback_of(function, arn)
    raw = bytearray(base64.b64decode(callback))
    raw[-1] ^= 1
    forged = base64.b64encode(bytes(raw)).decode()
    send = function.client.send_durable_execution_callback_success
    assert refusal(send, CallbackId=forged, Result=b"1")["Code"] == "CallbackTimeoutException"
    assert refusal(send, CallbackId="Zm9yZ2Vk", Result=b"1") == {
        "Code": "InvalidParameterValueException", "Message": "Invalid callback id"}
    assert refusal(send, CallbackId=callback, Result=b"\xff")["Code"] == "InvalidParameterValueException"
    assert function.get(arn)["Status"] == "RUNNING"


def test_a_callback_ends_when_nobody_answers_or_no_heart_beats(timed_cloud):
    timed_cloud.clock.freeze()
    function = make_durable(timed_cloud, CALLBACKS, execution_timeout=200_000)
    slow = function.start({"timeout": 3600})
    silent = function.start({"timeout": 3600, "heartbeat": 600})
    callback_of(function, slow)
    callback = callback_of(function, silent)
    timed_cloud.clock.advance("9m")
    function.client.send_durable_execution_callback_heartbeat(CallbackId=callback)
    timed_cloud.clock.advance("9m")
    assert function.get(silent)["Status"] == "RUNNING"
    timed_cloud.clock.advance("1m")
    assert json.loads(function.ended(silent)["Result"]) == {"error": "Callback timed out on heartbeat"}
    event = function.wait_for(silent, "CallbackTimedOut")[0]
    assert event["CallbackTimedOutDetails"]["Error"]["Payload"] == {"ErrorType": "Callback.Heartbeat"}
    timed_cloud.clock.advance("41m")
    assert json.loads(function.ended(slow)["Result"]) == {"error": "Callback timed out"}
    event = function.wait_for(slow, "CallbackTimedOut")[0]
    assert event["CallbackTimedOutDetails"]["Error"]["Payload"] == {"ErrorType": "Callback.Timeout"}
