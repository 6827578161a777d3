// The fields of one Dubbo request that rules look at, decoded on demand and without building objects.
//
// Holds views into the frame, which must outlive it. One thread. What is walked is bounded; where a bound or an unknown
// byte is met, the fields behind it are kUndecodable. So is every field of a serialization without a decoder here.
#pragma once

#include <variant>

#include "protocol/codec.h"
#include "protocol/dubbo/body_decoder.h"
#include "protocol/dubbo/fastjson2_body.h"
#include "protocol/dubbo/hessian2_body.h"
#include "protocol/dubbo/java_body.h"
#include "protocol/dubbo/json_body.h"

namespace rpctee::protocol::dubbo {

class DubboRequest final : public RequestView {
 public:
  // `frame`: one whole request, header included. Of anything else all fields are kUndecodable.
  explicit DubboRequest(Bytes frame);

  DubboRequest(const DubboRequest&) = delete;
  DubboRequest& operator=(const DubboRequest&) = delete;

  // interface: the service string of the body; version: the service version (the third string); method: the method
  // string, for $invoke and $invokeAsync the real method (argument 1); group and every other name: the attachments.
  // A null string or attachment is kAbsent, an attachment that is neither text, integer nor boolean is kUndecodable.
  FieldValue Field(std::string_view name) override;

  // kRequest when it is no request at all.
  MessageKind kind() const { return kind_; }
  FieldValue Interface() { return body_->Interface(); }
  FieldValue Method() { return body_->Method(); }
  // The method as it stands on the wire: "$invoke" for a generic call.
  FieldValue WireMethod() { return body_->WireMethod(); }
  FieldValue ServiceVersion() { return body_->ServiceVersion(); }
  // The types of the parameters, as the JVM describes them: "Ljava/lang/String;I".
  FieldValue Descriptor() { return body_->Descriptor(); }
  // Where attachments can be added; null when they can't.
  const AttachmentsPlace* PlaceForMore() { return body_->PlaceForMore(); }

 private:
  void ChooseDecoder(uint8_t serialization, Bytes body);

  std::variant<UnknownBody, Hessian2Body, JavaBody, JsonBody, Fastjson2Body> decoder_;
  BodyDecoder* body_;  // in decoder_
  MessageKind kind_ = MessageKind::kRequest;
};

}  // namespace rpctee::protocol::dubbo
