// Any body as a Dubbo request in JSON.
#include "fuzz/dubbo_edit_check.h"
#include "protocol/dubbo/serialization.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rpctee::protocol::dubbo;
  rpctee::fuzz::FuzzDubboBody({data, size}, {kSerializationFastjson, kSerializationGson, kSerializationProtobufJson});
  return 0;
}
