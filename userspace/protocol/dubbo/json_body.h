// The fields of a Dubbo request body in JSON, one value a line: fastjson, gson, and protobuf's JSON.
//
// Steps over arguments by their line ends: text in JSON has none inside. The body must outlive it. One thread.
#pragma once

#include "protocol/dubbo/decoded_body.h"
#include "protocol/dubbo/json.h"

namespace rpctee::protocol::dubbo {

class JsonBody final : public DecodedBody {
 public:
  // Where the attachments are in the last line: they are its members, or those of its one member "attachments".
  enum class Layout : uint8_t { kBare, kInMessage };

  JsonBody(Bytes body, Layout layout) : body_(AsText(body)), layout_(layout) {}

 private:
  std::optional<FieldValue> NextString() override;
  std::optional<int64_t> NextCount() override;
  FieldValue FirstArgument() override;
  bool DecodeAttachments(size_t arguments) override;
  FieldValue DecodeValue(size_t at) override;

  // The line that begins at `position`, which moves behind it. Nothing when it has no end.
  std::optional<std::string_view> TakeLine(size_t& position) const;
  std::optional<FieldValue> StringLine(std::string_view line);
  FieldValue StringValue(std::string_view quoted);
  bool DecodeMembers(json::Reader& reader);

  std::string_view body_;
  Layout layout_;
  size_t position_ = 0;  // behind the lines that were read
};

}  // namespace rpctee::protocol::dubbo
