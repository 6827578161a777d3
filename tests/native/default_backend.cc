// Linked by the tests that run natively: they need nothing.
#include "native/native_backend.h"

namespace rpctee::test {

std::unique_ptr<TapBackend> MakeTapBackend(const TapProgramOptions& options) {
  return std::make_unique<NativeBackend>(options);
}

std::string WhyNoTapBackend() { return ""; }

}  // namespace rpctee::test
