#include "protocol/thrift/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace rpctee::protocol::thrift {
namespace {

// zlib 1.2.13 asks for its state (7 KiB) and a window (32 KiB).
constexpr size_t kArenaBytes = 48 * 1024;

// Gives out memory once and takes none back; what does not fit is refused, and zlib then gives up.
class Arena {
 public:
  static voidpf Allocate(voidpf arena, uInt items, uInt item_bytes) {
    return static_cast<Arena*>(arena)->Take(size_t{items} * item_bytes);
  }
  static void Free(voidpf, voidpf) {}

 private:
  void* Take(size_t bytes) {
    constexpr size_t kAlignment = alignof(std::max_align_t);
    const size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    if (rounded > memory_.size() - used_) {
      return nullptr;
    }
    void* const taken = memory_.data() + used_;
    used_ += rounded;
    return taken;
  }

  alignas(std::max_align_t) std::array<std::byte, kArenaBytes> memory_;
  size_t used_ = 0;
};

}  // namespace

Bytes InflatePrefix(Bytes packed, std::span<uint8_t> out) {
  Arena arena;
  z_stream stream = {};
  stream.zalloc = Arena::Allocate;
  stream.zfree = Arena::Free;
  stream.opaque = &arena;
  const Bytes input = packed.first(std::min(packed.size(), kMaxInflateInput));
  stream.next_in = const_cast<Bytef*>(input.data());  // zlib reads it only
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  if (inflateInit(&stream) != Z_OK) {
    return {};
  }
  // Whatever stops it, what was unpacked before is good: a stream that is cut or spoiled further on yields the same.
  (void)inflate(&stream, Z_SYNC_FLUSH);
  inflateEnd(&stream);
  return Bytes(out).first(out.size() - stream.avail_out);
}

}  // namespace rpctee::protocol::thrift
