package dewpoint.runtime;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** One connection to the Runtime API of the sandbox; the little of HTTP/1.1 that it needs. */
final class RuntimeAPI {
  private static final String BASE = "/2018-06-01/runtime";

  static final class Answer {
    /** By names in lower case. */
    final Map<String, String> headers = new TreeMap<>();
    byte[] body = new byte[0];
  }

  private final String address;
  private Socket socket;
  private InputStream in;
  private OutputStream out;

  RuntimeAPI(String address) { this.address = address; }

  Answer next() throws IOException { return ask("GET", "/invocation/next", new byte[0], "", false); }

  void respond(String id, byte[] body) throws IOException {
    ask("POST", "/invocation/" + id + "/response", body, "Content-Type: application/json\r\n", true);
  }

  void fail(String id, FunctionError error) throws IOException { ask("POST", "/invocation/" + id + "/error", error.body(), error.headers(), true); }

  void failInit(FunctionError error) throws IOException { ask("POST", "/init/error", error.body(), error.headers(), true); }

  /** Waits, perhaps for days, until the environment is restored. */
  void restoreNext() throws IOException { ask("GET", "/restore/next", new byte[0], "", false); }

  void failRestore(FunctionError error) throws IOException { ask("POST", "/restore/error", error.body(), error.headers(), true); }

  private Answer ask(String method, String path, byte[] body, String headers, boolean hasBody) throws IOException {
    if (socket == null) connect();
    StringBuilder head = new StringBuilder(method).append(' ').append(BASE).append(path).append(" HTTP/1.1\r\nHost: ").append(address).append("\r\n");
    head.append(headers);
    if (hasBody) head.append("Content-Length: ").append(body.length).append("\r\n");
    byte[] start = head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
    byte[] request = java.util.Arrays.copyOf(start, start.length + body.length);
    System.arraycopy(body, 0, request, start.length, body.length);
    out.write(request);
    out.flush();
    return read();
  }

  private void connect() throws IOException {
    int colon = address.lastIndexOf(':');
    socket = new Socket(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
    socket.setTcpNoDelay(true);
    in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
    out = socket.getOutputStream();
  }

  private Answer read() throws IOException {
    Answer answer = new Answer();
    line();
    for (String line = line(); !line.isEmpty(); line = line()) {
      int colon = line.indexOf(':');
      if (colon > 0) answer.headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).trim());
    }
    String length = answer.headers.get("content-length");
    if (length != null) answer.body = bytes(Integer.parseInt(length));
    else if ("chunked".equals(answer.headers.get("transfer-encoding"))) answer.body = chunks();
    if ("close".equalsIgnoreCase(answer.headers.get("connection"))) {
      socket.close();
      socket = null;
    }
    return answer;
  }

  private byte[] chunks() throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int size = Integer.parseInt(line(), 16); size > 0; size = Integer.parseInt(line(), 16)) {
      all.write(bytes(size));
      line();
    }
    line();
    return all.toByteArray();
  }

  private byte[] bytes(int count) throws IOException {
    byte[] bytes = new byte[count];
    for (int at = 0; at < count; ) {
      int n = in.read(bytes, at, count - at);
      if (n < 0) throw new EOFException("the Runtime API closed the connection");
      at += n;
    }
    return bytes;
  }

  private String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) throw new EOFException("the Runtime API closed the connection");
      if (b != '\r') line.write(b);
    }
    return new String(line.toByteArray(), StandardCharsets.UTF_8);
  }
}
