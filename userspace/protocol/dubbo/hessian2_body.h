// The fields of a Dubbo request body in Hessian2, whether Dubbo's own (hessian-lite) or Caucho's wrote it.
//
// Steps over the arguments only when somebody asks for an attachment. The body must outlive it. One thread.
#pragma once

#include "protocol/dubbo/decoded_body.h"
#include "protocol/dubbo/hessian2.h"

namespace rpctee::protocol::dubbo {

class Hessian2Body final : public DecodedBody {
 public:
  explicit Hessian2Body(Bytes body) : body_(body) {}

 private:
  std::optional<FieldValue> NextString() override;
  std::optional<int64_t> NextCount() override;
  FieldValue FirstArgument() override;
  bool DecodeAttachments(size_t arguments) override;
  FieldValue DecodeValue(size_t at) override;

  bool DecodeEntry(hessian2::Reader& reader);
  FieldValue TextValue(const hessian2::Text& text);

  Bytes body_;
  size_t position_ = 0;  // behind the strings that were read
};

}  // namespace rpctee::protocol::dubbo
