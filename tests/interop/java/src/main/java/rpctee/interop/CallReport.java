package rpctee.interop;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What a provider has received so far: calls by kind with the sum of their digests, and calls by peer address. The kind
 * of a call is its method, with the tenant that called if the call names one: {@code sayHello@gray}.
 */
final class CallReport {
  private final String name;
  private final Path file;
  private final Map<String, Tally> kinds = new TreeMap<>();
  private final Map<String, Long> peers = new TreeMap<>();
  private long total;
  private long digest;
  private long written = -1;

  CallReport(String name, Path file) {
    this.name = name;
    this.file = file;
  }

  private static final class Tally {
    long calls;
    long digest;
  }

  synchronized void add(String kind, String peer, long callDigest) {
    Tally tally = kinds.computeIfAbsent(kind, key -> new Tally());
    tally.calls++;
    tally.digest += callDigest;
    peers.merge(peer, 1L, Long::sum);
    total++;
    digest += callDigest;
  }

  /** Replaces the file as a whole, so that a reader never sees half a report; does nothing when nothing is new. */
  synchronized void write() {
    if (written == total) {
      return;
    }
    String json =
        String.format(
            "{\"name\":\"%s\",\"total\":%d,\"digest\":\"%016x\",\"kinds\":{%s},\"peers\":{%s}}%n",
            name, total, digest, members(kinds, CallReport::text), members(peers, String::valueOf));
    Path next = file.resolveSibling(file.getFileName() + ".next");
    try {
      Files.writeString(next, json);
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    written = total;
  }

  private static String text(Tally tally) {
    return String.format("{\"calls\":%d,\"digest\":\"%016x\"}", tally.calls, tally.digest);
  }

  private static <T> String members(Map<String, T> values, Function<T, String> text) {
    return values.entrySet().stream()
        .map(e -> "\"" + e.getKey() + "\":" + text.apply(e.getValue()))
        .collect(Collectors.joining(","));
  }
}
