package rpctee.interop;

import com.google.protobuf.StringValue;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.samples.basic.api.DemoService;
import org.apache.dubbo.samples.basic.api.Order;

/** Answers depend on the arguments and the provider's name alone: no address, no time, no counter. */
final class RecordingDemoService implements DemoService {
  private final String name;
  private final CallReport report;

  RecordingDemoService(String name, CallReport report) {
    this.name = name;
    this.report = report;
  }

  @Override
  public String sayHello(String caller) {
    record("sayHello", caller);
    return "Hello " + caller + ", response from " + name;
  }

  @Override
  public byte[] echoBytes(byte[] bytes) {
    record("echoBytes", (Object) bytes);
    return bytes;
  }

  @Override
  public long add(int left, long right) {
    record("add", left, right);
    return left + right;
  }

  @Override
  public Order reprice(Order order, long cents) {
    record("reprice", order, cents);
    order.setCents(cents);
    return order;
  }

  @Override
  public StringValue greet(StringValue caller) {
    record("greet", caller.getValue());
    return StringValue.of("Greetings " + caller.getValue() + ", from " + name);
  }

  @Override
  public void fire(String event) {
    record("fire", event);
  }

  private void record(String method, Object... arguments) {
    RpcContext context = RpcContext.getContext();
    String tenant = context.getAttachment(Scenario.TENANT);
    String kind = tenant == null ? method : method + "@" + tenant;
    report.add(kind, context.getRemoteHost(), CallDigest.of(method, arguments));
  }
}
