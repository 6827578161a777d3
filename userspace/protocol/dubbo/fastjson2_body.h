// The fields of a Dubbo request body in fastjson2: objects in JSONB, each behind its length in four bytes.
//
// Steps over arguments by these lengths. The body must outlive it. One thread.
#pragma once

#include "protocol/dubbo/decoded_body.h"
#include "protocol/dubbo/jsonb.h"

namespace rpctee::protocol::dubbo {

class Fastjson2Body final : public DecodedBody {
 public:
  explicit Fastjson2Body(Bytes body) : body_(body) {}

 private:
  bool NextString(FieldValue& text) override;
  FieldValue FirstArgument() override;
  bool DecodeAttachments(size_t arguments) override;
  FieldValue DecodeValue(size_t at) override;

  bool DecodeMembers(jsonb::Reader& reader);
  // The object at `position`, which moves behind it. Nothing when it is not all there.
  std::optional<Bytes> TakeObject(size_t& position) const;
  std::optional<FieldValue> StringObject(Bytes object);
  FieldValue TextValue(const jsonb::Text& text);

  Bytes body_;
  size_t position_ = 0;  // behind the objects that were read
  Bytes attachments_;
};

}  // namespace rpctee::protocol::dubbo
