// The fields of a Dubbo request body in JSON: fastjson, gson, and protobuf's JSON.
//
// Steps over arguments by their line ends, as text in JSON has none inside; or by their lengths, which Dubbo 3 writes
// in front of each value instead. The body must outlive it. One thread.
#pragma once

#include "protocol/dubbo/decoded_body.h"
#include "protocol/dubbo/json.h"

namespace rpctee::protocol::dubbo {

class JsonBody final : public DecodedBody {
 public:
  // Where the attachments are in the last value: they are its members, or those of its one member "attachments".
  enum class Layout : uint8_t { kBare, kInMessage };

  // A length of less than 16 MiB begins with a byte that begins no JSON. `keys_must_be_new`: whether the decoder of
  // these bytes refuses a map that has a key twice.
  JsonBody(Bytes body, Layout layout, bool keys_must_be_new)
      : body_(AsText(body)),
        layout_(layout),
        has_lengths_(!body.empty() && body.front() == 0),
        keys_must_be_new_(keys_must_be_new) {}

 private:
  bool NextString(FieldValue& text) override;
  bool NextCount(int64_t& count) override;
  FieldValue FirstArgument() override;
  bool DecodeAttachments(size_t arguments) override;
  FieldValue DecodeValue(size_t at) override;

  // The value that begins at `position`, which moves behind it. Nothing when it has no end.
  std::optional<std::string_view> TakeValue(size_t& position) const;
  std::optional<std::string_view> TakeLine(size_t& position) const;
  std::optional<std::string_view> TakeMeasured(size_t& position) const;
  std::optional<FieldValue> WholeString(std::string_view value);
  FieldValue StringValue(std::string_view quoted);
  // The value of the attachments begins there.
  AttachmentsPlace PlaceInValue(size_t begin) const;
  bool DecodeNoAttachments(json::Reader& reader, size_t begin);
  bool DecodeMessage(json::Reader& reader, AttachmentsPlace& place);
  bool DecodeMembers(json::Reader& reader, AttachmentsPlace& place);

  std::string_view body_;
  Layout layout_;
  bool has_lengths_;
  bool keys_must_be_new_;
  size_t position_ = 0;  // behind the values that were read
};

}  // namespace rpctee::protocol::dubbo
