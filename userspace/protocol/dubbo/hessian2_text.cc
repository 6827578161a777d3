#include "protocol/dubbo/hessian2_text.h"

#include "protocol/dubbo/hessian2.h"
#include "protocol/dubbo/wire_text.h"

namespace rpctee::protocol::dubbo::hessian2 {

std::optional<std::string> DecodeText(Bytes message, size_t at, size_t max_bytes) {
  Reader reader(message, at);
  std::string joined;
  TextChunk chunk;
  do {
    chunk = reader.StringChunk();
    if (reader.failed() || chunk.bytes.size() > max_bytes - joined.size()) {
      return std::nullopt;
    }
    joined += chunk.bytes;
  } while (!chunk.is_last);
  return IsPlain(Encoding::kCesu8, joined) ? std::optional(std::move(joined))
                                           : ToUtf8(Encoding::kCesu8, joined, max_bytes);
}

}  // namespace rpctee::protocol::dubbo::hessian2
