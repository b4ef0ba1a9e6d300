package com.amazonaws.services.lambda.runtime;

/** The logger for code that has no context at hand. */
public final class LambdaRuntime {
  private LambdaRuntime() {}

  public static LambdaLogger getLogger() { return dewpoint.runtime.Log.LOGGER; }
}
