"""Function URLs: their settings, and requests to them as browsers and HTTP clients send them."""

import base64
import json
import re
import subprocess
import time
import urllib.parse

import botocore.credentials
import pytest

from harness import send, wait_until
from lambdas import ECHO, deploy, policy
from urls import URL, make_url, open_to_all

FORBIDDEN = ("Forbidden. For troubleshooting Function URL authorization issues, see: "
             "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html")
RESPOND = "import json\ndef handler(event, context):\n    return json.loads(event['body'])\n"


@pytest.fixture
def user(cloud):
    """Makes a user of the account with these statements; its credentials."""
    def make(*statements, name="ann"):
        iam = cloud.client("iam")
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        credentials = botocore.credentials.Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        credentials.arn = arn
        return credentials
    return make


def allow(*actions):
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"}


# Settings.

def test_a_url_is_made_shown_changed_listed_and_deleted(cloud, refused):
    function = deploy(cloud, ECHO)
    client, name = function.client, function.name
    cors = {"AllowCredentials": True, "AllowHeaders": ["x-one"], "AllowMethods": ["GET", "POST"], "AllowOrigins": ["https://a.example"],
            "ExposeHeaders": ["date"], "MaxAge": 300}
    made = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM", Cors=cors, InvokeMode="RESPONSE_STREAM")
    assert re.fullmatch(rf"http://[a-z2-7]{{32}}\.lambda-url\.us-east-1\.localhost:{cloud.server.port}/", made["FunctionUrl"])
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (made["FunctionArn"], made["AuthType"], made["InvokeMode"], made["Cors"]) == (function.arn, "AWS_IAM", "RESPONSE_STREAM", cors)
    with refused("ResourceConflictException", 409) as error:
        client.create_function_url_config(FunctionName=name, AuthType="NONE")
    assert error.message == (f"Failed to create function url config for [functionArn = {function.arn}]. Error message:  "
                             "FunctionUrlConfig exists for this Lambda function")
    shown = client.get_function_url_config(FunctionName=function.arn)
    assert shown["CreationTime"] == shown["LastModifiedTime"] == made["CreationTime"] and shown["Cors"] == cors
    changed = client.update_function_url_config(FunctionName=name, AuthType="NONE", Cors={"AllowOrigins": ["*"]})
    assert (changed["AuthType"], changed["InvokeMode"], changed["Cors"]) == ("NONE", "RESPONSE_STREAM", {"AllowOrigins": ["*"]})
    assert changed["FunctionUrl"] == made["FunctionUrl"]
    listed = client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]
    assert [config["FunctionUrl"] for config in listed] == [made["FunctionUrl"]]
    client.delete_function_url_config(FunctionName=name)
    for call in (client.get_function_url_config, client.delete_function_url_config, client.update_function_url_config):
        with refused("ResourceNotFoundException", 404, containing="The resource you requested does not exist."):
            call(FunctionName=name)
    assert client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"] == []


def test_only_functions_and_aliases_have_urls(cloud, refused):
    function = deploy(cloud, ECHO)
    create = function.client.create_function_url_config
    for options in ({"FunctionName": "nobody"}, {"FunctionName": function.name, "Qualifier": "nobody"}):
        with refused("ResourceNotFoundException", 404, containing="Function does not exist"):
            create(AuthType="NONE", **options)
    function.client.publish_version(FunctionName=function.name)
    for qualifier in ("1", "$LATEST"):
        with refused("ValidationException", 400, containing="qualifier"):
            create(FunctionName=function.name, AuthType="NONE", Qualifier=qualifier)
    for bad in ({"AuthType": "SOME"}, {"AuthType": "NONE", "InvokeMode": "UNKNOWN"}, {"AuthType": "NONE", "Cors": {"MaxAge": 86401}},
                {"AuthType": "NONE", "Cors": {"AllowMethods": ["OPTIONS"]}},
                {"AuthType": "NONE", "Cors": {"AllowOrigins": [f"https://{i}.example" for i in range(101)]}}):
        with refused("ValidationException", 400):
            create(FunctionName=function.name, **bad)
    with refused("ResourceNotFoundException", 404, containing="Function does not exist"):
        function.client.list_function_url_configs(FunctionName="nobody")


def test_an_alias_has_a_url_of_its_own_which_goes_with_it(cloud, refused):
    function = deploy(cloud, "def handler(event, context):\n    return context.invoked_function_arn + ' ' + context.function_version\n")
    client = function.client
    version = client.publish_version(FunctionName=function.name)["Version"]
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=version)
    own, live = make_url(function), make_url(function, Qualifier="live")
    assert own.call().text == f"{function.arn} $LATEST"
    assert live.call().text == f"{function.arn}:live {version}"
    pages = client.get_paginator("list_function_url_configs").paginate(FunctionName=function.name, PaginationConfig={"PageSize": 1})
    assert [len(page["FunctionUrlConfigs"]) for page in pages] == [1, 1]
    client.delete_alias(FunctionName=function.name, Name="live")
    assert live.call().status == 403 and own.call().status == 200
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=version)
    with refused("ResourceNotFoundException", 404):
        client.get_function_url_config(FunctionName=function.name, Qualifier="live")
    client.delete_function(FunctionName=function.name)
    gone = own.call()
    assert (gone.status, gone.text, gone.headers["x-amzn-errortype"]) == (403, '{"Message":null}', "AccessDeniedException")


def test_a_url_outlives_a_crash(own_cloud):
    function = deploy(own_cloud, ECHO)
    url = make_url(function)
    own_cloud.restart()
    assert url.call("/after").json["rawPath"] == "/after"


def test_the_cli_makes_a_url(cloud):
    deploy(cloud, ECHO)
    made = cloud.cli_json("lambda", "create-function-url-config", "--function-name", "worker", "--auth-type", "NONE",
                          "--cors", "AllowOrigins=https://a.example,MaxAge=5")
    cloud.cli("lambda", "add-permission", "--function-name", "worker", "--statement-id", "u", "--action", "lambda:InvokeFunctionUrl",
              "--principal", "*", "--function-url-auth-type", "NONE")
    cloud.cli("lambda", "add-permission", "--function-name", "worker", "--statement-id", "f", "--action", "lambda:InvokeFunction",
              "--principal", "*", "--invoked-via-function-url")
    assert cloud.cli_json("lambda", "get-function-url-config", "--function-name", "worker")["Cors"] == {
        "AllowOrigins": ["https://a.example"], "MaxAge": 5}
    # curl leads every name below localhost to this machine, as browsers do.
    text = subprocess.run(["curl", "-s", "--max-time", "20", made["FunctionUrl"] + "x?a=b"], capture_output=True, text=True, check=True).stdout
    assert json.loads(text)["queryStringParameters"] == {"a": "b"}


# The event.

def test_the_event_is_of_payload_format_2(cloud):
    url = make_url(deploy(cloud, ECHO))
    reply = url.call("/a%20b/c?x=1&x=2&y=%C3%BC", headers={"X-Custom": "v", "Cookie": "a=1; b=2", "User-Agent": "test"})
    event = reply.json
    assert event["version"] == "2.0" and event["routeKey"] == "$default"
    assert event["rawPath"] == "/a%20b/c" and event["rawQueryString"] == "x=1&x=2&y=%C3%BC"
    assert event["queryStringParameters"] == {"x": "1,2", "y": "ü"}
    assert event["cookies"] == ["a=1", "b=2"] and "cookie" not in event["headers"]
    assert event["headers"]["x-custom"] == "v" and event["headers"]["host"] == url.host
    assert event["headers"]["x-forwarded-proto"] == "http" and event["headers"]["x-forwarded-port"] == str(cloud.server.port)
    assert "body" not in event and event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert context["accountId"] == "anonymous" and "authorizer" not in context
    assert context["apiId"] == context["domainPrefix"] == url.id
    assert context["domainName"] == f"{url.id}.lambda-url.us-east-1.localhost"
    assert context["http"] == {
        "method": "GET", "path": "/a%20b/c", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"}
    assert context["stage"] == context["routeKey"] == "$default"
    assert context["requestId"] == reply.headers["x-amzn-requestid"]
    assert abs(context["timeEpoch"] / 1000 - time.time()) < 60
    assert reply.headers["content-type"] == "application/json" and "root=" in reply.headers["x-amzn-trace-id"].lower()


@pytest.mark.parametrize("kind, is_text", [
    ("application/json", True), ("text/plain; charset=utf-8", True), ("application/x-www-form-urlencoded", False), ("image/png", False)])
def test_the_body_is_text_or_base64_by_its_type(cloud, kind, is_text):
    event = make_url(deploy(cloud, ECHO)).call(method="POST", body="hällo".encode(), headers={"Content-Type": kind}).json
    assert event["isBase64Encoded"] is not is_text
    assert event["body"] == ("hällo" if is_text else base64.b64encode("hällo".encode()).decode())


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_every_method_reaches_the_function(cloud, method):
    reply = make_url(deploy(cloud, "def handler(e, c):\n    return {'statusCode': 200, 'headers': {'x-m': e['requestContext']['http']['method']}}\n")).call(method=method)
    assert (reply.status, reply.headers["x-m"]) == (200, method)


# The response.

def test_results_become_responses(cloud):
    url = make_url(deploy(cloud, RESPOND))

    def respond(result):
        return url.call(method="POST", body=json.dumps(result), headers={"Content-Type": "application/json"})

    for result, text in [("hello", "hello"), (3, "3"), (True, "true"), (None, "null"), ({"a": 1}, '{"a": 1}'), ([1, "b"], '[1, "b"]')]:
        reply = respond(result)
        assert (reply.status, reply.text, reply.headers["content-type"]) == (200, text, "application/json")
    reply = respond({"statusCode": 201, "headers": {"Content-Type": "text/html", "X-A": "b"}, "cookies": ["a=1", "b=2"], "body": "<p>"})
    assert (reply.status, reply.text, reply.headers["content-type"], reply.headers["x-a"]) == (201, "<p>", "text/html", "b")
    assert reply.all("set-cookie") == ["a=1", "b=2"]
    binary = base64.b64encode(bytes(range(256))).decode()
    assert respond({"statusCode": 200, "body": binary, "isBase64Encoded": True}).body == bytes(range(256))
    assert respond({"statusCode": 204}).body == b""
    assert respond({"statusCode": 302, "headers": {"Location": "/there"}}).headers["location"] == "/there"
    for bad in [{"statusCode": 1000}, {"statusCode": 100}, {"statusCode": "x"}, {"statusCode": 200, "headers": []},
                {"statusCode": 200, "headers": {"a": "b\r\nc: d"}}, {"statusCode": 200, "cookies": [1]},
                {"statusCode": 200, "body": "%%", "isBase64Encoded": True}]:
        reply = respond(bad)
        assert (reply.status, reply.text) == (502, "Internal Server Error"), bad


@pytest.mark.parametrize("source, options", [
    ("def handler(event, context):\n    raise ValueError\n", {}),
    ("import os\ndef handler(event, context):\n    os._exit(1)\n", {}),
    ("import time\ndef handler(event, context):\n    time.sleep(60)\n", {"Timeout": 1}),
    ("raise ValueError\n", {}),
    ("def handler(event, context):\n    return 'x' * 7_000_000\n", {}),
], ids=["raise", "exit", "timeout", "import", "too-large"])
def test_a_function_that_fails_is_502(cloud, source, options):
    reply = make_url(deploy(cloud, source, **options)).call()
    assert (reply.status, reply.text) == (502, "Internal Server Error")


def test_without_concurrency_a_url_is_off(cloud):
    function = deploy(cloud, ECHO)
    url = make_url(function)
    function.client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    reply = url.call()
    assert reply.status == 429 and reply.headers["x-amzn-errortype"] == "TooManyRequestsException"
    assert reply.json == {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User", "message": "Rate Exceeded."}
    function.client.delete_function_concurrency(FunctionName=function.name)
    assert url.call().status == 200


def test_large_requests(cloud):
    url = make_url(deploy(cloud, "def handler(event, context):\n    return len(event['body'])\n"))
    text = {"Content-Type": "text/plain"}
    assert url.call(method="POST", body=b"x" * 6_000_000, headers=text).json == 6_000_000
    for body, headers in [(b"x" * 7_000_000, text), (b"x" * 5_000_000, {"Content-Type": "image/png"})]:
        reply = url.call(method="POST", body=body, headers=headers)
        assert reply.status == 413 and "must be smaller than" in reply.json["Message"]
    assert url.call(headers={"X-Large": "x" * 60_000} | text, method="POST", body=b"1").json == 1
    assert url.call(headers={"X-Large": "x" * 70_000}).status == 431


# Who may call.

def test_everybody_may_call_only_with_both_grants(cloud):
    function = deploy(cloud, ECHO)
    url = make_url(function, is_open=False)
    assert (url.call().status, url.call().json) == (403, {"Message": FORBIDDEN})
    open_to_all(function, both=False)
    assert url.call().json == {"Message": FORBIDDEN}
    function.client.add_permission(FunctionName=function.name, StatementId="by-url", Action="lambda:InvokeFunction", Principal="*",
                                   InvokedViaFunctionUrl=True)
    assert url.call().status == 200
    # The grant is for calls by the URL alone.
    other = cloud.client("lambda", account="999999999999")
    with pytest.raises(other.exceptions.ClientError):
        other.invoke(FunctionName=function.arn)
    function.client.remove_permission(FunctionName=function.name, StatementId="url")
    assert url.call().json == {"Message": FORBIDDEN}


def test_a_grant_for_another_way_of_authentication_does_not_count(cloud):
    function = deploy(cloud, ECHO)
    url = make_url(function, is_open=False)
    function.client.add_permission(FunctionName=function.name, StatementId="a", Action="lambda:InvokeFunctionUrl", Principal="*",
                                   FunctionUrlAuthType="AWS_IAM")
    function.client.add_permission(FunctionName=function.name, StatementId="b", Action="lambda:InvokeFunction", Principal="*")
    assert url.call().status == 403


def test_grants_are_checked_when_they_are_made(cloud, refused):
    function = deploy(cloud, ECHO)
    add = function.client.add_permission
    with refused("InvalidParameterValueException", 400, containing="FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"):
        add(FunctionName=function.name, StatementId="a", Action="lambda:InvokeFunction", Principal="*", FunctionUrlAuthType="NONE")
    with refused("InvalidParameterValueException", 400, containing="InvokedViaFunctionUrl"):
        add(FunctionName=function.name, StatementId="a", Action="lambda:InvokeFunctionUrl", Principal="*", InvokedViaFunctionUrl=True)
    open_to_all(function)
    statements = json.loads(function.client.get_policy(FunctionName=function.name)["Policy"])["Statement"]
    assert [statement["Condition"] for statement in statements] == [
        {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}, {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}]


def test_a_url_with_iam_takes_signed_requests_of_those_who_may(cloud, user):
    function = deploy(cloud, ECHO)
    url = make_url(function, auth="AWS_IAM")
    assert url.call().json == {"Message": FORBIDDEN}
    nobody = user(name="nobody")
    assert url.call_signed(nobody).json == {"Message": FORBIDDEN}
    half = user(allow("lambda:InvokeFunctionUrl"), name="half")
    assert url.call_signed(half).json == {"Message": FORBIDDEN}
    ann = user(allow("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"))
    reply = url.call_signed(ann, "/x?b=2&a=1", "POST", body=b"{}", headers={"Content-Type": "application/json"})
    assert reply.status == 200, reply.text
    context = reply.json["requestContext"]
    identity = context["authorizer"]["iam"]
    assert context["accountId"] == cloud.account
    assert (identity["accessKey"], identity["accountId"], identity["userArn"]) == (ann.access_key, cloud.account, ann.arn)
    assert identity["callerId"] == identity["userId"] and identity["userId"].startswith("AIDA")
    root = botocore.credentials.Credentials(cloud.account, "secret")
    assert url.call_signed(root).json["requestContext"]["authorizer"]["iam"]["userArn"] == f"arn:aws:iam::{cloud.account}:root"


def test_signatures_are_checked(cloud, user):
    url = make_url(deploy(cloud, ECHO), auth="AWS_IAM")
    ann = user(allow("lambda:*"))
    wrong = botocore.credentials.Credentials(ann.access_key, "wrong")
    reply = url.call_signed(wrong)
    assert reply.status == 403 and reply.headers["x-amzn-errortype"] == "InvalidSignatureException"
    assert "signature we calculated does not match" in reply.json["Message"]
    headers = url.signed(ann, "/a", "POST", b"signed")
    assert url.call("/a", "POST", b"other!", headers).status == 403
    assert url.call("/b", "POST", b"signed", headers).status == 403
    assert url.call_signed(ann, service="execute-api").status == 403
    assert url.call_signed(ann, region="eu-west-1").status == 403
    for bad in ["AWS4-HMAC-SHA256 nonsense", "Bearer token", "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=00"]:
        assert url.call(headers={"Authorization": bad}).status in (400, 403), bad


def test_another_account_needs_a_grant_of_the_function(cloud, user, account):
    function = deploy(cloud, ECHO)
    url = make_url(function, auth="AWS_IAM")
    stranger = botocore.credentials.Credentials("888888888888", "secret")
    assert url.call_signed(stranger).json == {"Message": FORBIDDEN}
    function.client.add_permission(FunctionName=function.name, StatementId="a", Action="lambda:InvokeFunctionUrl",
                                   Principal="888888888888", FunctionUrlAuthType="AWS_IAM")
    function.client.add_permission(FunctionName=function.name, StatementId="b", Action="lambda:InvokeFunction",
                                   Principal="888888888888", InvokedViaFunctionUrl=True)
    reply = url.call_signed(stranger)
    assert reply.status == 200 and reply.json["requestContext"]["accountId"] == account


def test_policies_may_ask_how_a_url_authenticates(cloud, user, refused):
    function = deploy(cloud, ECHO)
    ann = user({"Effect": "Allow", "Action": "lambda:*", "Resource": "*",
                "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}})
    client = cloud.client("lambda", credentials=(ann.access_key, ann.secret_key))
    with refused("AccessDeniedException", 403):
        client.create_function_url_config(FunctionName=function.name, AuthType="NONE")
    client.create_function_url_config(FunctionName=function.name, AuthType="AWS_IAM")
    with refused("AccessDeniedException", 403):
        client.update_function_url_config(FunctionName=function.name, AuthType="NONE")
    client.delete_function_url_config(FunctionName=function.name)


# Browsers.

def test_a_url_without_cors_leaves_browsers_to_its_function(cloud):
    url = make_url(deploy(cloud, "def handler(e, c):\n    return {'statusCode': 200, 'headers': {'Access-Control-Allow-Origin': 'https://f.example'}}\n"))
    origin = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert url.call(headers=origin).headers["access-control-allow-origin"] == "https://f.example"
    preflight = url.call(method="OPTIONS", headers=origin | {"Access-Control-Request-Method": "PUT"})
    assert preflight.headers["access-control-allow-origin"] == "https://f.example"


def test_a_url_with_cors_answers_browsers_itself(cloud):
    function = deploy(cloud, "def handler(e, c):\n    return {'statusCode': 200, 'headers': {'Access-Control-Allow-Origin': '*', 'x': 'y'}}\n")
    url = make_url(function, auth="AWS_IAM", Cors={
        "AllowOrigins": ["https://a.example"], "AllowMethods": ["PUT"], "AllowHeaders": ["x-one"], "ExposeHeaders": ["x"],
        "AllowCredentials": True, "MaxAge": 60})
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-one"}
    # A preflight is never signed.
    preflight = url.call(method="OPTIONS", headers={"Origin": "https://a.example"} | asked)
    assert preflight.status == 200 and preflight.body == b""
    allowed = {name: value for name, value in preflight.headers.items() if name.startswith("access-control")}
    assert allowed == {
        "access-control-allow-origin": "https://a.example", "access-control-allow-methods": "PUT", "access-control-allow-headers": "x-one",
        "access-control-allow-credentials": "true", "access-control-max-age": "60"}
    other = url.call(method="OPTIONS", headers={"Origin": "https://b.example"} | asked)
    assert not any(name.startswith("access-control") for name in other.headers)
    root = botocore.credentials.Credentials(cloud.account, "secret")
    reply = url.call_signed(root, headers={"Origin": "https://a.example"})
    assert reply.headers["access-control-allow-origin"] == "https://a.example" and reply.headers["access-control-expose-headers"] == "x"
    assert "access-control-allow-origin" not in url.call_signed(root, headers={"Origin": "https://b.example"}).headers
    # Refusals can be read by the page, too.
    denied = url.call(headers={"Origin": "https://a.example"})
    assert denied.status == 403 and denied.headers["access-control-allow-origin"] == "https://a.example"


# Names.

def test_a_url_is_known_by_several_names(cloud):
    function = deploy(cloud, ECHO)
    url = make_url(function)
    for suffix in ("on.aws", "localhost", "localhost.localstack.cloud", f"LOCALHOST:{cloud.server.port}"):
        url.host = f"{url.id.upper()}.lambda-url.us-east-1.{suffix}"
        assert url.call("/x").json["requestContext"]["apiId"] == url.id
    for name, status in [(f"{url.id}.lambda-url.eu-west-1.on.aws", 403), (f"{url.id}.lambda-url.us-east-1.evil.example", 403),
                         (f"{'a' * 32}.lambda-url.us-east-1.on.aws", 403)]:
        url.host = name
        assert url.call().status == status
    status, body, _ = send(f"{cloud.server.endpoint}/_dewpoint/url/{url.id}/a/b?c=d")
    event = json.loads(body)
    assert (status, event["rawPath"], event["rawQueryString"]) == (200, "/a/b", "c=d")
    assert event["requestContext"]["domainName"] == f"{url.id}.lambda-url.us-east-1.on.aws"
    url.host = "evil.example"
    assert url.call(f"/_dewpoint/url/{url.id}/").status == 403


def test_the_url_is_shown_below_the_name_that_the_client_uses(cloud):
    function = deploy(cloud, ECHO)
    shown = function.client.create_function_url_config(FunctionName=function.name, AuthType="NONE")["FunctionUrl"]
    label = urllib.parse.urlsplit(shown).netloc.split(".")[0]

    def get(host):
        door = URL(cloud.server, shown)
        door.host = host
        root = botocore.credentials.Credentials(cloud.account, "secret")
        return door.call_signed(root, f"/2021-10-31/functions/{function.name}/url").json["FunctionUrl"]

    assert get("lambda.us-east-1.amazonaws.com") == f"http://{label}.lambda-url.us-east-1.on.aws/"
    assert get("localhost.localstack.cloud:4566") == f"http://{label}.lambda-url.us-east-1.localhost.localstack.cloud:4566/"
    assert get("host.docker.internal:4566") == f"http://host.docker.internal:4566/_dewpoint/url/{label}/"


def test_a_function_calls_the_url_of_another(cloud):
    url = make_url(deploy(cloud, ECHO, name="callee"))
    caller = deploy(cloud, """
        import json, os, urllib.request
        def handler(event, context):
            request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + event["path"])
            return json.load(urllib.request.urlopen(request))["rawPath"]
    """, name="caller")
    assert caller.invoke({"path": f"/_dewpoint/url/{url.id}/from/inside"}).value == "/from/inside"


def test_requests_are_logged_and_counted_like_invocations(cloud):
    function = deploy(cloud, ECHO)
    reply = make_url(function).call()
    wait_until(lambda: function.log(f"END RequestId: {reply.headers['x-amzn-requestid']}"), "the log names the request")
