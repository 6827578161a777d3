// Any body as a Dubbo request in Java's serialization.
#include "fuzz/dubbo_edit_check.h"
#include "protocol/dubbo/serialization.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rpctee::protocol::dubbo;
  rpctee::fuzz::FuzzDubboBody({data, size},
                              {kSerializationNativeJava, kSerializationJava, kSerializationCompactedJava});
  return 0;
}
