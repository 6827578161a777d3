#include "protocol/dubbo/reply.h"

#include <algorithm>
#include <array>
#include <optional>

#include "protocol/dubbo/serialization.h"

namespace rpctee::protocol::dubbo {
namespace {

constexpr uint8_t kException = 0;
constexpr uint8_t kExceptionWithAttachments = 3;

constexpr uint8_t kHessian2Zero = 0x90;   // 0 to 47 follow it
constexpr uint8_t kJavaBlockData = 0x77;  // TC_BLOCKDATA, behind the stream's magic and version
constexpr size_t kJavaBlockAt = 4;
constexpr size_t kJavaValueAt = 6;
constexpr size_t kJsonLengthBytes = 4;
constexpr uint8_t kJsonbInt8 = 0xbd;

struct Status {
  uint8_t status;
  std::string_view name;
};
// org.apache.dubbo.remoting.exchange.Response
constexpr Status kStatuses[] = {{20, "OK"},
                                {25, "SERIALIZATION_ERROR"},
                                {30, "CLIENT_TIMEOUT"},
                                {31, "SERVER_TIMEOUT"},
                                {35, "CHANNEL_INACTIVE"},
                                {40, "BAD_REQUEST"},
                                {50, "BAD_RESPONSE"},
                                {60, "SERVICE_NOT_FOUND"},
                                {70, "SERVICE_ERROR"},
                                {80, "SERVER_ERROR"},
                                {90, "CLIENT_ERROR"},
                                {100, "SERVER_THREADPOOL_EXHAUSTED"}};

std::optional<uint8_t> At(Bytes body, size_t index) {
  return index < body.size() ? std::optional(body[index]) : std::nullopt;
}

std::optional<uint8_t> JavaFlag(Bytes body) {
  return At(body, kJavaBlockAt) == kJavaBlockData ? At(body, kJavaValueAt) : std::nullopt;
}

// One digit on a line of its own; as Dubbo 3 has it, behind its length and with a letter for its type.
std::optional<uint8_t> JsonFlag(Bytes body) {
  const size_t at = At(body, 0) == 0 ? kJsonLengthBytes : 0;
  const auto digit = At(body, at);
  const auto behind = At(body, at + 1);
  const bool is_digit = behind == '\n' || behind == '\r' || behind == 'B';
  return is_digit && *digit >= '0' ? std::optional(static_cast<uint8_t>(*digit - '0')) : std::nullopt;
}

std::optional<uint8_t> JsonbFlag(Bytes body) {
  return At(body, kJsonLengthBytes) == kJsonbInt8 ? At(body, kJsonLengthBytes + 1) : std::nullopt;
}

std::optional<uint8_t> ResultFlag(uint8_t serialization, Bytes body) {
  switch (serialization) {
    case kSerializationHessian2:
    case kSerializationNativeHessian:
      return !body.empty() && body[0] >= kHessian2Zero ? std::optional<uint8_t>(body[0] - kHessian2Zero) : std::nullopt;
    case kSerializationJava:
    case kSerializationCompactedJava:
    case kSerializationNativeJava:
      return JavaFlag(body);
    case kSerializationFastjson:
    case kSerializationGson:
    case kSerializationProtobufJson:
      return JsonFlag(body);
    case kSerializationKryo:
    case kSerializationKryo2:
    case kSerializationFst:
    case kSerializationAvro:
    case kSerializationProtostuff:
    case kSerializationMsgpack:
      return At(body, 0);
    case kSerializationFastjson2:
      return JsonbFlag(body);
    default:
      return std::nullopt;
  }
}

}  // namespace

bool HoldsException(uint8_t serialization, Bytes body) {
  const auto flag = ResultFlag(serialization, body);
  return flag == kException || flag == kExceptionWithAttachments;
}

std::string_view StatusName(uint8_t status) {
  const auto* const found =
      std::find_if(std::begin(kStatuses), std::end(kStatuses), [&](const Status& one) { return one.status == status; });
  return found == std::end(kStatuses) ? std::string_view() : found->name;
}

}  // namespace rpctee::protocol::dubbo
