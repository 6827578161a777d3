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
  bool NextString(FieldValue& text) override;
  bool NextCount(int64_t& count) override;
  FieldValue FirstArgument() override;
  bool DecodeAttachments(size_t arguments) override;
  FieldValue DecodeValue(size_t at) override;

  bool DecodeEntry(hessian2::Reader& reader);
  void SetText(hessian2::Text text, FieldValue& value);
  FieldValue TextValue(hessian2::Text text);

  // Behind the strings that were read. In front of the body: gcc 12 reads what stands in a row here and in the reader
  // as one, and the processor then waits for a position that was just written.
  size_t position_ = 0;
  Bytes body_;
};

}  // namespace rpctee::protocol::dubbo
