package com.amazonaws.services.lambda.runtime.logging;

public enum LogLevel {
  UNDEFINED, TRACE, DEBUG, INFO, WARN, ERROR, FATAL;

  public static LogLevel fromString(String text) {
    try {
      return LogLevel.valueOf(text.toUpperCase(java.util.Locale.ROOT));
    } catch (Exception e) {
      throw new IllegalArgumentException("Invalid log level: '" + text + "' expected one of [TRACE, DEBUG, INFO, WARN, ERROR, FATAL]");
    }
  }
}
