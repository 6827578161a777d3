// Where further attachments can be put into a body, as the decoder of its serialization found it.
//
// Plain values; positions count from the first byte of the body. Any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "protocol/additions.h"

namespace rpctee::protocol::dubbo {

// A number of four bytes, big endian, in front of the place.
struct GrowingNumber {
  enum class Counts : uint8_t { kBytes, kEntries };
  size_t at = 0;
  Counts counts = Counts::kBytes;
};

struct AttachmentsPlace {
  AttachmentStyle style = AttachmentStyle::kHessian2;
  size_t at = 0;                 // the new entries go in front of this byte
  size_t replaced = 0;           // bytes from there on that go: a null
  std::string_view before = {};  // in front of the new entries and behind them, where it takes more than these
  std::string_view after = {};
  std::optional<GrowingNumber> number = std::nullopt;
  // The real decoder refuses a map that has a key twice; of others the later value counts.
  bool keys_must_be_new = false;
};

}  // namespace rpctee::protocol::dubbo
