// A hash of some of a request's fields, by which a mirror cluster chooses the endpoint. Pure function; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/codec.h"

namespace rpctee::agent {

// The same in every agent. 0 when the request has none of the fields, and never else.
inline uint64_t HashOfFields(const std::vector<std::string>& names, protocol::RequestView& request) {
  constexpr uint64_t kOffset = 0xcbf29ce484222325ULL;  // FNV-1a
  constexpr uint64_t kPrime = 0x100000001b3ULL;
  uint64_t hash = kOffset;
  bool any = false;
  for (const std::string& name : names) {
    const protocol::FieldValue field = request.Field(name);
    if (field.status == protocol::FieldValue::Status::kPresent) {
      any = true;
      for (const char c : field.value) {
        hash = (hash ^ static_cast<uint8_t>(c)) * kPrime;
      }
    }
    hash = (hash ^ 0x1ff) * kPrime;  // no byte: where one value ends
  }
  if (!any) {
    return 0;
  }
  return hash == 0 ? kOffset : hash;
}

}  // namespace rpctee::agent
