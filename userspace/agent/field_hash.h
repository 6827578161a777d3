// A hash of some of a request's fields, by which a mirror cluster chooses the endpoint. Pure function; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "protocol/codec.h"

namespace rpctee::agent {

// The same in every agent. 0 when the request has none of the fields, and never else.
inline uint64_t HashOfFields(const std::vector<std::string>& names, protocol::RequestView& request) {
  Fnv1a hash;
  bool any = false;
  for (const std::string& name : names) {
    const protocol::FieldValue field = request.Field(name);
    if (field.status == protocol::FieldValue::Status::kPresent) {
      any = true;
      hash.Add(field.value);
    }
    hash.Add(0x1ff);  // no byte: where one value ends
  }
  if (!any) {
    return 0;
  }
  return hash.value() == 0 ? Fnv1a().value() : hash.value();
}

}  // namespace rpctee::agent
