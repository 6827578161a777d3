package rpctee.interop;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Command line of the form {@code --name value}; an unknown or missing name ends the program with a message. */
final class Arguments {
  private final Map<String, String> values = new HashMap<>();

  Arguments(String[] args, String... known) {
    for (int i = 0; i < args.length; i += 2) {
      if (!List.of(known).contains(args[i]) || i + 1 == args.length) {
        throw new IllegalArgumentException(
            "expected " + String.join(" ", known) + ", each with a value; got: " + args[i]);
      }
      values.put(args[i], args[i + 1]);
    }
  }

  String get(String name) {
    String value = values.get(name);
    if (value == null) {
      throw new IllegalArgumentException(name + " is missing");
    }
    return value;
  }

  String get(String name, String otherwise) {
    return values.getOrDefault(name, otherwise);
  }

  int number(String name, int otherwise) {
    return values.containsKey(name) ? Integer.parseInt(values.get(name)) : otherwise;
  }
}
