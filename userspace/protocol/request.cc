#include "protocol/request.h"

#include "protocol/dubbo/dubbo_codec.h"
#include "protocol/thrift/envelope.h"

namespace rpctee::protocol {

std::string_view ProtocolName(Content protocol) { return protocol == Content::kDubbo ? "dubbo" : "thrift"; }

Request::Request(Content protocol, Bytes frame) : frame_(frame) {
  if (protocol == Content::kDubbo) {
    request_.emplace<dubbo::DubboRequest>(frame);
  } else {
    request_.emplace<thrift::ThriftRequest>(frame);
  }
}

RequestView& Request::fields() {
  if (auto* const request = std::get_if<dubbo::DubboRequest>(&request_)) {
    return *request;
  }
  return std::get<thrift::ThriftRequest>(request_);
}

MessageKind Request::Kind() {
  if (auto* const request = std::get_if<thrift::ThriftRequest>(&request_)) {
    return request->Kind().value_or(MessageKind::kRequest);
  }
  return std::get<dubbo::DubboRequest>(request_).kind();
}

RequestSummary Request::Summary() {
  if (auto* const request = std::get_if<dubbo::DubboRequest>(&request_)) {
    return SummaryOf(*request);
  }
  return SummaryOf(std::get<thrift::ThriftRequest>(request_));
}

const dubbo::AttachmentsPlace* Request::PlaceForMore() {
  auto* const request = std::get_if<dubbo::DubboRequest>(&request_);
  return request == nullptr ? nullptr : request->PlaceForMore();
}

RequestSummary Request::SummaryOf(dubbo::DubboRequest& request) const {
  const FrameHeader header = dubbo::ParseHeader(frame_);
  return {.kind = header.kind,
          .id = header.id,
          .serialization = header.serialization,
          .service = request.Interface().value,
          .version = request.ServiceVersion().value,
          .method = request.WireMethod().value,
          .descriptor = request.Descriptor().value};
}

RequestSummary Request::SummaryOf(thrift::ThriftRequest& request) {
  const thrift::Envelope envelope = thrift::OpenEnvelope(frame_);
  const bool has_header = envelope.wrapping == thrift::Wrapping::kHeader;
  return {.kind = Kind(),
          .id = has_header ? envelope.transport.sequence_id : envelope.message.sequence_id,
          .serialization = static_cast<uint8_t>(has_header ? envelope.transport.protocol_id
                                                           : static_cast<uint32_t>(envelope.message.encoding)),
          .service = request.Interface().value,
          .version = {},
          .method = request.Method().value,
          .descriptor = {}};
}

}  // namespace rpctee::protocol
