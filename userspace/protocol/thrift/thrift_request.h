// The fields of one Thrift request that rules look at, decoded on demand and without the arguments.
//
// Holds views into the message, which must outlive it. One thread. What is read is bounded; where a bound or an unknown
// byte is met, the fields behind it are kUndecodable.
#pragma once

#include <array>
#include <optional>

#include "protocol/thrift/packed_message.h"

namespace rpctee::protocol::thrift {

class ThriftRequest final : public RequestView {
 public:
  // `message`: one whole request, framed in any way or unframed. Of anything else all fields are kUndecodable: replies,
  // and what a Finagle connection sends after its upgrade (another struct in front of the message).
  explicit ThriftRequest(Bytes message);

  ThriftRequest(const ThriftRequest&) = delete;
  ThriftRequest& operator=(const ThriftRequest&) = delete;

  // method: the name of the message, of a multiplexed one ("Service:method") what stands behind the first colon;
  // interface: what stands in front of it, otherwise kAbsent; every other name: the key of a THeader, of several keys
  // with one name the last. Where transforms other than zlib hide the message, the keys can be read and nothing else.
  FieldValue Field(std::string_view name) override;

  FieldValue Interface();
  FieldValue Method();
  // Request or one-way; nothing when that can't be read, or it is neither.
  std::optional<MessageKind> Kind();

 private:
  enum class View : uint8_t {
    kUnknown,  // nobody has looked yet
    kMessage,
    kKeysOnly,
    kNothing,
  };

  View Look();
  FieldValue Key(std::string_view name) const;

  Bytes message_;
  Envelope envelope_;
  View view_ = View::kUnknown;
  std::array<uint8_t, kUnpackedBytes> unpacked_;  // not set until a packed message is read
};

}  // namespace rpctee::protocol::thrift
