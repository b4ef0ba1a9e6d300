"""Function URLs as tests use them: made open to everybody, and called by whatever name."""

import http.client
import json
import urllib.parse

import botocore.auth
import botocore.awsrequest


def open_to_all(function, qualifier=None, both=True):
    """The grants that AWS's console makes for a URL without authentication."""
    options = {} if qualifier is None else {"Qualifier": qualifier}
    function.client.add_permission(
        FunctionName=function.name, StatementId="url", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE",
        **options)
    if both:
        function.client.add_permission(
            FunctionName=function.name, StatementId="by-url", Action="lambda:InvokeFunction", Principal="*", InvokedViaFunctionUrl=True,
            **options)


def make_url(function, auth="NONE", is_open=True, **options):
    answer = function.client.create_function_url_config(FunctionName=function.name, AuthType=auth, **options)
    if auth == "NONE" and is_open:
        open_to_all(function, options.get("Qualifier"))
    return URL(function.cloud.server, answer["FunctionUrl"])


class Reply:
    def __init__(self, response, body):
        self.status = response.status
        self.fields = [(name.lower(), value) for name, value in response.getheaders()]
        self.headers = dict(self.fields)
        self.body = body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    def all(self, name):
        return [value for field, value in self.fields if field == name]


class URL:
    """A function URL. Its name need not resolve: the server is called, and told the name."""

    def __init__(self, server, text):
        self.server = server
        self.text = text
        self.parts = urllib.parse.urlsplit(text)
        self.host = self.parts.netloc
        self.id = self.host.split(".")[0]

    def connect(self, timeout=30):
        return http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout)

    def begin(self, path="/", method="GET", body=None, headers=None, connection=None):
        """The response, still to be read."""
        connection = connection or self.connect()
        connection.request(method, path, body=body, headers={"Host": self.host} | (headers or {}))
        response = connection.getresponse()
        response.connection = connection  # kept, so that it is not closed
        return response

    def call(self, path="/", method="GET", body=None, headers=None):
        response = self.begin(path, method, body, headers)
        return Reply(response, response.read())

    def signed(self, credentials, path="/", method="GET", body=None, headers=None, service="lambda", region="us-east-1"):
        """The header fields of a signed request."""
        request = botocore.awsrequest.AWSRequest(
            method=method, url=f"http://{self.host}{path}", data=body, headers=headers or {})
        botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
        return dict(request.headers)

    def call_signed(self, credentials, path="/", method="GET", body=None, headers=None, **options):
        return self.call(path, method, body, self.signed(credentials, path, method, body, headers, **options))
