package dewpoint.runtime;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Date;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Writes what a handler returns: maps, lists, simple values, records and beans. */
final class JsonWriter {
  private static final int MAXIMUM_DEPTH = 1000;
  private final StringBuilder out = new StringBuilder();
  private int depth;

  String write(Object value) {
    append(value);
    return out.toString();
  }

  private void append(Object value) {
    if (++depth > MAXIMUM_DEPTH) throw new IllegalArgumentException("the value is nested too deep, or contains itself");
    if (value == null) out.append("null");
    else if (value instanceof Boolean) out.append(value);
    else if (value instanceof Number) number((Number) value);
    else if (value instanceof CharSequence || value instanceof Character) string(value.toString());
    else if (value instanceof Enum) string(((Enum<?>) value).name());
    else if (value instanceof Map) map((Map<?, ?>) value);
    else if (value instanceof Iterable) list((Iterable<?>) value);
    else if (value instanceof byte[]) string(Base64.getEncoder().encodeToString((byte[]) value));
    else if (value instanceof ByteBuffer) buffer((ByteBuffer) value);
    else if (value.getClass().isArray()) array(value);
    else if (value instanceof Optional) append(((Optional<?>) value).orElse(null));
    else if (value instanceof Date) out.append(((Date) value).getTime());
    else if (isPlain(value.getClass())) string(value.toString());
    else map(Beans.values(value));
    depth--;
  }

  /** Of the library of Java itself there are values with a text of their own: times, identifiers, addresses. */
  private static boolean isPlain(Class<?> type) {
    return type.getName().startsWith("java.") || type.getName().startsWith("org.joda.time.");
  }

  private void number(Number value) {
    double number = value.doubleValue();
    if (Double.isNaN(number) || value instanceof Double && Double.isInfinite(number)) string(value.toString());
    else out.append(value);
  }

  private void buffer(ByteBuffer value) {
    byte[] bytes = new byte[value.remaining()];
    value.duplicate().get(bytes);
    string(Base64.getEncoder().encodeToString(bytes));
  }

  private void map(Map<?, ?> map) {
    out.append('{');
    String separator = "";
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      out.append(separator);
      string(String.valueOf(entry.getKey()));
      out.append(':');
      append(entry.getValue());
      separator = ",";
    }
    out.append('}');
  }

  private void list(Iterable<?> list) {
    out.append('[');
    String separator = "";
    for (Object element : list) {
      out.append(separator);
      append(element);
      separator = ",";
    }
    out.append(']');
  }

  private void array(Object array) {
    out.append('[');
    for (int i = 0; i < Array.getLength(array); i++) {
      if (i > 0) out.append(',');
      append(Array.get(array, i));
    }
    out.append(']');
  }

  private void string(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int place = "\b\f\n\r\t\"\\".indexOf(c);
      if (place >= 0) out.append('\\').append("bfnrt\"\\".charAt(place));
      else if (c < 0x20 || Character.isSurrogate(c) && !isPaired(text, i)) out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    }
    out.append('"');
  }

  private static boolean isPaired(String text, int i) {
    return Character.isHighSurrogate(text.charAt(i))
        ? i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))
        : i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
  }
}
