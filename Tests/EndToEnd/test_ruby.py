"""Ruby functions on the host's interpreter."""

import shutil
import textwrap

import pytest

from harness import wait_until
from lambdas import deploy, zipped

pytestmark = pytest.mark.skipif(shutil.which("ruby") is None, reason="this host has no Ruby")


def deploy_ruby(cloud, source, files=None, handler="app.handler", runtime="ruby3.3", **options):
    package = zipped({"app.rb": textwrap.dedent(source)} | (files or {}))
    return deploy(cloud, package, runtime=runtime, handler=handler, **options)


@pytest.mark.parametrize("runtime", ["ruby3.2", "ruby3.4"])
@pytest.mark.parametrize("handler, source", [
    ("app.handler", "def handler(event:, context:) = { got: event }"),
    ("app.Orders.handler", "class Orders\n  def self.handler(event:, context:) = { got: event }\nend"),
    ("app.Shop::Orders.handler", "module Shop\n  module Orders\n    def self.handler(event:, context:) = { got: event }\n  end\nend"),
    ("lib/inner.handler", ""),
], ids=["method", "class", "module", "directory"])
def test_a_handler_of_each_form_answers(cloud, runtime, handler, source):
    inner = {"lib/inner.rb": "require_relative '../shared'\ndef handler(event:, context:) = wrap(event)", "shared.rb": "def wrap(got) = { got: got }"}
    function = deploy_ruby(cloud, source, inner, handler=handler, runtime=runtime)
    assert function.invoke({"a": "ü"}).value == {"got": {"a": "ü"}}
    assert function.invoke([2]).value == {"got": [2]}


def test_functions_know_their_context_and_environment(cloud):
    function = deploy_ruby(cloud, """
        def handler(event:, context:)
          { id: context.aws_request_id, left: context.get_remaining_time_in_millis, name: context.function_name, arn: context.invoked_function_arn,
            memory: context.memory_limit_in_mb, version: context.function_version, one: ENV['ONE'], client: context.client_context,
            environment: ENV['AWS_EXECUTION_ENV'], trace: ENV['_X_AMZN_TRACE_ID'].start_with?('Root='), here: Dir.pwd }
        end
        """, Timeout=9, Environment={"Variables": {"ONE": "1"}})
    answer = function.invoke({}, ClientContext="eyJjdXN0b20iOiB7ImEiOiAiYiJ9fQ==")
    value = answer.value
    assert 8000 < value.pop("left") <= 9000
    assert value == {
        "id": answer.request_id, "name": "worker", "arn": function.arn, "memory": "1769", "version": "$LATEST", "one": "1",
        "client": {"custom": {"a": "b"}}, "environment": "AWS_Lambda_ruby3.3", "trace": True, "here": "/var/task"}


def test_what_functions_print_and_log_stands_in_the_log(cloud):
    function = deploy_ruby(cloud, """
        require 'logger'
        LOGGER = Logger.new($stdout)
        def handler(event:, context:)
          puts "one line\\nand another"
          print "printed\\n"
          LOGGER.info('hello')
          warn 'bad'
          nil
        end
        """)
    answer = function.invoke({})
    assert answer.value is None
    assert "one line\nand another\n" in answer.log and "printed\n" in answer.log and "bad\n" in answer.log
    assert f"  INFO {answer.request_id} -- : hello\n" in answer.log
    wait_until(lambda: any(text == "one line\nand another\n" for _, text in function.log()), "one event of two lines")


@pytest.mark.parametrize("source, kind, message", [
    ("raise ArgumentError, 'odd'", "Function<ArgumentError>", "odd"),
    ("class Own < StandardError; end\nraise Own, 'mine'", "Function<Own>", "mine"),
    ("nil.nothing", "Function<NoMethodError>", "undefined method `nothing' for nil:NilClass"),
    ("Float::NAN", "Function<JSON::GeneratorError>", None),
    ("exit 3", "Function<SystemExit>", "exit"),
], ids=["error", "own", "no-method", "not-json", "exit"])
def test_an_error_is_an_error_object_with_a_trace(cloud, source, kind, message):
    body = source.replace("class Own < StandardError; end\n", "")
    function = deploy_ruby(cloud, f"class Own < StandardError; end\ndef handler(event:, context:)\n  {body}\nend\n")
    for _ in range(2):
        answer = function.invoke({})
        failure = answer.failure
        assert failure["errorType"] == kind
        assert message is None or failure["errorMessage"].split("\n")[0] == message
        if "JSON" not in kind:
            assert failure["stackTrace"][-1].startswith("/var/task/app.rb:3:in ")
        assert not any("/var/runtime" in line for line in failure["stackTrace"])
        assert kind in answer.log


@pytest.mark.parametrize("source, handler, kind", [
    ("def handler", "app.handler", "Init<SyntaxError>"),
    ("require 'missing_gem'", "app.handler", "Init<LoadError>"),
    ("raise 'no'", "app.handler", "Init<RuntimeError>"),
    ("", "nowhere.handler", "Init<LoadError>"),
    ("", "app", "Init<ArgumentError>"),
], ids=["syntax", "no-gem", "raises", "no-file", "bad-handler"])
def test_code_that_cannot_be_loaded_says_why(cloud, source, handler, kind):
    assert deploy_ruby(cloud, source, handler=handler).invoke({}).failure["errorType"] == kind


def test_gems_of_the_package_are_found(cloud):
    gem = "vendor/bundle/ruby/3.3.0"
    specification = """
        Gem::Specification.new do |s|
          s.name = "tiny"
          s.version = "1.0.0"
          s.authors = ["a"]
          s.summary = "b"
          s.files = ["lib/tiny.rb"]
        end
        """
    function = deploy_ruby(cloud, "require 'tiny'\ndef handler(event:, context:) = Tiny.answer", {
        f"{gem}/gems/tiny-1.0.0/lib/tiny.rb": "module Tiny\n  def self.answer = 'from a gem'\nend",
        f"{gem}/specifications/tiny-1.0.0.gemspec": textwrap.dedent(specification)})
    assert function.invoke({}).value == "from a gem"
