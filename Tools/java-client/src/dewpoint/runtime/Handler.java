package dewpoint.runtime;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The method of the function that takes events: `package.Class::method`, or a class with one of the interfaces. */
final class Handler {
  /** The function cannot be run; says why, as Lambda does. */
  static final class Unusable extends Exception {
    private static final long serialVersionUID = 1;
    final transient FunctionError error;

    Unusable(FunctionError error) { this.error = error; }
    Unusable(String message, String type) { this(FunctionError.of(message, type, null)); }
  }

  private final Object receiver;
  private final Method method;
  private final Type[] parameters;

  Handler(String text, ClassLoader loader) throws Unusable {
    int colons = text.lastIndexOf("::");
    String className = colons < 0 ? text : text.substring(0, colons), name = colons < 0 ? null : text.substring(colons + 2);
    if (className.isEmpty() || name != null && name.isEmpty()) throw new Unusable("Invalid handler: `" + text + "'", "java.lang.IllegalArgumentException");
    Class<?> type = load(className, loader);
    method = name == null ? interfaceMethod(type) : find(type, name);
    method.setAccessible(true);
    parameters = parameters(type, method);
    receiver = Modifier.isStatic(method.getModifiers()) ? null : make(type);
  }

  private static Class<?> load(String name, ClassLoader loader) throws Unusable {
    try {
      return Class.forName(name, true, loader);
    } catch (ClassNotFoundException | NoClassDefFoundError e) {
      throw new Unusable("Class not found: " + name, e.getClass().getName());
    } catch (Throwable e) {
      Throwable cause = e instanceof ExceptionInInitializerError && e.getCause() != null ? e.getCause() : e;
      throw new Unusable(FunctionError.of("Error loading class " + name + (e.getMessage() == null ? "" : ": " + e.getMessage()), e.getClass().getName(), cause));
    }
  }

  private static Method interfaceMethod(Class<?> type) throws Unusable {
    if (RequestStreamHandler.class.isAssignableFrom(type) || RequestHandler.class.isAssignableFrom(type)) return find(type, "handleRequest");
    throw new Unusable("Class does not implement an appropriate handler interface: " + type.getName(), "java.lang.ClassCastException");
  }

  /** Of several the one with most parameters, where a context at the end counts twice. */
  private static Method find(Class<?> type, String name) throws Unusable {
    Method best = null;
    for (Method method : type.getMethods()) {
      if (!method.getName().equals(name) || !isUsable(method.getParameterTypes())) continue;
      if (best == null || rank(method) > rank(best)) best = method;
    }
    if (best != null) return best;
    throw new Unusable("No public method named " + name + " with appropriate method signature found on class " + type.getName(),
        "java.lang.NoSuchMethodException");
  }

  private static int rank(Method method) {
    Class<?>[] types = method.getParameterTypes();
    boolean hasContext = types.length > 0 && types[types.length - 1] == Context.class;
    return (method.isBridge() ? 0 : 10) + types.length + (hasContext ? 1 : 0);
  }

  private static boolean isUsable(Class<?>[] types) {
    switch (types.length) {
      case 0: case 1: return true;
      case 2: return types[0] == InputStream.class && types[1] == OutputStream.class || types[0] != Context.class && types[1] == Context.class;
      case 3: return types[0] == InputStream.class && types[1] == OutputStream.class && types[2] == Context.class;
      default: return false;
    }
  }

  /** The generic types of the parameters, with what the class says for the variables of those above it. */
  private static Type[] parameters(Class<?> type, Method method) {
    Map<TypeVariable<?>, Type> known = new LinkedHashMap<>();
    List<Type> ahead = new ArrayList<>();
    ahead.add(type);
    while (!ahead.isEmpty()) {
      Type next = ahead.remove(ahead.size() - 1);
      Class<?> raw = (Class<?>) (next instanceof ParameterizedType ? ((ParameterizedType) next).getRawType() : next);
      if (next instanceof ParameterizedType) {
        Type[] arguments = ((ParameterizedType) next).getActualTypeArguments();
        for (int i = 0; i < arguments.length; i++) {
          Type argument = arguments[i] instanceof TypeVariable ? known.getOrDefault(arguments[i], arguments[i]) : arguments[i];
          known.put(raw.getTypeParameters()[i], argument);
        }
      }
      if (raw.getGenericSuperclass() != null) ahead.add(raw.getGenericSuperclass());
      ahead.addAll(java.util.Arrays.asList(raw.getGenericInterfaces()));
    }
    Type[] types = method.getGenericParameterTypes();
    // Where the method is a bridge its types are erased, but the interface has them.
    if (RequestHandler.class.isAssignableFrom(type) && method.getName().equals("handleRequest") && types.length == 2 && types[0] == Object.class) {
      types[0] = known.getOrDefault(RequestHandler.class.getTypeParameters()[0], Object.class);
    }
    for (int i = 0; i < types.length; i++) if (types[i] instanceof TypeVariable) types[i] = known.getOrDefault(types[i], Object.class);
    return types;
  }

  private static Object make(Class<?> type) throws Unusable {
    try {
      Constructor<?> constructor = type.getConstructor();
      constructor.setAccessible(true);
      return constructor.newInstance();
    } catch (InvocationTargetException e) {
      throw new Unusable(FunctionError.of(e.getCause() == null ? e : e.getCause()));
    } catch (NoSuchMethodException e) {
      boolean isInner = type.getEnclosingClass() != null && !Modifier.isStatic(type.getModifiers());
      throw new Unusable(isInner ? "Class " + type.getName() + " cannot be instantiated because it is a non-static inner class"
          : "Class " + type.getName() + " has no public zero-argument constructor", "java.lang.Exception");
    } catch (ReflectiveOperationException e) {
      throw new Unusable(FunctionError.of(e));
    }
  }

  /** The answer as JSON, or as the function has written it. Throws what the function throws. */
  byte[] handle(byte[] event, Invocation invocation) throws Throwable {
    Object[] arguments = new Object[parameters.length];
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    boolean isStream = false;
    for (int i = 0; i < parameters.length; i++) {
      if (parameters[i] == Context.class) arguments[i] = invocation;
      else if (parameters[i] == InputStream.class) arguments[i] = new ByteArrayInputStream(event);
      else if (parameters[i] == OutputStream.class) arguments[i] = output;
      else arguments[i] = bound(event, parameters[i]);
      isStream |= parameters[i] == InputStream.class || parameters[i] == OutputStream.class;
    }
    Object result;
    try {
      result = method.invoke(receiver, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause() == null ? e : e.getCause();
    }
    if (isStream && (method.getReturnType() == void.class || output.size() > 0)) return output.toByteArray();
    try {
      return new JsonWriter().write(result).getBytes(StandardCharsets.UTF_8);
    } catch (RuntimeException e) {
      throw new Unusable(FunctionError.of("An error occurred during JSON serialization of response", "java.lang.RuntimeException", e));
    }
  }

  private static Object bound(byte[] event, Type type) throws Unusable {
    try {
      return Binder.bind(new JsonReader(new String(event, StandardCharsets.UTF_8)).read(), type);
    } catch (RuntimeException e) {
      throw new Unusable(FunctionError.of("An error occurred during JSON parsing", "java.lang.RuntimeException", e));
    }
  }
}
