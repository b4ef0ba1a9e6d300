package dewpoint.runtime;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Makes what a handler asks for out of JSON: simple values, lists, maps, records and beans. */
final class Binder {
  private Binder() {}

  static Object bind(Object json, Type type) { return bind(json, type, new LinkedHashMap<>()); }

  private static Object bind(Object json, Type type, Map<TypeVariable<?>, Type> variables) {
    if (type instanceof TypeVariable) {
      Type known = variables.get(type);
      return bind(json, known != null && known != type ? known : ((TypeVariable<?>) type).getBounds()[0], variables);
    }
    if (type instanceof WildcardType) return bind(json, ((WildcardType) type).getUpperBounds()[0], variables);
    if (type instanceof GenericArrayType) return array(json, ((GenericArrayType) type).getGenericComponentType(), variables);
    if (type instanceof ParameterizedType) {
      ParameterizedType full = (ParameterizedType) type;
      Class<?> raw = (Class<?>) full.getRawType();
      Map<TypeVariable<?>, Type> inner = new LinkedHashMap<>(variables);
      for (int i = 0; i < raw.getTypeParameters().length; i++) {
        Type argument = full.getActualTypeArguments()[i];
        inner.put(raw.getTypeParameters()[i], argument instanceof TypeVariable ? variables.getOrDefault(argument, argument) : argument);
      }
      return object(json, raw, full.getActualTypeArguments(), inner);
    }
    return object(json, (Class<?>) type, new Type[0], variables);
  }

  private static Object object(Object json, Class<?> type, Type[] arguments, Map<TypeVariable<?>, Type> variables) {
    if (type == Optional.class) return Optional.ofNullable(json == null ? null : bind(json, argument(arguments, 0), variables));
    if (json == null) {
      if (type.isPrimitive()) return Array.get(Array.newInstance(type, 1), 0);
      return null;
    }
    if (type == Object.class) return plain(json);
    if (type == String.class || type == CharSequence.class) {
      if (json instanceof Map || json instanceof List) throw mismatch(json, type);
      return json.toString();
    }
    if (type == byte[].class) return bytes(json);
    if (type == ByteBuffer.class) return ByteBuffer.wrap(bytes(json));
    if (type.isArray()) return array(json, type.getComponentType(), variables);
    if (Map.class.isAssignableFrom(type)) return map(json, type, arguments, variables);
    if (Collection.class.isAssignableFrom(type) || type == Iterable.class) return collection(json, type, arguments, variables);
    if (json instanceof Map) return bean((Map<?, ?>) json, type, variables);
    return simple(json, type);
  }

  private static Type argument(Type[] arguments, int place) { return place < arguments.length ? arguments[place] : Object.class; }

  private static IllegalArgumentException mismatch(Object json, Class<?> type) {
    String what = json instanceof Map ? "an object" : json instanceof List ? "an array" : json instanceof String ? "a text" : "the value " + json;
    return new IllegalArgumentException("Cannot deserialize value of type `" + type.getName() + "` from " + what);
  }

  /** For who asks for nothing in particular, numbers are as small as they can be. */
  private static Object plain(Object json) { return json instanceof BigDecimal ? (Object) ((BigDecimal) json).doubleValue() : deep(json); }

  private static Object deep(Object json) {
    if (json instanceof List) {
      List<Object> list = new ArrayList<>();
      for (Object element : (List<?>) json) list.add(plain(element));
      return list;
    }
    if (!(json instanceof Map)) return json;
    Map<String, Object> map = new LinkedHashMap<>();
    for (Map.Entry<?, ?> entry : ((Map<?, ?>) json).entrySet()) map.put((String) entry.getKey(), plain(entry.getValue()));
    return map;
  }

  private static byte[] bytes(Object json) {
    if (json instanceof String) return Base64.getDecoder().decode((String) json);
    throw mismatch(json, byte[].class);
  }

  private static Object array(Object json, Type element, Map<TypeVariable<?>, Type> variables) {
    Class<?> raw = element instanceof Class ? (Class<?>) element : (Class<?>) ((ParameterizedType) element).getRawType();
    if (!(json instanceof List)) throw mismatch(json, raw);
    List<?> list = (List<?>) json;
    Object array = Array.newInstance(raw, list.size());
    for (int i = 0; i < list.size(); i++) Array.set(array, i, bind(list.get(i), element, variables));
    return array;
  }

  @SuppressWarnings("unchecked")
  private static Object map(Object json, Class<?> type, Type[] arguments, Map<TypeVariable<?>, Type> variables) {
    if (!(json instanceof Map)) throw mismatch(json, type);
    Map<Object, Object> map = type.isInterface() || type == java.util.AbstractMap.class
        ? type.isAssignableFrom(LinkedHashMap.class) ? new LinkedHashMap<>() : new java.util.concurrent.ConcurrentSkipListMap<>()
        : (Map<Object, Object>) make(type);
    for (Map.Entry<?, ?> entry : ((Map<?, ?>) json).entrySet()) {
      map.put(bind(entry.getKey(), argument(arguments, 0), variables), bind(entry.getValue(), argument(arguments, 1), variables));
    }
    return map;
  }

  @SuppressWarnings("unchecked")
  private static Object collection(Object json, Class<?> type, Type[] arguments, Map<TypeVariable<?>, Type> variables) {
    if (!(json instanceof List)) throw mismatch(json, type);
    Collection<Object> all = !type.isInterface() ? (Collection<Object>) make(type)
        : type.isAssignableFrom(ArrayList.class) ? new ArrayList<>() : Set.class.isAssignableFrom(type) ? new LinkedHashSet<>() : new java.util.ArrayDeque<>();
    for (Object element : (List<?>) json) all.add(bind(element, argument(arguments, 0), variables));
    return all;
  }

  private static Object make(Class<?> type) {
    try {
      Constructor<?> constructor = type.getDeclaredConstructor();
      constructor.setAccessible(true);
      return constructor.newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalArgumentException("Cannot construct instance of `" + type.getName() + "`", e);
    }
  }

  /** What the class does not know is passed over. */
  private static Object bean(Map<?, ?> json, Class<?> type, Map<TypeVariable<?>, Type> variables) {
    try {
      Object[] components = Beans.components(type);
      if (components != null) return record(json, type, components, variables);
      Object bean = make(type);
      for (Map.Entry<?, ?> entry : json.entrySet()) {
        Beans.Setter setter = Beans.setter(type, (String) entry.getKey());
        if (setter != null) setter.assignment.set(bean, bind(entry.getValue(), setter.type, variables));
      }
      return bean;
    } catch (InvocationTargetException e) {
      throw new IllegalArgumentException("Cannot construct instance of `" + type.getName() + "`: " + e.getCause(), e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalArgumentException("Cannot construct instance of `" + type.getName() + "`", e);
    }
  }

  private static Object record(Map<?, ?> json, Class<?> type, Object[] components, Map<TypeVariable<?>, Type> variables)
      throws ReflectiveOperationException {
    Class<?>[] types = new Class<?>[components.length];
    Object[] values = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      Class<?> component = components[i].getClass();
      types[i] = (Class<?>) component.getMethod("getType").invoke(components[i]);
      String name = (String) component.getMethod("getName").invoke(components[i]);
      values[i] = bind(json.get(name), (Type) component.getMethod("getGenericType").invoke(components[i]), variables);
    }
    Constructor<?> constructor = type.getDeclaredConstructor(types);
    constructor.setAccessible(true);
    return constructor.newInstance(values);
  }

  private static Object simple(Object json, Class<?> type) {
    if (type == boolean.class || type == Boolean.class) {
      if (json instanceof Boolean) return json;
      if ("true".equals(json) || "false".equals(json)) return Boolean.valueOf((String) json);
      throw mismatch(json, type);
    }
    if (type.isPrimitive() || Number.class.isAssignableFrom(type) || type == Character.class) return number(json, type);
    if (type.isEnum()) {
      for (Object constant : type.getEnumConstants()) if (((Enum<?>) constant).name().equals(json)) return constant;
      throw mismatch(json, type);
    }
    if (type == Date.class) return new Date(time(json));
    return made(json, type);
  }

  /** Milliseconds; events of AWS have seconds with a fraction, too. */
  private static long time(Object json) {
    if (json instanceof BigDecimal) return ((BigDecimal) json).movePointRight(3).longValue();
    if (json instanceof Number) return ((Number) json).longValue();
    return java.time.OffsetDateTime.parse(json.toString()).toInstant().toEpochMilli();
  }

  private static Object number(Object json, Class<?> type) {
    try {
      if ((type == char.class || type == Character.class) && json instanceof String && ((String) json).length() == 1) {
        return ((String) json).charAt(0);
      }
      BigDecimal number = json instanceof Number || json instanceof String ? new BigDecimal(json.toString()) : null;
      if (number == null) throw mismatch(json, type);
      if (type == int.class || type == Integer.class) return number.toBigInteger().intValueExact();
      if (type == long.class || type == Long.class) return number.toBigInteger().longValueExact();
      if (type == short.class || type == Short.class) return number.toBigInteger().shortValueExact();
      if (type == byte.class || type == Byte.class) return number.toBigInteger().byteValueExact();
      if (type == double.class || type == Double.class) return number.doubleValue();
      if (type == float.class || type == Float.class) return number.floatValue();
      if (type == BigInteger.class) return number.toBigInteger();
      if (type == BigDecimal.class) return number;
      if (type == Number.class) return json;
    } catch (ArithmeticException | NumberFormatException e) {
      throw mismatch(json, type);
    }
    throw mismatch(json, type);
  }

  /** By what a class offers for making a value of a text or a number: `parse`, `fromString`, `valueOf`, a constructor. */
  private static Object made(Object json, Class<?> type) {
    try {
      for (Method method : type.getMethods()) {
        boolean isMaker = Modifier.isStatic(method.getModifiers()) && method.getParameterCount() == 1 && method.getReturnType() == type;
        if (!isMaker || !(json instanceof String) || !method.getParameterTypes()[0].isAssignableFrom(String.class)) continue;
        if (method.getName().equals("parse") || method.getName().equals("fromString") || method.getName().equals("valueOf")) {
          return method.invoke(null, json);
        }
      }
      for (Class<?> parameter : new Class<?>[] {String.class, Object.class, long.class, int.class, double.class}) {
        try {
          return type.getConstructor(parameter).newInstance(parameter.isPrimitive() ? number(json, parameter) : json);
        } catch (NoSuchMethodException e) {
          // The next one.
        }
      }
    } catch (InvocationTargetException e) {
      throw new IllegalArgumentException("Cannot construct instance of `" + type.getName() + "`: " + e.getCause(), e.getCause());
    } catch (ReflectiveOperationException e) {
      throw mismatch(json, type);
    }
    throw mismatch(json, type);
  }
}
