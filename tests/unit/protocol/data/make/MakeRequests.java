// Writes Dubbo requests with Apache Dubbo's own encoder, one file of hexadecimal digits for each serialization and call:
// MakeRequests DIRECTORY VERSION SERIALIZATION...
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.apache.dubbo.common.URL;
import org.apache.dubbo.common.extension.ExtensionLoader;
import org.apache.dubbo.common.serialize.Cleanable;
import org.apache.dubbo.common.serialize.ObjectOutput;
import org.apache.dubbo.common.serialize.Serialization;
import org.apache.dubbo.remoting.Channel;
import org.apache.dubbo.rpc.Invoker;
import org.apache.dubbo.rpc.RpcInvocation;
import org.apache.dubbo.rpc.protocol.dubbo.DubboCodec;

@SuppressWarnings("deprecation")
public final class MakeRequests {
  static final String SERVICE = "org.example.DemoService";
  static final String WIDE = "\u4e16\u754c";
  static final String TEXT = WIDE + "-\u00e9-\ud83d\ude00";
  // What the serializations escape, each in its own way.
  static final String HARD = "\"\\/<>&='\u2028\u0001\u000b\u0000\t\n\r\b\f\u007f" + TEXT;

  public static class User implements Serializable {
    private static final long serialVersionUID = 1;
    public String name = "J\u00fcrgen";
    public int age = 41;
    public User friend = this;
    public List<String> tags = new ArrayList<>(List.of("a", "}", TEXT));
    public Map<String, Object> extra = new LinkedHashMap<>(Map.of("group", "no attachment"));
    public long[] numbers = {1, -1};
    public TimeUnit unit = TimeUnit.SECONDS;
    public Date born = new Date(86400000L * 365 + 1);
  }

  record Call(String name, String method, Class<?>[] types, Object[] arguments, Map<String, Object> attachments) {}

  static Call call(String name, String method, Map<String, Object> attachments, Object... typesAndArguments) {
    List<Class<?>> types = new ArrayList<>();
    List<Object> arguments = new ArrayList<>();
    for (int i = 0; i < typesAndArguments.length; i += 2) {
      types.add((Class<?>) typesAndArguments[i]);
      arguments.add(typesAndArguments[i + 1]);
    }
    return new Call(name, method, types.toArray(new Class<?>[0]), arguments.toArray(), attachments);
  }

  static List<Call> calls(String serialization) throws ReflectiveOperationException {
    Map<String, Object> trace = Map.of("trace-id", "abc-123");
    Map<String, Object> text = attachments("hard", HARD, "empty", "", "latin", "J\u00fcrgen", "wide", WIDE.repeat(8));
    List<Call> calls = new ArrayList<>();
    calls.add(call("no_args", "noArgs", Map.of("tag", TEXT)));
    if (serialization.equals("protobuf-json")) {
      // This one takes messages of protobuf alone.
      Class<?> type = Class.forName("com.google.protobuf.StringValue");
      calls.add(call("message", "sayHello", trace, type, type.getMethod("of", String.class).invoke(null, "world")));
      calls.add(call("hard_names", "m\u00fc" + TEXT, text));
      return calls;
    }
    calls.add(call("say_hello", "sayHello", trace, String.class, "world"));
    calls.add(call("hard_text", "m\u00fc" + TEXT, text, String.class, HARD));
    calls.add(call("generic", "$invoke", attachments("generic", "true", "group", "gray"), String.class, "updateUser",
        String[].class, new String[] {"org.example.User"}, Object[].class,
        new Object[] {new LinkedHashMap<>(Map.of("name", "group"))}));
    calls.add(call("echo", "$echo", trace, Object.class, "ok"));
    calls.add(call("typed", "typed",
        attachments("count", 15000, "big", -5000000000L, "flag", true, "small", (short) -7, "tiny", (byte) 100, "list",
            new ArrayList<>(List.of("group", 1)), "ratio", 0.5, "trace-id", "abc-123"),
        int.class, 7, Long.class, 8L));
    Object[] users = new Object[60];
    for (int i = 0; i < users.length; i += 2) {
      users[i] = User.class;
    }
    calls.add(call("long_text", "longName".repeat(40), Map.of("long", "y".repeat(300)), users));
    calls.add(call("rich", "rich", trace, User.class, new User(), List.class,
        new ArrayList<>(Arrays.asList(new User(), null, "path")), Map.class, new LinkedHashMap<>(Map.of("interface", "x")),
        byte[].class, new byte[] {(byte) 0xda, (byte) 0xbb, 10, 13}, int[].class, new int[] {1, 70000}, double.class, 2.5,
        BigDecimal.class, new BigDecimal("12.30"), boolean.class, true, String[].class, new String[] {"group", null},
        TimeUnit.class, TimeUnit.DAYS, Date.class, new Date(1), char.class, 'c'));
    if (serialization.equals("fastjson2")) {
      calls.add(call("kinds", "kinds", attachments("kinds", kinds(), "trace-id", "abc-123", "zone", "eu")));
    }
    return calls;
  }

  // In this order, unlike Map.of.
  static Map<String, Object> attachments(Object... namesAndValues) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      map.put((String) namesAndValues[i], namesAndValues[i + 1]);
    }
    return map;
  }

  static ArrayList<Object> kinds() {
    LocalDateTime time = LocalDateTime.of(2024, 2, 29, 23, 59, 58, 123456789);
    return new ArrayList<>(Arrays.asList(0.0, 1.0, 7.0, -70000.0, 1e100, 0.0f, 5f, 0.25f, (byte) -1, (short) 300, 2000, -262144,
        1 << 30, 5L, -2000L, 200000L, 1L << 31, Long.MIN_VALUE, BigInteger.TEN, BigInteger.TWO.pow(70), BigDecimal.ONE,
        new BigDecimal("12.34"), new BigDecimal(BigInteger.TWO.pow(70), 3), 'c', true, false, null, "", "x".repeat(47),
        "x".repeat(48), "x".repeat(2100), "J\u00fcrgen", WIDE.repeat(30), TEXT, new byte[5], new byte[300], new int[3], new long[20],
        new String[] {"a"}, new Object[16], Instant.ofEpochSecond(5, 6), Instant.ofEpochMilli(7), time, time.toLocalDate(),
        time.toLocalTime(), ZonedDateTime.of(time, ZoneId.of("Asia/Shanghai")), new Date(60000), new Date(61000), new Date(61001),
        UUID.fromString("01234567-89ab-cdef-0123-456789abcdef"), TimeUnit.DAYS, new User(), new User(), new LinkedHashMap<>(Map.of(1, 2)),
        new ArrayList<>(List.of(new ArrayList<>(List.of(1, 2)))), Arrays.asList(1, 2), LocalDate.MIN, LocalTime.NOON));
  }

  static byte[] frame(String name, Call call) throws IOException, ReflectiveOperationException {
    Serialization serialization = ExtensionLoader.getExtensionLoader(Serialization.class).getExtension(name);
    URL url = URL.valueOf("dubbo://127.0.0.1:20880/" + SERVICE + "?serialization=" + name);
    RpcInvocation invocation = new RpcInvocation(call.method(), SERVICE, "", call.types(), call.arguments());
    invocation.setAttachment("path", SERVICE);
    invocation.setAttachment("interface", SERVICE);
    invocation.setAttachment("version", "1.0.0");
    call.attachments().forEach(invocation::setObjectAttachment);
    invocation.setInvoker((Invoker<?>) Proxy.newProxyInstance(MakeRequests.class.getClassLoader(),
        new Class<?>[] {Invoker.class}, (proxy, method, arguments) -> method.getName().equals("getUrl") ? url : null));
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    ObjectOutput output = serialization.serialize(url, body);
    Method encode = DubboCodec.class.getDeclaredMethod(
        "encodeRequestData", Channel.class, ObjectOutput.class, Object.class, String.class);
    encode.setAccessible(true);
    encode.invoke(codec(), null, output, invocation, "2.0.2");
    output.flushBuffer();
    if (output instanceof Cleanable cleanable) {
      cleanable.cleanup();
    }
    return ByteBuffer.allocate(16 + body.size()).put(new byte[] {(byte) 0xda, (byte) 0xbb})
        .put((byte) (0xc0 | serialization.getContentTypeId())).put((byte) 0).putLong(1).putInt(body.size())
        .put(body.toByteArray()).array();
  }

  // Dubbo 3 wants to know the model that it belongs to.
  static DubboCodec codec() throws ReflectiveOperationException {
    Constructor<?> constructor = DubboCodec.class.getConstructors()[0];
    if (constructor.getParameterCount() == 0) {
      return (DubboCodec) constructor.newInstance();
    }
    return (DubboCodec) constructor.newInstance(constructor.getParameterTypes()[0].getMethod("defaultModel").invoke(null));
  }

  static String hex(byte[] bytes) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < bytes.length; ++i) {
      text.append(String.format("%02x", bytes[i])).append(i % 60 == 59 || i + 1 == bytes.length ? "\n" : "");
    }
    return text.toString();
  }

  public static void main(String[] arguments) throws Exception {
    for (String serialization : Arrays.asList(arguments).subList(2, arguments.length)) {
      for (Call call : calls(serialization)) {
        String file = serialization.replace('-', '_') + "_" + call.name() + ".hex";
        try {
          Files.writeString(Path.of(arguments[0], file), "# Apache Dubbo " + arguments[1] + ", " + serialization
              + ", written by make/MakeRequests.java\n" + hex(frame(serialization, call)));
        } catch (InvocationTargetException error) {
          throw new IllegalStateException(file, error.getCause());
        }
      }
    }
    System.exit(0);  // Dubbo leaves threads behind
  }
}
