package dewpoint.runtime;

import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes messages so that one of many lines stays one event of the log. */
public final class Log implements LambdaLogger {
  public static final Log LOGGER = new Log();

  private static final FileOutputStream OUT = new FileOutputStream(FileDescriptor.out);
  static volatile String requestId;
  private final boolean isJson = "JSON".equals(System.getenv("AWS_LAMBDA_LOG_FORMAT"));
  private final LogLevel least;

  private Log() {
    String text = System.getenv("AWS_LAMBDA_LOG_LEVEL");
    least = text == null ? LogLevel.UNDEFINED : LogLevel.fromString(text);
  }

  @Override public void log(String message) { log(message, LogLevel.UNDEFINED); }
  @Override public void log(byte[] message) { write(message == null ? new byte[0] : message); }
  @Override public void log(byte[] message, LogLevel level) { if (shows(level)) log(message); }
  @Override public void log(String message, LogLevel level) {
    if (!shows(level)) return;
    write(isJson ? json(message, level) + "\n" : level == LogLevel.UNDEFINED ? String.valueOf(message) : "[" + level + "] " + message);
  }

  private boolean shows(LogLevel level) { return !isJson || level == LogLevel.UNDEFINED || level.compareTo(least) >= 0; }

  private static String json(String message, LogLevel level) {
    Map<String, Object> record = new LinkedHashMap<>();
    record.put("timestamp", Instant.ofEpochMilli(System.currentTimeMillis()).toString());
    record.put("message", message);
    if (level != LogLevel.UNDEFINED) record.put("level", level.name());
    if (requestId != null) record.put("AWSRequestId", requestId);
    return new JsonWriter().write(record);
  }

  static void write(String text) { write(String.valueOf(text).getBytes(StandardCharsets.UTF_8)); }

  /** A message without a line end gets one from the platform. */
  private static synchronized void write(byte[] message) {
    System.out.flush();
    boolean isEnded = message.length > 0 && message[message.length - 1] == '\n';
    int length = message.length + (isEnded ? 0 : 1);
    ByteBuffer frame = ByteBuffer.allocate(16 + length);
    frame.putInt(0xa55a0003).putInt(length).putLong(System.currentTimeMillis() * 1000).put(message);
    if (!isEnded) frame.put((byte) '\n');
    try {
      OUT.write(frame.array());
    } catch (IOException e) {
      // Nobody is left to read it.
    }
  }

  /** What is printed stands in the log by line, and in order with what is logged. */
  static void takeStandardStreams() throws IOException {
    System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8"));
    System.setErr(new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8"));
  }
}
