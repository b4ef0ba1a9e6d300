package dewpoint.runtime;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** An error of the function as Lambda shows it. */
final class FunctionError {
  private static final int MAXIMUM_CAUSES = 50;
  private final Map<String, Object> content;
  private final String type;
  private final String log;

  private FunctionError(Map<String, Object> content, String type, String log) {
    this.content = content;
    this.type = type;
    this.log = log;
  }

  /** What the code of the function has thrown. */
  static FunctionError of(Throwable error) {
    StringWriter trace = new StringWriter();
    shorten(error);
    error.printStackTrace(new PrintWriter(trace));
    String message = error.getLocalizedMessage() == null ? error.getClass().getName() : error.getLocalizedMessage();
    return new FunctionError(describe(error, 0), error.getClass().getName(), message + ": " + error.getClass().getName() + "\n" + trace);
  }

  /** What a hook of a snapshot has thrown: the first of it, under Lambda's own name. */
  static FunctionError ofHook(Exception error, String type) {
    Throwable[] thrown = error.getSuppressed();
    FunctionError first = of(thrown.length == 0 ? error : thrown[0]);
    return new FunctionError(first.content, type, first.log);
  }

  /** What is wrong with the function itself: its handler, or an event that it cannot take. */
  static FunctionError of(String message, String type, Throwable cause) {
    Map<String, Object> content = new LinkedHashMap<>();
    content.put("errorMessage", message);
    content.put("errorType", type);
    if (cause != null) {
      shorten(cause);
      content.put("stackTrace", new ArrayList<>());
      content.put("cause", describe(cause, 1));
    }
    return new FunctionError(content, type, message + (cause == null ? "" : ": " + cause));
  }

  private static Map<String, Object> describe(Throwable error, int depth) {
    Map<String, Object> content = new LinkedHashMap<>();
    content.put("errorMessage", error.getLocalizedMessage() == null ? null : error.getLocalizedMessage());
    content.put("errorType", error.getClass().getName());
    List<String> trace = new ArrayList<>();
    for (StackTraceElement element : error.getStackTrace()) trace.add(element.toString());
    content.put("stackTrace", trace);
    if (error.getCause() != null && depth < MAXIMUM_CAUSES) content.put("cause", describe(error.getCause(), depth + 1));
    return content;
  }

  /** The calls that lead from this client to the function are no business of the function. */
  private static void shorten(Throwable error) {
    Throwable current = error;
    for (int depth = 0; current != null && depth < MAXIMUM_CAUSES; depth++, current = current.getCause()) {
      StackTraceElement[] trace = current.getStackTrace();
      int end = 0;
      while (end < trace.length && !isOurs(trace[end].getClassName())) end++;
      current.setStackTrace(java.util.Arrays.copyOf(trace, end));
    }
  }

  private static boolean isOurs(String name) {
    return name.startsWith("dewpoint.runtime.") || name.startsWith("jdk.internal.reflect.") || name.startsWith("sun.reflect.")
        || name.equals("java.lang.reflect.Method") || name.equals("java.lang.reflect.Constructor");
  }

  byte[] body() { return new JsonWriter().write(content).getBytes(StandardCharsets.UTF_8); }
  String headers() { return "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: " + type + "\r\n"; }
  String log() { return log; }
}
