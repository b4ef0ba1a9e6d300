package dewpoint.runtime;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** The properties of objects: getters and setters, public fields, components of records. */
final class Beans {
  private Beans() {}

  /** By name, in the order of the names, so that equal objects are written alike. */
  static Map<String, Object> values(Object bean) {
    Map<String, Object> values = new java.util.TreeMap<>();
    try {
      Object[] components = components(bean.getClass());
      if (components != null) {
        Map<String, Object> ordered = new LinkedHashMap<>();
        for (Object component : components) {
          Method accessor = (Method) component.getClass().getMethod("getAccessor").invoke(component);
          accessor.setAccessible(true);
          ordered.put((String) component.getClass().getMethod("getName").invoke(component), accessor.invoke(bean));
        }
        return ordered;
      }
      for (Field field : bean.getClass().getFields()) {
        if (!Modifier.isStatic(field.getModifiers())) values.put(field.getName(), field.get(bean));
      }
      for (Method method : bean.getClass().getMethods()) {
        String name = property(method);
        if (name == null) continue;
        method.setAccessible(true);
        values.put(name, method.invoke(bean));
      }
    } catch (ReflectiveOperationException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new IllegalArgumentException(bean.getClass().getName() + " cannot be written: " + cause, cause);
    }
    return values;
  }

  /** The components of a record, and null of another class. Java 8 knows no records. */
  static Object[] components(Class<?> type) throws ReflectiveOperationException {
    try {
      return (Boolean) Class.class.getMethod("isRecord").invoke(type)
          ? (Object[]) Class.class.getMethod("getRecordComponents").invoke(type) : null;
    } catch (NoSuchMethodException e) {
      return null;
    }
  }

  private static String property(Method method) {
    if (method.getParameterCount() != 0 || Modifier.isStatic(method.getModifiers()) || method.getDeclaringClass() == Object.class
        || method.isBridge() || method.getReturnType() == void.class) return null;
    String name = method.getName();
    if (name.startsWith("get") && name.length() > 3) return decapitalised(name.substring(3));
    boolean isTruth = method.getReturnType() == boolean.class;
    return isTruth && name.startsWith("is") && name.length() > 2 ? decapitalised(name.substring(2)) : null;
  }

  /** `URL` is `url`, as the serialiser of AWS has it. */
  private static String decapitalised(String name) {
    int capitals = 0;
    while (capitals < name.length() && Character.isUpperCase(name.charAt(capitals))) capitals++;
    return name.substring(0, capitals).toLowerCase(Locale.ROOT) + name.substring(capitals);
  }

  /** Calls the setter or sets the field whose name is the same but for the case: events of AWS mix both. False when there is none. */
  static Setter setter(Class<?> type, String name) {
    Setter found = null;
    for (Method method : type.getMethods()) {
      if (method.getParameterCount() != 1 || Modifier.isStatic(method.getModifiers()) || method.isBridge()) continue;
      if (!method.getName().startsWith("set") || !method.getName().substring(3).equalsIgnoreCase(name)) continue;
      Setter setter = new Setter(method.getGenericParameterTypes()[0], (bean, value) -> {
        method.setAccessible(true);
        method.invoke(bean, value);
      });
      if (method.getName().substring(3).equals(capitalised(name))) return setter;
      found = setter;
    }
    if (found != null) return found;
    for (Field field : type.getFields()) {
      if (Modifier.isStatic(field.getModifiers()) || Modifier.isFinal(field.getModifiers())) continue;
      if (field.getName().equalsIgnoreCase(name)) return new Setter(field.getGenericType(), field::set);
    }
    return null;
  }

  private static String capitalised(String name) {
    return name.isEmpty() ? name : Character.toUpperCase(name.charAt(0)) + name.substring(1);
  }

  interface Assignment { void set(Object bean, Object value) throws ReflectiveOperationException; }

  static final class Setter {
    final Type type;
    final Assignment assignment;

    Setter(Type type, Assignment assignment) {
      this.type = type;
      this.assignment = assignment;
    }
  }
}
