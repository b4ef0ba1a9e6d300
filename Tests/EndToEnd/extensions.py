"""Layers with extensions for tests: small Python programs that speak the Extensions API."""

import textwrap

from lambdas import zipped

# What every extension of the tests begins with: `call`, `register`, `next_event` and a log on standard output.
COMMON = """#!/usr/bin/python3
import http.client, json, os, signal, sys, threading, time
API = os.environ["AWS_LAMBDA_RUNTIME_API"]
NAME = os.path.basename(__file__)
ID = None
def call(method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(API)
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read()
def register(events, **headers):
    global ID
    status, fields, body = call("POST", "/2020-01-01/extension/register", {"events": events},
                                {"Lambda-Extension-Name": NAME, **headers})
    ID = fields.get("lambda-extension-identifier")
    return status, json.loads(body)
def next_event():
    status, fields, body = call("GET", "/2020-01-01/extension/event/next", headers={"Lambda-Extension-Identifier": ID})
    return json.loads(body)
def say(*words):
    print(NAME, *words, flush=True)
"""

# Says what it is told, and leaves a note in /tmp for the next boot.
TALKING = """
status, function = register(["INVOKE", "SHUTDOWN"], **{"Lambda-Extension-Accept-Feature": "accountId"})
say("registered", status, json.dumps(function, sort_keys=True))
while True:
    event = next_event()
    say("event", json.dumps(event, sort_keys=True))
    if event["eventType"] == "SHUTDOWN":
        open(f"/tmp/{NAME}.shutdown", "a").write(event["shutdownReason"] + "\\n")
        sys.exit(0)
"""


def program(source):
    return COMMON + textwrap.dedent(source)


def layer(cloud, extensions, name="extensions", **files):
    """A layer version with these programs ({name: source}); returns its ARN."""
    content = {f"extensions/{key}*": program(source) for key, source in extensions.items()} | files
    return cloud.client("lambda").publish_layer_version(LayerName=name, Content={"ZipFile": zipped(content)})["LayerVersionArn"]
