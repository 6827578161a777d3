// What the decoder of one serialization answers about the body of a Dubbo request.
//
// One implementation for each serialization id that can be read. One thread; look-ups may parse and remember.
#pragma once

#include <string_view>

#include "protocol/codec.h"
#include "protocol/dubbo/attachments_place.h"

namespace rpctee::protocol::dubbo {

class BodyDecoder {
 public:
  BodyDecoder() = default;
  BodyDecoder(const BodyDecoder&) = delete;
  BodyDecoder& operator=(const BodyDecoder&) = delete;
  virtual ~BodyDecoder() = default;

  virtual FieldValue Interface() = 0;
  // The version of the service, not of Dubbo.
  virtual FieldValue ServiceVersion() = 0;
  // For a generic call the method that it names.
  virtual FieldValue Method() = 0;
  virtual FieldValue WireMethod() = 0;
  // The types of the parameters as the JVM describes them, see descriptor.h.
  virtual FieldValue Descriptor() = 0;
  // Names compare case-insensitively; of several attachments with one name the last counts.
  virtual FieldValue Attachment(std::string_view name) = 0;
  // Where attachments can be added; null when they can't. The arguments are stepped over for it, as for Attachment.
  virtual const AttachmentsPlace* PlaceForMore() = 0;
};

inline constexpr FieldValue kUndecodable{FieldValue::Status::kUndecodable, {}};
inline constexpr FieldValue kAbsent{FieldValue::Status::kAbsent, {}};
constexpr FieldValue Present(std::string_view value) { return {FieldValue::Status::kPresent, value}; }

// For serializations that nobody here can read.
class UnknownBody final : public BodyDecoder {
 public:
  FieldValue Interface() override { return kUndecodable; }
  FieldValue ServiceVersion() override { return kUndecodable; }
  FieldValue Method() override { return kUndecodable; }
  FieldValue WireMethod() override { return kUndecodable; }
  FieldValue Descriptor() override { return kUndecodable; }
  FieldValue Attachment(std::string_view) override { return kUndecodable; }
  const AttachmentsPlace* PlaceForMore() override { return nullptr; }
};

}  // namespace rpctee::protocol::dubbo
