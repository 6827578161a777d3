#include "tap/attachment.h"

#include <cstdio>

namespace rpctee::tap {

std::string Neighbour::ToString() const {
  std::string text;
  if (hook == Hook::kTcx) {
    text = "tcx program " + std::to_string(program_id);
  } else {
    char number[16];
    std::snprintf(number, sizeof(number), "0x%x", handle);
    text = "clsact filter at priority " + std::to_string(priority) + ", handle " + number;
  }
  return name.empty() ? text : text + " (" + name + ")";
}

}  // namespace rpctee::tap
