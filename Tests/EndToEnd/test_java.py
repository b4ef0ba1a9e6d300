"""Java functions on the host's machines. The handlers are compiled here, against the interfaces that the binary brings."""

import pathlib
import shutil
import subprocess
import zipfile

import pytest

from harness import ROOT, wait_until
from lambdas import deploy, zipped

pytestmark = pytest.mark.skipif(shutil.which("javac") is None, reason="this host has no Java compiler")
CLIENT = ROOT / "Sources/Lambda/Runtimes/Java/runtime.jar"

HANDLERS = """
package shop;

import com.amazonaws.services.lambda.runtime.*;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.*;
import java.util.*;

public class Orders implements RequestHandler<Map<String, Object>, Map<String, Object>> {
  private int count;

  public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("got", event);
    answer.put("count", ++count);
    return answer;
  }

  public String text(String event) { return "<" + event + ">"; }
  public static int sum(List<Integer> numbers) { return numbers.stream().mapToInt(Integer::intValue).sum(); }
  public void nothing() {}
  public Object fail(Object event) { throw new IllegalStateException("odd", new RuntimeException("inner")); }
  public Object exit(Object event) { System.exit(7); return null; }
  public Object deep(Object event) { return deep(event); }
  public long[] two(long number, Context context) { return new long[] {number, context.getMemoryLimitInMB()}; }

  public Map<String, Object> context(Object event, Context context) {
    context.getLogger().log("one line\\nand another");
    context.getLogger().log("level\\n", LogLevel.WARN);
    System.out.println("printed ü");
    System.err.println("bad");
    Map<String, Object> answer = new TreeMap<>();
    answer.put("id", context.getAwsRequestId());
    answer.put("left", context.getRemainingTimeInMillis());
    answer.put("name", context.getFunctionName());
    answer.put("arn", context.getInvokedFunctionArn());
    answer.put("one", System.getenv("ONE"));
    answer.put("custom", context.getClientContext() == null ? null : context.getClientContext().getCustom());
    answer.put("trace", System.getProperty("com.amazonaws.xray.traceHeader", "").startsWith("Root="));
    answer.put("environment", System.getenv("AWS_EXECUTION_ENV"));
    return answer;
  }

  public static class Stream implements RequestStreamHandler {
    public void handleRequest(InputStream in, OutputStream out, Context context) throws IOException {
      out.write('[');
      for (int b = in.read(); b >= 0; b = in.read()) out.write(b);
      out.write(']');
    }
  }

  public enum Colour { RED, GREEN }
  public static class Item {
    private String name;
    private Colour colour;
    private double price;
    private Date sold;
    private byte[] data;
    public List<String> tags;
    public String getName() { return name; }
    public void setName(String name) { this.name = name; }
    public Colour getColour() { return colour; }
    public void setColour(Colour colour) { this.colour = colour; }
    public double getPrice() { return price; }
    public void setPrice(double price) { this.price = price; }
    public Date getSold() { return sold; }
    public void setSold(Date sold) { this.sold = sold; }
    public byte[] getData() { return data; }
    public void setData(byte[] data) { this.data = data; }
    public boolean isCheap() { return price < 1; }
  }
  public static class Batch {
    private List<Item> records;
    private Map<String, Item> byName;
    public void setRecords(List<Item> records) { this.records = records; }
    public List<Item> getRecords() { return records; }
    public void setByName(Map<String, Item> byName) { this.byName = byName; }
    public Map<String, Item> getByName() { return byName; }
  }
  public Batch batch(Batch batch) { return batch; }

  static abstract class Base<T> implements RequestHandler<T, Object> {
    public Object handleRequest(T event, Context context) { return name(event); }
    abstract Object name(T event);
  }
  public static class Named extends Base<Item> {
    Object name(Item item) { return item.getName(); }
  }
  public static class Broken {
    static { if (true) throw new IllegalStateException("static"); }
    public Object handle(Object event) { return null; }
  }
  public static class Closed {
    private Closed() {}
    public Object handle(Object event) { return null; }
  }
}
"""


def compiled(directory, source, path, *options):
    file = pathlib.Path(directory, path)
    file.parent.mkdir(parents=True)
    file.write_text(source)
    classes = pathlib.Path(directory, "classes")
    subprocess.run(["javac", "-cp", CLIENT, "-d", classes, *options, file], check=True)
    return {str(found.relative_to(classes)): found.read_bytes() for found in classes.rglob("*.class")}


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("java"), HANDLERS, "shop/Orders.java", "--release", "8")


def deploy_java(cloud, files, handler="shop.Orders", runtime="java17", **options):
    return deploy(cloud, zipped(files), runtime=runtime, handler=handler, **options)


@pytest.mark.parametrize("runtime", ["java8.al2", "java11", "java17", "java21", "java25"])
def test_a_class_that_handles_requests_answers(cloud, classes, runtime):
    function = deploy_java(cloud, classes, runtime=runtime)
    assert function.invoke({"a": "ü", "n": [1, 2.5, None, True]}).value == {"got": {"a": "ü", "n": [1, 2.5, None, True]}, "count": 1}
    assert function.invoke({}).value == {"got": {}, "count": 2}


@pytest.mark.parametrize("handler, event, answer", [
    ("shop.Orders::text", "a\"ü", "<a\"ü>"), ("shop.Orders::sum", [1, 2, 3], 6), ("shop.Orders::nothing", {}, None),
    ("shop.Orders::two", 2**40, [2**40, 1769]), ("shop.Orders$Stream", {"a": 1}, [{"a": 1}]),
    ("shop.Orders$Stream::handleRequest", 1, [1]), ("shop.Orders$Named", {"name": "pen", "unknown": 1}, "pen"),
    ("shop.Orders::batch",
     {"Records": [{"name": "pen", "colour": "RED", "price": 0.5, "sold": 1700000000000, "data": "AQI=", "tags": ["x"]}], "byName": {"a": {}}},
     {"byName": {"a": {"cheap": True, "colour": None, "data": None, "name": None, "price": 0.0, "sold": None, "tags": None}},
      "records": [{"cheap": True, "colour": "RED", "data": "AQI=", "name": "pen", "price": 0.5, "sold": 1700000000000, "tags": ["x"]}]}),
], ids=["text", "static-list", "nothing", "array", "stream", "stream-method", "generic", "beans"])
def test_events_become_what_the_method_takes(cloud, classes, handler, event, answer):
    assert deploy_java(cloud, classes, handler=handler).invoke(event).value == answer


def test_records_are_read_and_written(cloud, tmp_path):
    source = """
        package shop;
        import java.util.List;
        public class Modern {
          public record Item(String name, int count, List<Item> parts) {}
          public Item handle(Item item) { return new Item(item.name() + "!", item.count() + 1, item.parts()); }
        }
        """
    function = deploy_java(cloud, compiled(tmp_path, source, "shop/Modern.java", "--release", "17"), handler="shop.Modern::handle")
    part = {"name": "b", "count": 2, "parts": None}
    assert function.invoke({"name": "a", "count": 1, "parts": [part]}).value == {"name": "a!", "count": 2, "parts": [part]}


def test_functions_know_their_context_and_log(cloud, classes):
    function = deploy_java(cloud, classes, handler="shop.Orders::context", Timeout=9, Environment={"Variables": {"ONE": "1"}})
    answer = function.invoke({}, ClientContext="eyJjdXN0b20iOiB7ImEiOiAiYiJ9fQ==")
    value = answer.value
    assert 8000 < value.pop("left") <= 9000
    assert value == {"arn": function.arn, "custom": {"a": "b"}, "environment": "AWS_Lambda_java17", "id": answer.request_id, "name": "worker",
                     "one": "1", "trace": True}
    assert "one line\nand another\n" in answer.log and "printed ü\nbad\n" in answer.log and "[WARN] level\n" in answer.log
    wait_until(lambda: any(text == "one line\nand another\n" for _, text in function.log()), "one event of two lines")


def test_an_exception_is_an_error_object_with_trace_and_cause(cloud, classes):
    function = deploy_java(cloud, classes, handler="shop.Orders::fail")
    for _ in range(2):
        answer = function.invoke({})
        failure = answer.failure
        assert (failure["errorType"], failure["errorMessage"]) == ("java.lang.IllegalStateException", "odd")
        assert len(failure["stackTrace"]) == 1 and failure["stackTrace"][0].startswith("shop.Orders.fail(Orders.java:")
        assert failure["cause"]["errorMessage"] == "inner"
        assert "odd: java.lang.IllegalStateException\njava.lang.IllegalStateException: odd\n\tat shop.Orders.fail" in answer.log
    deep = deploy_java(cloud, classes, handler="shop.Orders::deep", name="deep", role=cloud.client("iam").get_role(RoleName="role-of-worker")["Role"]["Arn"])
    assert deep.invoke({}).failure["errorType"] == "java.lang.StackOverflowError"


def test_a_machine_that_exits_is_replaced(cloud, classes):
    function = deploy_java(cloud, classes, handler="shop.Orders::exit")
    for _ in range(2):
        failure = function.invoke({}).failure
        assert failure["errorType"] == "Runtime.ExitError" and failure["errorMessage"].endswith("exit status 7")


def test_an_event_that_does_not_fit_is_an_error_of_parsing(cloud, classes):
    failure = deploy_java(cloud, classes, handler="shop.Orders::sum").invoke({"a": 1}).failure
    assert (failure["errorType"], failure["errorMessage"]) == ("java.lang.RuntimeException", "An error occurred during JSON parsing")
    assert "java.util.List" in failure["cause"]["errorMessage"]


@pytest.mark.parametrize("handler, kind, message", [
    ("shop.Missing", "java.lang.ClassNotFoundException", "Class not found: shop.Missing"),
    ("shop.Orders::missing", "java.lang.NoSuchMethodException",
     "No public method named missing with appropriate method signature found on class shop.Orders"),
    ("shop.Orders$Item", "java.lang.ClassCastException", "Class does not implement an appropriate handler interface: shop.Orders$Item"),
    ("shop.Orders$Broken::handle", "java.lang.ExceptionInInitializerError", "Error loading class shop.Orders$Broken"),
    ("shop.Orders$Closed::handle", "java.lang.Exception", "Class shop.Orders$Closed has no public zero-argument constructor"),
], ids=["class", "method", "interface", "static", "constructor"])
def test_a_handler_that_cannot_be_loaded_says_why(cloud, classes, handler, kind, message):
    failure = deploy_java(cloud, classes, handler=handler).invoke({}).failure
    assert (failure["errorType"], failure["errorMessage"]) == (kind, message)


def test_jars_below_lib_are_on_the_class_path(cloud, classes, tmp_path):
    function = deploy_java(cloud, {"lib/shop.jar": zipped(classes)}, handler="shop.Orders::text")
    assert function.invoke("x").value == "<x>"
    # A package that brings the interfaces itself, as most do.
    with zipfile.ZipFile(CLIENT) as client:
        interfaces = {name: client.read(name) for name in client.namelist() if name.startswith("com/")}
    function.update_code(zipped(classes | {"lib/core.jar": zipped(interfaces)}))
    function.configure(Handler="shop.Orders")
    assert function.invoke({}).value == {"got": {}, "count": 1}


def test_the_smallest_function_runs(cloud, classes):
    assert deploy_java(cloud, classes, MemorySize=128, Timeout=60).invoke({}).value == {"got": {}, "count": 1}


def test_the_client_is_made_of_its_sources():
    subprocess.run([ROOT / "Tools/build-java-client", "--check"], check=True)


SNAPSHOT = """
package shop;

import java.lang.reflect.Proxy;
import java.util.*;

/** Registers hooks as org.crac does: through the package that `org.crac.Core.Compat` names, and proxies of its interface. */
public class Restored {
  private static final List<String> NOTES = Collections.synchronizedList(new ArrayList<>());
  private static final boolean FAILS = "after".equals(System.getenv("FAILS"));

  static {
    try {
      String name = System.getProperty("org.crac.Core.Compat");
      Class<?> resource = Class.forName(name + ".Resource"), contexts = Class.forName(name + ".Context");
      Object context = Class.forName(name + ".Core").getMethod("getGlobalContext").invoke(null);
      for (String hook : new String[] {"first", "second"}) {
        contexts.getMethod("register", resource).invoke(context, Proxy.newProxyInstance(
            Restored.class.getClassLoader(), new Class<?>[] {resource}, (proxy, method, arguments) -> {
              if (method.getName().equals("hashCode")) return 1;
              NOTES.add(hook + " " + method.getName());
              if (FAILS && method.getName().equals("afterRestore")) throw new IllegalStateException("no");
              return null;
            }));
      }
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
  public List<String> handle(Object event) { return NOTES; }
}
"""


def restored(cloud, tmp_path, **options):
    function = deploy_java(
        cloud, compiled(tmp_path, SNAPSHOT, "shop/Restored.java", "--release", "11"), handler="shop.Restored::handle",
        SnapStart={"ApplyOn": "PublishedVersions"}, **options)
    version = function.client.publish_version(FunctionName="worker")["Version"]
    wait_until(lambda: function.client.get_function_configuration(
        FunctionName="worker", Qualifier=version)["State"] == "Active", "the version is initialised", 60)
    return function, version


def test_hooks_of_crac_run_around_the_snapshot(cloud, tmp_path):
    function, version = restored(cloud, tmp_path)
    first = function.invoke(Qualifier=version)
    assert first.value == ["second beforeCheckpoint", "first beforeCheckpoint", "first afterRestore", "second afterRestore"]
    assert first.log.startswith("RESTORE_START") and "RESTORE_REPORT Restore Duration" in first.log
    assert function.invoke(Qualifier=version).value == first.value
    # An ordinary function has no snapshot.
    assert function.invoke().value == []


def test_a_hook_of_crac_that_fails_fails_the_invocation(cloud, tmp_path):
    function, version = restored(cloud, tmp_path, Environment={"Variables": {"FAILS": "after"}})
    answer = function.invoke(Qualifier=version)
    assert answer.failure["errorMessage"] == "no" and "Error Type: Runtime.AfterRestoreError" in answer.log
