// Attachments that copies get, written once in each of the ways in which requests hold them.
//
// Immutable once made; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/byte_reader.h"
#include "base/result.h"

namespace rpctee::protocol {

struct Attachment {
  std::string key;
  std::string value;

  bool operator==(const Attachment&) const = default;
};

// How a key and its value stand in a map.
enum class AttachmentStyle : uint8_t {
  kHessian2,    // two strings
  kJson,        // members, with a comma between
  kJsonb,       // two strings
  kJava,        // two strings, as objects of a stream
  kThriftInfo,  // two strings behind their lengths, as a THeader has them
  kCount,
};

class Additions {
 public:
  static constexpr size_t kMaxEntries = 64;
  static constexpr size_t kMaxTextBytes = 4096;  // of one key or value

  Additions() = default;
  // Of two entries with one key the later counts. Fails when a key is empty, and when text is too long, not UTF-8, or
  // has control characters.
  static Result<Additions> Make(const std::vector<Attachment>& attachments);
  // Why this can be no key or no value; empty when it can.
  static std::string CheckKey(std::string_view key);
  static std::string CheckValue(std::string_view value);

  bool empty() const { return attachments_.empty(); }
  std::span<const Attachment> attachments() const { return attachments_; }
  // All entries, one after another. Valid as long as this is.
  Bytes Written(AttachmentStyle style) const { return written_[static_cast<size_t>(style)]; }

 private:
  std::vector<Attachment> attachments_;
  std::array<std::vector<uint8_t>, static_cast<size_t>(AttachmentStyle::kCount)> written_;
};

}  // namespace rpctee::protocol
