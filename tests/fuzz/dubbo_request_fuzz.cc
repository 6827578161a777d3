// Any body as a Dubbo request in Hessian2.
#include "fuzz/dubbo_edit_check.h"
#include "protocol/dubbo/serialization.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rpctee::protocol::dubbo;
  rpctee::fuzz::FuzzDubboBody({data, size}, {kSerializationHessian2, kSerializationNativeHessian});
  return 0;
}
