// The fields of a Dubbo request body in Hessian2: five strings, the arguments, a map of attachments.
//
// Reads the strings when a field is first asked for, and walks the arguments only when an attachment is. Holds views
// into the body, which must outlive it; allocates only for text that is not in one piece. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <forward_list>
#include <memory_resource>
#include <optional>
#include <string>
#include <vector>

#include "protocol/dubbo/body_decoder.h"
#include "protocol/dubbo/hessian2.h"

namespace rpctee::protocol::dubbo {

class Hessian2Body final : public BodyDecoder {
 public:
  static constexpr size_t kMaxAttachments = 1024;
  // All text of one request that must be joined or converted.
  static constexpr size_t kMaxOwnedBytes = 64 * 1024;

  explicit Hessian2Body(Bytes body) : body_(body) {}

  FieldValue Interface() override { return Prefix(kInterface); }
  FieldValue ServiceVersion() override { return Prefix(kServiceVersion); }
  FieldValue Method() override;
  FieldValue WireMethod() override { return Prefix(kMethod); }
  FieldValue Attachment(std::string_view name) override;

 private:
  enum PrefixString : size_t { kDubboVersion, kInterface, kServiceVersion, kMethod, kDescriptor, kPrefixStrings };

  struct Entry {
    std::string_view key;
    size_t value_at;
    std::optional<FieldValue> value;  // once somebody asked for it
  };
  static constexpr size_t kInlineEntries = 24;

  FieldValue Prefix(PrefixString which);
  void DecodePrefix();
  void DecodeRealMethod();
  bool DecodeAttachments();
  bool DecodeEntry(hessian2::Reader& reader);
  FieldValue DecodeValue(size_t at);
  FieldValue TextValue(const hessian2::Text& text);
  FieldValue Own(std::optional<std::string> text);

  Bytes body_;

  bool prefix_done_ = false;
  std::array<FieldValue, kPrefixStrings> prefix_ = {};
  FieldValue real_method_;
  size_t arguments_at_ = 0;
  std::optional<size_t> argument_count_;  // empty: what stands behind the descriptor can't be read

  bool attachments_done_ = false;
  bool attachments_ok_ = false;
  std::array<std::byte, kInlineEntries * sizeof(Entry)> inline_entries_;
  std::pmr::monotonic_buffer_resource entry_memory_{inline_entries_.data(), inline_entries_.size()};
  std::pmr::vector<Entry> entries_{&entry_memory_};

  std::forward_list<std::string> owned_;
  size_t owned_bytes_ = 0;
};

}  // namespace rpctee::protocol::dubbo
