#include "protocol/dubbo/dubbo_request.h"

#include <algorithm>

#include "protocol/dubbo/dubbo_codec.h"
#include "protocol/dubbo/serialization.h"
#include "protocol/text_match.h"

namespace rpctee::protocol::dubbo {

DubboRequest::DubboRequest(Bytes frame) : body_(std::get_if<UnknownBody>(&decoder_)) {
  const FrameHeader header = ParseHeader(frame);
  const bool is_request = header.kind == MessageKind::kRequest || header.kind == MessageKind::kOneway;
  if (header.status != FrameStatus::kFrame || !is_request) {
    return;
  }
  kind_ = header.kind;
  const auto frame_bytes = static_cast<size_t>(std::min<uint64_t>(header.frame_bytes, frame.size()));
  ChooseDecoder(header.serialization, frame.subspan(kHeaderBytes, frame_bytes - kHeaderBytes));
}

void DubboRequest::ChooseDecoder(uint8_t serialization, Bytes body) {
  switch (serialization) {
    case kSerializationHessian2:
    case kSerializationNativeHessian:
      body_ = &decoder_.emplace<Hessian2Body>(body);
      break;
    case kSerializationJava:
      body_ = &decoder_.emplace<JavaBody>(body, JavaBody::Form::kMarked);
      break;
    case kSerializationCompactedJava:
      body_ = &decoder_.emplace<JavaBody>(body, JavaBody::Form::kCompacted);
      break;
    case kSerializationNativeJava:
      body_ = &decoder_.emplace<JavaBody>(body, JavaBody::Form::kNative);
      break;
    case kSerializationFastjson:
    case kSerializationGson:
      body_ = &decoder_.emplace<JsonBody>(body, JsonBody::Layout::kBare, serialization == kSerializationGson);
      break;
    case kSerializationProtobufJson:
      body_ = &decoder_.emplace<JsonBody>(body, JsonBody::Layout::kInMessage, /*keys_must_be_new=*/false);
      break;
    case kSerializationFastjson2:
      body_ = &decoder_.emplace<Fastjson2Body>(body);
      break;
    default:
      break;
  }
}

FieldValue DubboRequest::Field(std::string_view name) {
  if (EqualsIgnoringCase(name, "interface")) {
    return body_->Interface();
  }
  if (EqualsIgnoringCase(name, "method")) {
    return body_->Method();
  }
  if (EqualsIgnoringCase(name, "version")) {
    return body_->ServiceVersion();
  }
  return body_->Attachment(name);
}

}  // namespace rpctee::protocol::dubbo
