package dewpoint.runtime;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads JSON (RFC 8259) into maps, lists, texts, numbers, booleans and null. */
final class JsonReader {
  private static final int MAXIMUM_DEPTH = 1000;
  private final String text;
  private int at;
  private int depth;

  JsonReader(String text) { this.text = text; }

  Object read() {
    Object value = value();
    skipBlanks();
    if (at < text.length()) throw failure("something follows the value");
    return value;
  }

  private IllegalArgumentException failure(String reason) { return new IllegalArgumentException(reason + " at offset " + at); }

  private void skipBlanks() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) at++;
  }

  private char peek() {
    skipBlanks();
    if (at >= text.length()) throw failure("the text ends early");
    return text.charAt(at);
  }

  private Object value() {
    switch (peek()) {
      case '{': return object();
      case '[': return array();
      case '"': return string();
      case 't': return word("true", Boolean.TRUE);
      case 'f': return word("false", Boolean.FALSE);
      case 'n': return word("null", null);
      default: return number();
    }
  }

  private Object word(String word, Object value) {
    if (!text.startsWith(word, at)) throw failure("no value");
    at += word.length();
    return value;
  }

  private void enter() {
    at++;
    if (++depth > MAXIMUM_DEPTH) throw failure("nested too deep");
  }

  private Map<String, Object> object() {
    enter();
    Map<String, Object> members = new LinkedHashMap<>();
    if (peek() == '}') at++;
    else for (;;) {
      if (peek() != '"') throw failure("no name");
      String name = string();
      if (peek() != ':') throw failure("no colon");
      at++;
      members.put(name, value());
      char next = peek();
      at++;
      if (next == '}') break;
      if (next != ',') throw failure("no comma");
    }
    depth--;
    return members;
  }

  private List<Object> array() {
    enter();
    List<Object> elements = new ArrayList<>();
    if (peek() == ']') at++;
    else for (;;) {
      elements.add(value());
      char next = peek();
      at++;
      if (next == ']') break;
      if (next != ',') throw failure("no comma");
    }
    depth--;
    return elements;
  }

  private String string() {
    StringBuilder out = new StringBuilder();
    for (at++;; ) {
      if (at >= text.length()) throw failure("a text without an end");
      char c = text.charAt(at++);
      if (c == '"') return out.toString();
      if (c != '\\') {
        out.append(c);
        continue;
      }
      if (at >= text.length()) throw failure("a text without an end");
      char escape = text.charAt(at++);
      int place = "bfnrt\"\\/".indexOf(escape);
      if (place >= 0) out.append("\b\f\n\r\t\"\\/".charAt(place));
      else if (escape == 'u' && at + 4 <= text.length()) {
        out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
        at += 4;
      } else throw failure("unknown escape");
    }
  }

  private Number number() {
    int start = at;
    while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) at++;
    String digits = text.substring(start, at);
    if (digits.isEmpty()) throw failure("no value");
    if (digits.indexOf('.') >= 0 || digits.indexOf('e') >= 0 || digits.indexOf('E') >= 0) return new BigDecimal(digits);
    BigInteger whole = new BigInteger(digits);
    if (whole.bitLength() < 32) return whole.intValue();
    return whole.bitLength() < 64 ? (Number) whole.longValue() : whole;
  }
}
