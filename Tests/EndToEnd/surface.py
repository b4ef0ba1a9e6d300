"""The operations of the server's APIs, and requests for them made by hand: any input, any signature, any date.

What is implemented the binary itself says (`dewpoint coverage`); the shapes are those of botocore.
"""

import base64
import datetime
import functools
import hashlib
import hmac
import http.client
import json
import re
import subprocess
import urllib.parse
import xml.etree.ElementTree as ElementTree

import botocore.session

from harness import ROOT, Server

SERVICES = [
    "cloudwatch", "dynamodb", "dynamodbstreams", "events", "firehose", "iam", "kinesis", "lambda", "logs", "pipes", "scheduler",
    "sns", "sqs", "sts"]
# Their streams last until the client goes.
ENDLESS = {"SubscribeToShard"}
# Its answers to bad signatures, unknown callers and bad input are its own (codes, statuses, XML), and its bodies are no records:
# test_s3_access.py walks it.
APART = {"s3"}
# A refusal takes no longer than this, in seconds, on the slowest machine.
ANSWER_LIMIT = 20


@functools.cache
def _models():
    session = botocore.session.get_session()
    return {service: session.get_service_model(service) for service in SERVICES}


# The names that SQS had when it spoke Query; older SDKs still do.
SQS_QUERY = json.loads((ROOT / "Tools/models/sqs-query.json").read_text())
# Came after the old model; the API Reference gives its name in Query.
SQS_QUERY["elements"]["MessageSystemAttributeList"] = ["MessageSystemAttributeName"]


class Operation:
    """One operation of a service model, in one protocol."""

    def __init__(self, service, name, protocol=None):
        self.service, self.name = service, name
        self.service_model = _models()[service]
        self.model = self.service_model.operation_model(name)
        self.protocol = protocol or self.own_protocol

    @property
    def own_protocol(self):
        """The one of the model; JSON where boto3 would speak CBOR, which has tests of its own."""
        own = self.service_model.metadata["protocol"]
        return "json" if own == "smithy-rpc-v2-cbor" else own

    @property
    def key(self):
        return f"{self.service}:{self.name}"

    def __str__(self):
        is_own = self.protocol == self.own_protocol
        return self.key if is_own else f"{self.key}-{self.protocol}"

    @property
    def namespace(self):
        return self.service_model.metadata.get("xmlNamespace", SQS_QUERY["xmlNamespace"])

    @property
    def members(self):
        return self.model.input_shape.members if self.model.input_shape else {}

    @property
    def required(self):
        return self.model.input_shape.required_members if self.model.input_shape else []

    def is_reading(self):
        """It changes nothing, and answers the same twice."""
        return re.match(r"(Get|List|Describe|Filter)", self.name) and not self.name.endswith("Token")


@functools.cache
def _coverage():
    page = subprocess.run([Server.binary(), "coverage"], check=True, capture_output=True, text=True).stdout
    implemented, missing = [], []
    service = None
    for line in page.splitlines():
        if line.startswith("## "):
            service = line[3:]
            if service in APART:
                service = None
                continue
            assert service in SERVICES, f"the walk does not know the service {service}: add it to surface.SERVICES"
        elif service and (line.startswith("Implemented:") or line.startswith("`")):
            (implemented if line.startswith("Implemented:") else missing).extend(
                Operation(service, name) for name in re.findall(r"`(\w+)`", line))
    return implemented, missing


def implemented():
    return _coverage()[0]


def in_all_protocols(operations):
    """With those of SQS and CloudWatch in Query as well."""
    return operations + [Operation(o.service, o.name, "query") for o in operations if o.service in ("sqs", "cloudwatch")]


def missing():
    return _coverage()[1]


class Request:
    """An unsigned request of an operation with an input of any form."""

    def __init__(self, operation, given):
        self.operation = operation
        self.method, self.path, self.query = operation.model.http["method"], "/", ""
        self.headers = {}
        {"json": self._json, "query": self._form, "rest-json": self._rest}[operation.protocol](given)

    def _json(self, given):
        metadata = self.operation.service_model.metadata
        self.headers["content-type"] = f"application/x-amz-json-{metadata['jsonVersion']}"
        self.headers["x-amz-target"] = f"{metadata['targetPrefix']}.{self.operation.name}"
        self.body = _json(given)

    def _form(self, given):
        fields = [("Action", self.operation.name), ("Version", self.operation.service_model.metadata["apiVersion"])]
        if isinstance(given, dict):
            shape = self.operation.model.input_shape
            for name, value in given.items():
                if self.operation.service == "sqs":
                    _flatten_for_sqs(SQS_QUERY["members"].get(f"{shape.name}.{name}", name), value, shape.members.get(name), fields)
                else:
                    _flatten(name, value, fields, getattr(shape, "members", {}).get(name))
        self.headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
        self.body = urllib.parse.urlencode(fields).encode()

    def _rest(self, given):
        shape = self.operation.model.input_shape
        path, literal = self.operation.model.http["requestUri"], []
        if "?" in path:
            path, fixed = path.split("?", 1)
            literal = urllib.parse.parse_qsl(fixed, keep_blank_values=True)
        query, body, self.body = literal, {}, b""
        given = given if isinstance(given, dict) else {}
        has_body = False
        for name, member in (shape.members if shape else {}).items():
            location, wire_name = member.serialization.get("location"), member.serialization.get("name", name)
            is_payload = shape.serialization.get("payload") == name
            has_body = has_body or not location and not is_payload
            if name not in given:
                continue
            value = given[name]
            if location == "uri":
                path = re.sub(r"\{%s\+?\}" % wire_name, lambda _: urllib.parse.quote(_text(value), safe=""), path)
            elif location == "querystring":
                query += [(wire_name, _text(item)) for item in (value if isinstance(value, list) else [value])]
            elif location == "header":
                # HTTP itself can carry nothing else in a header.
                self.headers[wire_name.lower()] = re.sub(r"[^\x20-\x7e\xa0-\xff]", " ", _text(value))
            elif is_payload:
                self.body = value if isinstance(value, bytes) else _json(value)
            else:
                body[wire_name] = value
        if has_body:
            self.headers["content-type"] = "application/json"
            self.body = _json(body)
        self.path = re.sub(r"\{\w+\+?\}", "", path)
        self.query = urllib.parse.urlencode(query, quote_via=urllib.parse.quote)

    def sign(self, host, key, secret, token=None, age=0, region="us-east-1"):
        """Adds a good signature by this key, made `age` seconds ago. Returns the headers with it."""
        at = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age)).strftime("%Y%m%dT%H%M%SZ")
        service = self.operation.service_model.signing_name
        headers = self.headers | {"host": host, "x-amz-date": at}
        if token is not None:
            headers["x-amz-security-token"] = token
        names = ";".join(sorted(headers))
        query = "&".join(sorted(self.query.split("&"))) if self.query else ""
        lines = [self.method, urllib.parse.quote(self.path, safe="/~"), query]
        lines += [f"{name}:{' '.join(headers[name].split())}" for name in sorted(headers)]
        lines += ["", names, hashlib.sha256(self.body).hexdigest()]
        scope = f"{at[:8]}/{region}/{service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"
        signing = ("AWS4" + secret).encode()
        for part in scope.split("/"):
            signing = hmac.digest(signing, part.encode(), "sha256")
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, "
            f"Signature={hmac.digest(signing, text.encode(), 'sha256').hex()}")
        return headers


def _json(value):
    return json.dumps(value, default=lambda item: base64.b64encode(item).decode()).encode()


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else _json(value).decode()


def _flatten(name, value, fields, shape=None):
    if getattr(shape, "type_name", None) == "map" and isinstance(value, dict):
        for index, (key, item) in enumerate(value.items(), 1):
            entry = f"{name}.entry.{index}"
            fields.append((f"{entry}.{shape.key.serialization.get('name', 'key')}", key))
            _flatten(f"{entry}.{shape.value.serialization.get('name', 'value')}", item, fields, shape.value)
    elif isinstance(value, dict):
        for key, item in value.items():
            _flatten(f"{name}.{key}", item, fields, getattr(shape, "members", {}).get(key))
    elif isinstance(value, list):
        for index, item in enumerate(value, 1):
            _flatten(f"{name}.member.{index}", item, fields, getattr(shape, "member", None))
        if not value:
            fields.append((name, ""))
    elif isinstance(value, bytes):
        fields.append((name, base64.b64encode(value).decode()))
    elif value is not None:
        fields.append((name, _text(value)))


def _flatten_for_sqs(name, value, shape, fields):
    """Lists and maps without words between, under names that the model has no more."""
    kind, parts = getattr(shape, "type_name", None), SQS_QUERY["elements"].get(getattr(shape, "name", None), [])
    if kind == "list" and isinstance(value, list) and value:
        name = ".".join(name.split(".")[:-1] + [parts[0]])
        for index, item in enumerate(value, 1):
            _flatten_for_sqs(f"{name}.{index}", item, shape.member, fields)
    elif kind == "map" and isinstance(value, dict) and parts:
        for index, (key, item) in enumerate(value.items(), 1):
            fields.append((f"{name}.{index}.{parts[0]}", key))
            _flatten_for_sqs(f"{name}.{index}.{parts[1]}", item, shape.value, fields)
    elif kind == "structure" and isinstance(value, dict):
        for member, item in value.items():
            wire_name = SQS_QUERY["members"].get(f"{shape.name}.{member}", member)
            _flatten_for_sqs(f"{name}.{wire_name}", item, shape.members.get(member), fields)
    else:
        _flatten(name, value, fields)


class Wire:
    """A kept connection to a server."""

    def __init__(self, endpoint):
        self.host = endpoint.removeprefix("http://")
        self._connection = None

    def send(self, request, *credentials, **signing):
        """Sends it, signed by `key, secret[, token]` or without credentials unsigned. Returns a `Reply`."""
        headers = request.sign(self.host, *credentials, **signing) if credentials else request.headers | {"host": self.host}
        target = request.path + ("?" + request.query if request.query else "")
        for is_last in (False, True):
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self.host, timeout=ANSWER_LIMIT)
            is_fresh = self._connection.sock is None
            try:
                self._connection.request(request.method, target, request.body, headers)
                answer = self._connection.getresponse()
                if answer.headers["content-type"] == "application/vnd.amazon.eventstream" and request.operation.name in ENDLESS:
                    # The beginning of a stream that goes on for minutes.
                    body = answer.read1()
                    self.close()
                    return Reply(request.operation, answer.status, answer.headers, body)
                return Reply(request.operation, answer.status, answer.headers, answer.read())
            except (http.client.HTTPException, ConnectionError):
                # A kept connection may have been closed meanwhile; a new one may not.
                self.close()
                if is_last or is_fresh:
                    raise

    def close(self):
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class Reply:
    """An answer, read and checked by the rules of its protocol."""

    def __init__(self, operation, status, headers, body):
        self.operation, self.status, self.headers, self.body = operation, status, headers, body
        self.code = self.message = None
        if status >= 300:
            {"json": self._json, "query": self._xml, "rest-json": self._rest}[operation.protocol]()

    def __str__(self):
        return f"{self.status} {self.code}: {self.message}" if self.code else f"{self.status} {self.body[:500]}"

    @property
    def is_success(self):
        return self.status < 300

    def _json(self):
        version = self.operation.service_model.metadata["jsonVersion"]
        self._check(self.headers["content-type"] == f"application/x-amz-json-{version}", "content type")
        error = json.loads(self.body)
        self.code = error["__type"].rpartition("#")[2]
        self._check(self.headers["x-amzn-errortype"].rpartition("#")[2] == self.code, "x-amzn-errortype is __type")
        # Clients of SQS's Query days look for the old code.
        if self.operation.service == "sqs":
            code, _, fault = self.headers["x-amzn-query-error"].partition(";")
            self._check(code and fault in ("Sender", "Receiver"), "x-amzn-query-error")
        self._has_message(error)

    def _rest(self):
        self._check(self.headers["content-type"] == "application/json", "content type")
        self.code = self.headers["x-amzn-errortype"]
        self._has_message(json.loads(self.body))

    def _has_message(self, error):
        self.message = error.get("message", error.get("Message"))
        self._check(isinstance(self.message, str), "a message")
        self._check(self.headers["x-amzn-requestid"], "a request id")

    def _xml(self):
        self._check(self.headers["content-type"] == "text/xml", "content type")
        root = ElementTree.fromstring(self.body)
        namespace, _, tag = root.tag.rpartition("}")
        self._check(tag == "ErrorResponse", "ErrorResponse")
        self._check(namespace == "{" + self.operation.namespace, "the service's namespace")
        found = {element.tag.rpartition("}")[2]: element.text or "" for element in root.iter()}
        self.code, self.message = found["Code"], found["Message"]
        self._check(found["Type"] == ("Receiver" if self.status >= 500 else "Sender"), "the type of the fault")
        self._check(found["RequestId"] == self.headers["x-amzn-requestid"], "one request id")

    def _check(self, holds, what):
        assert holds, f"{self.operation}: an error without {what}: {self.status} {dict(self.headers)} {self.body[:500]}"
