// One whole request of any protocol: its fields for the rules, and what a list of requests shows of it.
//
// Holds views into the frame, which must outlive it. One thread; look-ups may parse and remember.
#pragma once

#include <string_view>
#include <variant>

#include "base/capture.h"
#include "protocol/codec.h"
#include "protocol/dubbo/dubbo_request.h"
#include "protocol/thrift/thrift_request.h"

namespace rpctee::protocol {

// "dubbo" or "thrift".
std::string_view ProtocolName(Content protocol);

struct RequestSummary {
  MessageKind kind = MessageKind::kRequest;
  uint64_t id = 0;            // Dubbo's request id, Thrift's sequence id
  uint8_t serialization = 0;  // Dubbo's id; thrift::Encoding
  // As on the wire ("$invoke" for a generic call of Dubbo); empty when they can't be read.
  std::string_view service;
  std::string_view version;  // of the service
  std::string_view method;
  std::string_view descriptor;  // of the parameters; Dubbo only
};

class Request {
 public:
  Request(Content protocol, Bytes frame);

  RequestView& fields();
  // One-way or not; a request whose kind is hidden counts as one that is answered.
  MessageKind Kind();
  RequestSummary Summary();
  // Of a Dubbo request; null when there is none.
  const dubbo::AttachmentsPlace* PlaceForMore();

 private:
  RequestSummary SummaryOf(dubbo::DubboRequest& request) const;
  RequestSummary SummaryOf(thrift::ThriftRequest& request);

  Bytes frame_;
  std::variant<std::monostate, dubbo::DubboRequest, thrift::ThriftRequest> request_;
};

}  // namespace rpctee::protocol
