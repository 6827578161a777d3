#include "agent/version.h"

#include "tap/tap.h"

namespace rpctee::agent {

std::string TapProgramVersion() {
  const tap::ObjectInfo object = tap::EmbeddedObject();
  return std::to_string(object.bytes) + " bytes, FNV-1a " + object.digest;
}

}  // namespace rpctee::agent
