// The fields of one Dubbo request that rules look at, decoded on demand from a Hessian2 body without building objects.
//
// Holds views into the frame, which must outlive it. One thread. Depth, items and text of what is walked are bounded;
// where a bound or an unknown byte is met, the fields behind it are kUndecodable.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "protocol/codec.h"

namespace rpctee::protocol::dubbo {

class DubboRequest final : public RequestView {
 public:
  // `frame`: one whole request, header included.
  explicit DubboRequest(Bytes frame);

  // interface: the service string of the body; version: the service version (the second string); method: the method
  // string, for $invoke and $invokeAsync the real method (argument 1); group and every other name: the attachments.
  FieldValue Field(std::string_view name) override;

  FieldValue Interface() { return Field("interface"); }
  FieldValue Method() { return Field("method"); }
  // The method as it stands on the wire: "$invoke" for a generic call.
  FieldValue WireMethod();

 private:
  struct Attachment {
    std::string_view key;
    std::string_view value;
    bool is_text;
  };
  void DecodePrefix();
  void DecodeAttachments();
  FieldValue AttachmentField(std::string_view name);
  // Text that stands in one piece in the frame is viewed there; chunked text is joined into owned storage.
  std::string_view Keep(std::string text);

  Bytes frame_;
  bool prefix_done_ = false;
  bool prefix_ok_ = false;
  std::string_view interface_;
  std::string_view version_;
  std::string_view wire_method_;
  std::string_view method_;
  std::string_view descriptor_;
  size_t arguments_at_ = 0;
  bool attachments_done_ = false;
  bool attachments_ok_ = false;
  std::vector<Attachment> attachments_;
  std::deque<std::string> owned_;
};

}  // namespace rpctee::protocol::dubbo
