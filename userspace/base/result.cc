#include "base/result.h"

#include <cstring>

namespace rpctee {

tl::unexpected<Error> FailErrno(std::string_view what, int errno_value) {
  return Fail(std::string(what) + ": " + std::strerror(errno_value));
}

}  // namespace rpctee
