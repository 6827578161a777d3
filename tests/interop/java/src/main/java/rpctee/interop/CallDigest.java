package rpctee.interop;

import java.nio.charset.StandardCharsets;

/**
 * 64-bit hash of one call: FNV-1a over the method and its arguments, then a finalizer. Sums of these hashes do not
 * depend on the order of calls, and the digest of a period is the difference of two sums.
 */
final class CallDigest {
  private static final long OFFSET = 0xcbf29ce484222325L;
  private static final long PRIME = 0x100000001b3L;

  private CallDigest() {}

  static long of(String method, Object... arguments) {
    long hash = update(OFFSET, method.getBytes(StandardCharsets.UTF_8));
    for (Object argument : arguments) {
      byte[] bytes =
          argument instanceof byte[] raw ? raw : String.valueOf(argument).getBytes(StandardCharsets.UTF_16BE);
      hash = update(hash, Integer.toString(bytes.length).getBytes(StandardCharsets.UTF_8));
      hash = update(hash, bytes);
    }
    hash = (hash ^ (hash >>> 33)) * 0xff51afd7ed558ccdL;
    hash = (hash ^ (hash >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return hash ^ (hash >>> 33);
  }

  private static long update(long hash, byte[] bytes) {
    for (byte b : bytes) {
      hash = (hash ^ (b & 0xff)) * PRIME;
    }
    return hash;
  }
}
