"""`dewpoint dev`: the functions of a directory run from it, and what they do is on the terminal."""

import json
import os
import signal
import subprocess
import sys
import types

import pytest

from harness import Cloud, Server, send, wait_until
from lambdas import Function

HANDLER = "def handler(event, context):\n    print('seen', event)\n    return {!r}\n"
TEMPLATE = """
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Timeout: 7, Runtime: python3.13, Environment: {Variables: {STAGE: dev}}}
Parameters:
  Word: {Type: String, Default: hello}
Resources:
  Orders:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: 60, RedrivePolicy: {maxReceiveCount: 3, deadLetterTargetArn: !GetAtt Dead.Arn}}
  Dead: {Type: AWS::SQS::Queue}
  Table: {Type: AWS::DynamoDB::Table}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: worker/
      Handler: app.handler
      MemorySize: 1769
      Environment: {Variables: {QUEUE: !Ref Orders, ARN: !GetAtt Orders.Arn, WORDS: !Sub '${Word} ${AWS::Region} ${Orders.QueueName}'}}
      Events:
        Queue: {Type: SQS, Properties: {Queue: !GetAtt Orders.Arn, BatchSize: 2}}
        Api: {Type: Api, Properties: {Path: /, Method: get}}
"""


class Dev:
    def __init__(self, endpoint, account, directory, out, *options, environment=None):
        self.path = out
        with open(out, "wb") as file:
            self.process = subprocess.Popen(
                [Server.binary(), "dev", str(directory), *options],
                env=os.environ | {"DEWPOINT_ENDPOINT": endpoint, "AWS_ACCESS_KEY_ID": account, "AWS_REGION": "us-east-1"} | (environment or {}),
                stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    @property
    def text(self):
        return self.path.read_text()

    def wait_for(self, words):
        def seen():
            assert self.process.poll() is None or words in self.text, self.text
            return words in self.text
        wait_until(seen, f"{words!r}")
        return self

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.process.wait(40)


@pytest.fixture
def project(tmp_path):
    directory = tmp_path / "my.project"
    directory.mkdir()
    directory.chmod(0o755)
    return directory


@pytest.fixture
def dev(cloud, tmp_path):
    running = []

    def start(directory, *options, **more):
        running.append(Dev(cloud.server.endpoint, cloud.account, directory, tmp_path / f"dev-{len(running)}.out", *options, **more))
        return running[-1]
    yield start
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def test_a_directory_is_a_function_and_each_change_is_live(cloud, dev, project):
    (project / "app.py").write_text(HANDLER.format(1))
    session = dev(project, "--memory", "1769", "--env", "OWN=a=b").wait_for("Watching.")
    assert f"Function my-project (python3.13, app.handler) runs from {project}" in session.text
    function = Function(cloud, "my-project")
    assert function.invoke("first").value == 1
    session.wait_for("seen first").wait_for("START RequestId").wait_for("REPORT RequestId")
    (project / "app.py").write_text(HANDLER.format(2))
    session.wait_for("reloaded: app.py")
    assert function.invoke("second").value == 2
    session.wait_for("seen second")
    assert session.text.count("seen first") == 1
    assert "\x1b" not in session.text
    assert function.client.get_function_configuration(FunctionName="my-project")["Environment"]["Variables"] == {"OWN": "a=b"}
    assert session.end() == 0
    assert "my-project, the role dewpoint-dev stay as they are" in session.text
    # It does stay, and the next session takes it up with what has changed.
    assert function.invoke("third").value == 2
    (project / "app.py").unlink()
    (project / "lambda_function.py").write_text(HANDLER.format(3).replace("def handler", "def lambda_handler"))
    session = dev(project, "--timeout", "9").wait_for("Watching.")
    assert function.invoke("fourth").value == 3
    assert function.client.get_function_configuration(FunctionName="my-project")["Timeout"] == 9


def test_a_template_is_made_with_its_queues(cloud, dev, project):
    (project / "template.yaml").write_text(TEMPLATE)
    (project / "worker").mkdir()
    (project / "worker" / "app.py").write_text(
        "import os\ndef handler(event, context):\n"
        "    print('got', [r['body'] for r in event['Records']]) if 'Records' in event else None\n"
        "    return [os.environ[n] for n in ['STAGE', 'QUEUE', 'ARN', 'WORDS']]\n")
    session = dev(project).wait_for("Watching.")
    url = f"{cloud.server.endpoint}/{cloud.account}/Orders"
    arn = f"arn:aws:sqs:us-east-1:{cloud.account}:Orders"
    function = Function(cloud, "Worker")
    assert function.invoke({}).value == ["dev", url, arn, "hello us-east-1 Orders"]
    assert "Table (AWS::DynamoDB::Table) is not made" in session.text and "Worker.Events.Api (Api) is not connected" in session.text
    configuration = function.client.get_function_configuration(FunctionName="Worker")
    assert (configuration["Timeout"], configuration["MemorySize"]) == (7, 1769)
    sqs = cloud.client("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "60" and json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] in (3, "3")
    sqs.send_message(QueueUrl=url, MessageBody="a message")
    session.wait_for("got ['a message']")
    assert session.end() == 0
    # Again, with another size of batches.
    (project / "template.yaml").write_text(TEMPLATE.replace("BatchSize: 2", "BatchSize: 5"))
    dev(project).wait_for("Watching.")
    mappings = function.client.list_event_source_mappings(FunctionName="Worker")["EventSourceMappings"]
    assert [m["BatchSize"] for m in mappings] == [5]


@pytest.mark.parametrize("files, options, words", [
    ({}, [], "has no function that is known by its name"),
    ({"app.py": "x = 1\n"}, [], "app.py defines neither handler nor lambda_handler"),
    ({"app.py": HANDLER}, ["--env", "novalue"], "--env takes NAME=VALUE, not 'novalue'."),
    ({"app.py": HANDLER}, ["--timeout", "9999"], "Cannot make the function my-project"),
    ({"app.py": HANDLER}, ["--runtime", "cobol"], "say --runtime and --handler"),
    ({"app.py": HANDLER}, ["--role", "arn:aws:iam::000000000000:role/nobody"], "Cannot make the function my-project"),
    ({"template.yaml": "a: [b\n"}, [], "template.yaml is not YAML"),
    ({"template.yaml": "just a text"}, [], "is not a template"),
    ({"template.yaml": "Resources: {}"}, [], "has no AWS::Serverless::Function"),
    ({"template.yaml": TEMPLATE}, [], "Worker.CodeUri: there is no directory"),
    ({"template.yaml": TEMPLATE, "worker/app.py": ""}, ["--name", "x"], "has a template, which says all"),
    ({"template.yaml": TEMPLATE.replace("!Ref Orders", "!Ref Table"), "worker/app.py": ""}, [], "does not make Table"),
    ({"template.yaml": TEMPLATE.replace("!Ref Orders", "!If [a, b, c]"), "worker/app.py": ""}, [], "does not understand Fn::If"),
    ({"template.yaml": TEMPLATE.replace("Handler: app.handler", "PackageType: Image"), "worker/app.py": ""}, [], "container image"),
])
def test_what_is_wrong_is_said_in_one_line(dev, project, files, options, words):
    for name, content in files.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(content)
    session = dev(project, *options)
    assert session.process.wait(20) != 0
    assert words in session.text and len(session.text.splitlines()) == 1, session.text


def test_it_starts_a_server_when_none_runs_and_ends_it(tmp_path, project):
    (project / "index.mjs").write_text("export const handler = async () => 'from node';\n")
    # A port that was free a moment ago.
    probe = Server(tmp_path, ephemeral=True).start()
    endpoint = probe.endpoint
    probe.stop()
    session = Dev(endpoint, "123456789012", project, tmp_path / "dev.out", environment={
        "DEWPOINT_DATA": str(tmp_path / "kept"), "DEWPOINT_PYTHON": sys.prefix})
    try:
        session.wait_for("Watching.")
        assert f"Started a server at {endpoint} (state: {tmp_path / 'kept'})." in session.text
        function = Function(Cloud(types.SimpleNamespace(endpoint=endpoint), "123456789012"), "my-project")
        assert function.invoke().value == "from node"
        assert session.end() == 0
        assert f"its state stays in {tmp_path / 'kept'}" in session.text
        with pytest.raises(OSError):
            send(endpoint + "/_dewpoint/health")
    finally:
        if session.process.poll() is None:
            session.end(signal.SIGTERM)


def test_it_says_when_the_server_goes_away(own_cloud, tmp_path, project):
    (project / "app.py").write_text(HANDLER.format(1))
    session = Dev(own_cloud.server.endpoint, own_cloud.account, project, tmp_path / "dev.out").wait_for("Watching.")
    own_cloud.server.stop()
    assert session.process.wait(20) != 0 and "The server is gone." in session.text
