#include "protocol/codec.h"

namespace rpctee::protocol {

std::string_view Name(MessageKind kind) {
  switch (kind) {
    case MessageKind::kRequest:
      return "request";
    case MessageKind::kOneway:
      return "oneway";
    case MessageKind::kHeartbeat:
      return "heartbeat";
    case MessageKind::kEvent:
      return "event";
    case MessageKind::kResponse:
      return "response";
    case MessageKind::kEventResponse:
      return "event_response";
  }
  return "unknown";
}

}  // namespace rpctee::protocol
