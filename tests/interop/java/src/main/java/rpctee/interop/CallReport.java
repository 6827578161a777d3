package rpctee.interop;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What a provider has received so far: calls by method, calls by peer address, and one sum of call digests. */
final class CallReport {
  private final String name;
  private final Path file;
  private final Map<String, Long> calls = new TreeMap<>();
  private final Map<String, Long> peers = new TreeMap<>();
  private long total;
  private long digest;
  private long written = -1;

  CallReport(String name, Path file) {
    this.name = name;
    this.file = file;
  }

  synchronized void add(String method, String peer, long callDigest) {
    calls.merge(method, 1L, Long::sum);
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
            "{\"name\":\"%s\",\"total\":%d,\"digest\":\"%016x\",\"calls\":{%s},\"peers\":{%s}}%n",
            name, total, digest, members(calls), members(peers));
    Path next = file.resolveSibling(file.getFileName() + ".next");
    try {
      Files.writeString(next, json);
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    written = total;
  }

  private static String members(Map<String, Long> counts) {
    return counts.entrySet().stream()
        .map(e -> "\"" + e.getKey() + "\":" + e.getValue())
        .collect(Collectors.joining(","));
  }
}
