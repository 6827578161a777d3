// Any body as a Dubbo request in fastjson2.
#include "fuzz/dubbo_edit_check.h"
#include "protocol/dubbo/serialization.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rpctee::fuzz::FuzzDubboBody({data, size}, {rpctee::protocol::dubbo::kSerializationFastjson2});
  return 0;
}
