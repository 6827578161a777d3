// Decodes requests, and what rpctee made of them, with Apache Dubbo's own decoders, and says of each whether all stayed as
// it was and the added attachment is there: ReadEdited ORIGINALS EDITED PROFILE...
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.dubbo.common.URL;
import org.apache.dubbo.common.serialize.ObjectInput;
import org.apache.dubbo.common.utils.ReflectUtils;
import org.apache.dubbo.remoting.transport.CodecSupport;

public final class ReadEdited {
  record Request(List<String> strings, Object[] arguments, Map<String, Object> attachments) {}

  static byte[] frame(Path file) throws Exception {
    return HexFormat.of().parseHex(Files.readAllLines(file).stream().filter(line -> !line.startsWith("#"))
        .collect(Collectors.joining()));
  }

  // The steps of DecodeableRpcInvocation.
  static Request read(byte[] frame) throws Exception {
    ObjectInput input = CodecSupport.getSerializationById((byte) (frame[2] & 0x1f)).deserialize(
        URL.valueOf("dubbo://127.0.0.1:20880/x"), new ByteArrayInputStream(frame, 16, frame.length - 16));
    List<String> strings = new ArrayList<>();
    for (int i = 0; i < 5; ++i) {
      strings.add(input.readUTF());
    }
    Class<?>[] types = ReflectUtils.desc2classArray(strings.get(4));
    Object[] arguments = new Object[types.length];
    for (int i = 0; i < types.length; ++i) {
      arguments[i] = input.readObject(types[i]);
    }
    return new Request(strings, arguments, input.readAttachments());
  }

  static byte[] bytes(Object value) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    new ObjectOutputStream(bytes).writeObject(value);
    return bytes.toByteArray();
  }

  static long hash(byte[] bytes) {
    long hash = 0xcbf29ce484222325L;
    for (byte one : bytes) {
      hash = (hash ^ (one & 0xff)) * 0x100000001b3L;
    }
    return hash;
  }

  static String verdict(byte[] original, byte[] edited, String key, String value) {
    try {
      Request before = read(original);
      Request after = read(edited);
      Map<String, String> expected = new TreeMap<>();
      before.attachments().forEach((name, one) -> expected.put(name, String.valueOf(one)));
      expected.put(key, value);
      Map<String, String> got = new TreeMap<>();
      after.attachments().forEach((name, one) -> got.put(name, String.valueOf(one)));
      boolean same = before.strings().equals(after.strings()) && expected.equals(got)
          && Arrays.equals(bytes(before.arguments()), bytes(after.arguments()));
      return same ? "same" : "different: " + got;
    } catch (Throwable error) {
      return "fails: " + error;
    }
  }

  public static void main(String[] arguments) throws Exception {
    for (String profile : Arrays.asList(arguments).subList(2, arguments.length)) {
      try (Stream<Path> files = Files.list(Path.of(arguments[1], profile))) {
        for (Path file : files.sorted().toList()) {
          // NAME.mark.hex and NAME.again.hex
          String[] parts = file.getFileName().toString().split("\\.");
          byte[] original = frame(Path.of(arguments[0], profile, parts[0] + ".hex"));
          byte[] edited = frame(file);
          boolean mark = parts[1].equals("mark");
          System.out.printf("%s/%s %s %016x %s%n", profile, parts[0], parts[1], hash(edited),
              verdict(original, edited, mark ? "rpctee-mirror" : "path", mark ? "node-1" : "other"));
        }
      }
    }
    System.exit(0);  // Dubbo leaves threads behind
  }
}
