package dewpoint.runtime;

import com.amazonaws.services.lambda.crac.CheckpointException;
import com.amazonaws.services.lambda.crac.Core;
import com.amazonaws.services.lambda.crac.RestoreException;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The client of the Lambda Runtime API for Java functions: fetches events, calls the handler, posts what it answers. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws IOException {
    Log.takeStandardStreams();
    RuntimeAPI api = new RuntimeAPI(System.getenv("AWS_LAMBDA_RUNTIME_API"));
    Handler handler = null;
    try {
      ClassLoader loader = loader();
      Thread.currentThread().setContextClassLoader(loader);
      handler = new Handler(System.getenv("_HANDLER"), loader);
    } catch (Handler.Unusable e) {
      Log.write(e.error.log());
      api.failInit(e.error);
      System.exit(1);
    } catch (Throwable e) {
      FunctionError error = FunctionError.of(e);
      Log.write(error.log());
      api.failInit(error);
      System.exit(1);
    }
    if ("snap-start".equals(System.getenv("AWS_LAMBDA_INITIALIZATION_TYPE"))) takeSnapshot(api);
    for (;;) handle(api, handler);
  }

  /** The hooks of org.crac, and between them the time until the first invocation. */
  private static void takeSnapshot(RuntimeAPI api) throws IOException {
    try {
      Core.getGlobalContext().beforeCheckpoint(null);
    } catch (CheckpointException e) {
      FunctionError error = FunctionError.ofHook(e, "Runtime.BeforeCheckpointError");
      Log.write(error.log());
      api.failInit(error);
      System.exit(64);
    }
    System.out.flush();
    api.restoreNext();
    try {
      Core.getGlobalContext().afterRestore(null);
    } catch (RestoreException e) {
      FunctionError error = FunctionError.ofHook(e, "Runtime.AfterRestoreError");
      Log.write(error.log());
      api.failRestore(error);
      System.exit(64);
    }
  }

  private static void handle(RuntimeAPI api, Handler handler) throws IOException {
    RuntimeAPI.Answer next = api.next();
    Invocation invocation = new Invocation(next.headers);
    Log.requestId = invocation.getAwsRequestId();
    String trace = invocation.getXrayTraceId();
    if (trace != null) System.setProperty("com.amazonaws.xray.traceHeader", trace);
    else System.clearProperty("com.amazonaws.xray.traceHeader");
    byte[] answer;
    try {
      answer = handler.handle(next.body, invocation);
    } catch (Handler.Unusable e) {
      Log.write(e.error.log());
      api.fail(Log.requestId, e.error);
      return;
    } catch (Throwable e) {
      FunctionError error = FunctionError.of(e);
      Log.write(error.log());
      api.fail(Log.requestId, error);
      // The machine itself cannot be trusted any more.
      if (e instanceof VirtualMachineError && !(e instanceof StackOverflowError)) System.exit(1);
      return;
    }
    System.out.flush();
    api.respond(Log.requestId, answer);
  }

  /** The package itself, the jars in its `lib`, and those of layers. */
  private static ClassLoader loader() throws IOException {
    String root = System.getenv("LAMBDA_TASK_ROOT");
    List<URL> urls = new ArrayList<>();
    urls.add(new File(root + "/").toURI().toURL());
    addJars(new File(root, "lib"), urls);
    addJars(new File("/opt/java/lib"), urls);
    return new URLClassLoader(urls.toArray(new URL[0]), Main.class.getClassLoader());
  }

  private static void addJars(File directory, List<URL> urls) throws IOException {
    File[] files = directory.listFiles((where, name) -> name.endsWith(".jar"));
    if (files == null) return;
    Arrays.sort(files);
    for (File file : files) urls.add(file.toURI().toURL());
  }
}
