package rpctee.interop;

import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.samples.basic.api.DemoService;

/**
 * {@code Consumer --url dubbo://host:port --scenario NAME --calls N --threads T --connections 1 --serialization hessian2
 * --out FILE}, or {@code --scenario -} to read lines {@code NAME N T SERIALIZATION FILE} from standard input and run
 * each on a new connection. FILE gets the answers in call order; a line {@code done NAME calls=N failed=F ms=M} goes to standard output.
 */
public final class Consumer {
  private static final int TIMEOUT_MS = 60_000;

  private final String url;
  private final int connections;

  private Consumer(String url, int connections) {
    this.url = url;
    this.connections = connections;
  }

  public static void main(String[] args) throws Exception {
    Arguments arguments =
        new Arguments(
            args, "--url", "--scenario", "--calls", "--threads", "--connections", "--serialization", "--out");
    Consumer consumer = new Consumer(arguments.get("--url"), arguments.number("--connections", 1));
    String scenario = arguments.get("--scenario");
    if (!scenario.equals("-")) {
      int failed =
          consumer.run(
              scenario,
              arguments.number("--calls", 100),
              arguments.number("--threads", 1),
              arguments.get("--serialization", "hessian2"),
              arguments.get("--out"));
      System.exit(failed == 0 ? 0 : 1);
    }
    System.out.println("ready");
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] words = line.split(" ", 5);
      consumer.run(words[0], Integer.parseInt(words[1]), Integer.parseInt(words[2]), words[3], words[4]);
    }
    System.exit(0);
  }

  private int run(String name, int calls, int threads, String serialization, String out)
      throws IOException, InterruptedException {
    ReferenceConfig<DemoService> reference = reference(serialization);
    long start = System.nanoTime();
    Scenario scenario = Scenario.named(name);
    byte[][] answers = new byte[calls][];
    AtomicInteger failed = new AtomicInteger();
    DemoService service = reference.get();
    int together = scenario.endsAlone() ? calls - 1 : calls;
    callAll(scenario, service, answers, 0, together, threads, failed);
    callAll(scenario, service, answers, together, calls, 1, failed);
    long elapsedMs = (System.nanoTime() - start) / 1_000_000;
    reference.destroy();
    write(Path.of(out), answers);
    System.out.printf("done %s calls=%d failed=%d ms=%d%n", name, calls, failed.get(), elapsedMs);
    return failed.get();
  }

  private static void callAll(
      Scenario scenario, DemoService service, byte[][] answers, int from, int to, int threads, AtomicInteger failed)
      throws InterruptedException {
    AtomicInteger next = new AtomicInteger(from);
    Runnable worker =
        () -> {
          for (int i = next.getAndIncrement(); i < to; i = next.getAndIncrement()) {
            try {
              answers[i] = scenario.call(i, answers.length).invoke(service);
            } catch (RuntimeException e) {
              answers[i] = ("FAILED " + e).getBytes(StandardCharsets.UTF_8);
              failed.incrementAndGet();
            }
          }
        };
    Thread[] workers = new Thread[threads];
    for (int i = 0; i < threads; i++) {
      workers[i] = new Thread(worker, "caller-" + i);
      workers[i].start();
    }
    for (Thread thread : workers) {
      thread.join();
    }
  }

  /** Each answer is preceded by a line with its index and length, so that equal files mean equal answers. */
  private static void write(Path file, byte[][] answers) throws IOException {
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
      for (int i = 0; i < answers.length; i++) {
        out.write((i + " " + answers[i].length + "\n").getBytes(StandardCharsets.US_ASCII));
        out.write(answers[i]);
        out.write('\n');
      }
    }
  }

  private ReferenceConfig<DemoService> reference(String serialization) {
    ApplicationConfig application = new ApplicationConfig("dubbo-sample-consumer");
    application.setQosEnable(false);
    application.setRegisterConsumer(false); // else Dubbo 3 exports a metadata service on a port of its own
    MethodConfig fire = new MethodConfig();
    fire.setName("fire");
    fire.setReturn(false);
    ReferenceConfig<DemoService> reference = new ReferenceConfig<>();
    reference.setApplication(application);
    reference.setInterface(DemoService.class);
    reference.setUrl(
        String.format(
            "%s/%s?serialization=%3$s&prefer.serialization=%3$s", url, DemoService.class.getName(), serialization));
    reference.setConnections(connections);
    reference.setTimeout(TIMEOUT_MS);
    reference.setRetries(0);
    reference.setMethods(List.of(fire));
    return reference;
  }
}
