package rpctee.interop;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.samples.basic.api.DemoService;

/**
 * {@code Provider --listen host:port --name v1 --report FILE}: exports DemoService without any registry, prints
 * {@code ready} and keeps FILE up to date until it is terminated.
 */
public final class Provider {
  private static final int REPORT_INTERVAL_MS = 50;
  private static final int WORKER_THREADS = 16;

  /** Dubbo's default queue is empty and refuses calls when all threads are busy, which one-way bursts reach. */
  private static final int QUEUED_CALLS = 200_000;

  /** What the consumers of the tests write; Dubbo 3 refuses what the provider does not name. */
  private static final String SERIALIZATIONS =
      "hessian2,fastjson2,fastjson,gson,java,compactedjava,nativejava,native-hessian,kryo,kryo2,fst,protostuff,avro,"
          + "msgpack,protobuf,protobuf-json";

  private Provider() {}

  public static void main(String[] args) throws InterruptedException {
    Arguments arguments = new Arguments(args, "--listen", "--name", "--report");
    String listen = arguments.get("--listen");
    CallReport report = new CallReport(arguments.get("--name"), Path.of(arguments.get("--report")));
    int colon = listen.lastIndexOf(':');
    export(
        listen.substring(0, colon),
        Integer.parseInt(listen.substring(colon + 1)),
        new RecordingDemoService(arguments.get("--name"), report));
    Runtime.getRuntime().addShutdownHook(new Thread(report::write));
    report.write();
    System.out.println("ready " + listen);
    CountDownLatch never = new CountDownLatch(1);
    while (!never.await(REPORT_INTERVAL_MS, TimeUnit.MILLISECONDS)) {
      report.write();
    }
  }

  private static void export(String host, int port, DemoService service) {
    ApplicationConfig application = new ApplicationConfig("dubbo-sample-provider");
    application.setQosEnable(false);
    application.setRegisterConsumer(false); // else Dubbo 3 exports a metadata service on a port of its own
    ProtocolConfig protocol = new ProtocolConfig("dubbo", port);
    protocol.setHost(host);
    protocol.setSerialization("hessian2");
    protocol.setThreads(WORKER_THREADS);
    protocol.setQueues(QUEUED_CALLS);
    ServiceConfig<DemoService> config = new ServiceConfig<>();
    config.setApplication(application);
    config.setRegistry(new RegistryConfig(RegistryConfig.NO_AVAILABLE));
    config.setProtocol(protocol);
    config.setInterface(DemoService.class);
    config.setRef(service);
    config.setParameters(Map.of("prefer.serialization", SERIALIZATIONS));
    config.export();
  }
}
