package dewpoint.runtime;

import com.amazonaws.services.lambda.runtime.Client;
import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a handler is told of its invocation. */
final class Invocation implements Context {
  private final Map<String, String> headers;
  private final long deadline;

  Invocation(Map<String, String> headers) {
    this.headers = headers;
    deadline = Long.parseLong(headers.get("lambda-runtime-deadline-ms"));
  }

  @Override public String getAwsRequestId() { return headers.get("lambda-runtime-aws-request-id"); }
  @Override public String getLogGroupName() { return System.getenv("AWS_LAMBDA_LOG_GROUP_NAME"); }
  @Override public String getLogStreamName() { return System.getenv("AWS_LAMBDA_LOG_STREAM_NAME"); }
  @Override public String getFunctionName() { return System.getenv("AWS_LAMBDA_FUNCTION_NAME"); }
  @Override public String getFunctionVersion() { return System.getenv("AWS_LAMBDA_FUNCTION_VERSION"); }
  @Override public String getInvokedFunctionArn() { return headers.get("lambda-runtime-invoked-function-arn"); }
  @Override public int getMemoryLimitInMB() { return Integer.parseInt(System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")); }
  @Override public LambdaLogger getLogger() { return Log.LOGGER; }
  @Override public String getTenantId() { return headers.get("lambda-runtime-aws-tenant-id"); }
  @Override public String getXrayTraceId() { return headers.get("lambda-runtime-trace-id"); }
  @Override public int getRemainingTimeInMillis() { return (int) Math.max(0, deadline - System.currentTimeMillis()); }

  @Override public CognitoIdentity getIdentity() {
    Map<?, ?> json = object("lambda-runtime-cognito-identity");
    return new CognitoIdentity() {
      @Override public String getIdentityId() { return text(json, "cognitoIdentityId"); }
      @Override public String getIdentityPoolId() { return text(json, "cognitoIdentityPoolId"); }
    };
  }

  @Override public ClientContext getClientContext() {
    if (!headers.containsKey("lambda-runtime-client-context")) return null;
    Map<?, ?> json = object("lambda-runtime-client-context");
    Map<?, ?> client = json.get("client") instanceof Map ? (Map<?, ?>) json.get("client") : new LinkedHashMap<>();
    return new ClientContext() {
      @Override public Client getClient() { return new InvocationClient(client); }
      @Override public Map<String, String> getCustom() { return texts(json.get("custom")); }
      @Override public Map<String, String> getEnvironment() { return texts(json.get("env")); }
    };
  }

  private Map<?, ?> object(String header) {
    try {
      Object json = headers.containsKey(header) ? new JsonReader(headers.get(header)).read() : null;
      return json instanceof Map ? (Map<?, ?>) json : new LinkedHashMap<>();
    } catch (IllegalArgumentException e) {
      return new LinkedHashMap<>();
    }
  }

  static String text(Map<?, ?> json, String name) { return json.get(name) == null ? null : String.valueOf(json.get(name)); }

  private static Map<String, String> texts(Object json) {
    if (!(json instanceof Map)) return null;
    Map<String, String> texts = new LinkedHashMap<>();
    for (Map.Entry<?, ?> entry : ((Map<?, ?>) json).entrySet()) texts.put(String.valueOf(entry.getKey()), String.valueOf(entry.getValue()));
    return texts;
  }

  private static final class InvocationClient implements Client {
    private final Map<?, ?> json;

    InvocationClient(Map<?, ?> json) { this.json = json; }

    @Override public String getInstallationId() { return text(json, "installation_id"); }
    @Override public String getAppTitle() { return text(json, "app_title"); }
    @Override public String getAppVersionName() { return text(json, "app_version_name"); }
    @Override public String getAppVersionCode() { return text(json, "app_version_code"); }
    @Override public String getAppPackageName() { return text(json, "app_package_name"); }
  }
}
