// What the decoders of all serializations have in common. Every body is five strings (Dubbo's version, interface,
// version of the service, method, descriptor of the parameters), then the arguments, then a map of attachments.
//
// Decides what is read when, and keeps what was read; a subclass knows the bytes. Holds views into the body, which must
// outlive it; allocates only for text that does not stand in the body as UTF-8 in one piece. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <forward_list>
#include <memory_resource>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_reader.h"
#include "protocol/dubbo/body_decoder.h"
#include "protocol/dubbo/wire_text.h"

namespace rpctee::protocol::dubbo {

class DecodedBody : public BodyDecoder {
 public:
  static constexpr size_t kMaxAttachments = 1024;
  // All text of one request that must be joined or converted.
  static constexpr size_t kMaxOwnedBytes = 64 * 1024;

  FieldValue Interface() final { return Prefix(kInterface); }
  FieldValue ServiceVersion() final { return Prefix(kServiceVersion); }
  FieldValue Method() final;
  FieldValue WireMethod() final { return Prefix(kMethod); }
  FieldValue Descriptor() final { return Prefix(kDescriptor); }
  FieldValue Attachment(std::string_view name) final;
  const AttachmentsPlace* PlaceForMore() final;

 protected:
  // The next of the five strings, from the start of the body on. False when it can't be stepped over, and then
  // nothing is changed; kUndecodable when only its text can't be had.
  virtual bool NextString(FieldValue& text) = 0;
  // dubbox writes a number of arguments behind the method: -1 in front of a descriptor, another instead of it.
  // False when no number stands there, and then nothing is changed.
  virtual bool NextCount(int64_t& /*count*/) { return false; }
  // The first argument, if it is a string. Called once, behind the strings.
  virtual FieldValue FirstArgument() { return kUndecodable; }
  // Steps over this many arguments and calls AddAttachment for each attachment. False when the map, or something in
  // front of it, can't be read. Called once, behind the strings.
  virtual bool DecodeAttachments(size_t arguments) = 0;
  // To be called by DecodeAttachments where it finds the place, the map being whole.
  void SetPlaceForMore(const AttachmentsPlace& place) { place_ = place; }
  // The value of an attachment that was added without one.
  virtual FieldValue DecodeValue(size_t /*at*/) { return kUndecodable; }

  // False when it is too many, or the key is no text. The value stands at `value_at`, unless it is known.
  bool AddAttachment(const FieldValue& key, size_t value_at, const std::optional<FieldValue>& value = std::nullopt) {
    Entry* const added = key.status == FieldValue::Status::kPresent ? AddEntry(key.value, value_at) : nullptr;
    if (added != nullptr && value) {
      added->value = value;
    }
    return added != nullptr;
  }
  // Hands out the bytes themselves where they are UTF-8, else a copy.
  FieldValue Text(Encoding encoding, std::string_view bytes);
  // Text that had to be made; kUndecodable when there is none, or too much of it.
  FieldValue Own(std::optional<std::string> text);
  size_t OwnedBytesLeft() const { return kMaxOwnedBytes - owned_bytes_; }

 private:
  enum PrefixString : size_t { kDubboVersion, kInterface, kServiceVersion, kMethod, kDescriptor, kPrefixStrings };

  struct Entry {
    Entry(std::string_view name, size_t at) : key(name), value_at(at) {}
    std::string_view key;
    size_t value_at;
    std::optional<FieldValue> value;  // once somebody asked for it
  };
  static constexpr size_t kInlineEntries = 24;

  FieldValue Prefix(PrefixString which);
  void DecodePrefix();
  void DecodeStrings();
  FieldValue RealMethod();
  void FindAttachments();
  Entry* AddEntry(std::string_view key, size_t value_at);

  bool prefix_done_ = false;
  std::array<FieldValue, kPrefixStrings> prefix_ = {};
  FieldValue real_method_;
  std::optional<size_t> argument_count_;  // empty: what stands behind the strings can't be read

  bool attachments_done_ = false;
  bool attachments_ok_ = false;
  std::optional<AttachmentsPlace> place_;
  // Aligned, or the last entry has no room in it and all of them go to the heap.
  alignas(Entry) std::array<std::byte, kInlineEntries * sizeof(Entry)> inline_entries_;
  std::pmr::monotonic_buffer_resource entry_memory_{inline_entries_.data(), inline_entries_.size()};
  std::pmr::vector<Entry> entries_{&entry_memory_};

  std::forward_list<std::string> owned_;
  size_t owned_bytes_ = 0;
};

}  // namespace rpctee::protocol::dubbo
