package rpctee.interop;

import com.google.protobuf.StringValue;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.samples.basic.api.DemoService;
import org.apache.dubbo.samples.basic.api.Order;

/** The calls of a scenario, by index. Each yields the bytes of its answer, the same in every run. */
final class Scenario {
  /** One remote call; the bytes are the answer as the consumer saw it. */
  interface Call {
    byte[] invoke(DemoService service);
  }

  /** The attachment that tells who calls, in the scenario "tenants". */
  static final String TENANT = "tenant";

  private static final String[] TENANTS = {"gray", "blue", null, "grün-世界"};

  private static final int[] SIZES = {
    0, 1, 100, 1024, 15 << 10, 16 << 10, 17 << 10, 64 << 10, 100 << 10, 500 << 10
  };

  /** From this size on a byte[] is also sent filled with whole Dubbo requests, which must not be taken for frames. */
  private static final int DECOY_FROM_BYTES = 1024;

  private final List<Call> cycle;
  private final Call last;

  private Scenario(List<Call> cycle, Call last) {
    this.cycle = cycle;
    this.last = last;
  }

  static Scenario named(String name) {
    switch (name) {
      case "calls":
        return new Scenario(List.of(), null);
      case "sizes":
        return new Scenario(sizes(), null);
      case "oneway":
        return new Scenario(List.of(), hello("the last one, two-way"));
      case "threads50":
        return new Scenario(mixed(), null);
      case "tenants":
        return new Scenario(ofTenants(mixed()), null);
      case "messages":
        return new Scenario(ofTenants(messages()), null);
      default:
        throw new IllegalArgumentException(
            "scenario is calls, sizes, oneway, threads50, tenants or messages, not " + name);
    }
  }

  /** Call number index of count; the last one of a scenario runs after all others have returned. */
  Call call(int index, int count) {
    if (!cycle.isEmpty()) {
      return cycle.get(index % cycle.size());
    }
    if (last == null) {
      return hello("caller " + index);
    }
    return index == count - 1 ? last : fire("event " + index);
  }

  boolean endsAlone() {
    return last != null;
  }

  private static List<Call> sizes() {
    List<Call> calls = new ArrayList<>();
    for (int size : SIZES) {
      calls.add(hello("x".repeat(size)));
      calls.add(hello(multiByteText(size)));
      calls.add(echo(randomBytes(size)));
      if (size >= DECOY_FROM_BYTES) {
        calls.add(echo(dubboRequests(size)));
      }
    }
    calls.addAll(objectsAndNumbers());
    return calls;
  }

  private static List<Call> mixed() {
    List<Call> calls = new ArrayList<>(objectsAndNumbers());
    for (int size : new int[] {0, 10, 100, 700, 1500, 4096, 20_000}) {
      calls.add(hello("y".repeat(size)));
      calls.add(echo(dubboRequests(size)));
    }
    return calls;
  }

  /** Each call from each tenant; the third of them gives no name. */
  private static List<Call> ofTenants(List<Call> calls) {
    List<Call> all = new ArrayList<>();
    for (Call call : calls) {
      for (String tenant : TENANTS) {
        all.add(
            service -> {
              if (tenant == null) {
                RpcContext.getContext().removeAttachment(TENANT);
              } else {
                RpcContext.getContext().setAttachment(TENANT, tenant);
              }
              return call.invoke(service);
            });
      }
    }
    return all;
  }

  private static List<Call> objectsAndNumbers() {
    Order order = new Order();
    order.setId("order-世界");
    order.setQuantity(-7);
    order.setCents(Long.MIN_VALUE);
    order.setTags(List.of("", "a", "b".repeat(2000)));
    order.setNotes(Map.of("k", "v", "é", "😀"));
    return List.of(
        service -> text(service.add(Integer.MIN_VALUE, Long.MAX_VALUE)),
        service -> text(service.add(0, -1)),
        service -> text(service.reprice(order, 1234567890123L)),
        service -> text(service.reprice(new Order(), 0)));
  }

  private static List<Call> messages() {
    List<Call> calls = new ArrayList<>();
    for (int size : new int[] {0, 10, 1500, 20_000}) {
      calls.add(service -> text(service.greet(StringValue.of(multiByteText(size))).getValue()));
    }
    return calls;
  }

  private static Call hello(String argument) {
    return service -> text(service.sayHello(argument));
  }

  private static Call echo(byte[] argument) {
    return service -> service.echoBytes(argument);
  }

  private static Call fire(String event) {
    return service -> {
      service.fire(event);
      return new byte[0];
    };
  }

  private static byte[] text(Object answer) {
    return String.valueOf(answer).getBytes(StandardCharsets.UTF_8);
  }

  /** About this many bytes on the wire, of characters that take one, two, three and six of them in Hessian2. */
  private static String multiByteText(int bytes) {
    String unit = "世界é😀";
    int unitBytes = 14;
    return unit.repeat(bytes / unitBytes) + "z".repeat(bytes % unitBytes);
  }

  private static byte[] randomBytes(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  private static byte[] dubboRequests(int size) {
    byte[] body = "\u00052.0.2\u0001x\u00050.0.0\u0001m\u0000HZ".getBytes(StandardCharsets.ISO_8859_1);
    byte[] frame = Arrays.copyOf(new byte[] {(byte) 0xda, (byte) 0xbb, (byte) 0xc2, 0}, 16 + body.length);
    frame[11] = 1;
    frame[15] = (byte) body.length;
    System.arraycopy(body, 0, frame, 16, body.length);
    byte[] bytes = new byte[size];
    for (int i = 0; i < size; i++) {
      bytes[i] = frame[i % frame.length];
    }
    return bytes;
  }
}
