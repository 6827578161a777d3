// The serializations of Dubbo bodies by the number that stands in the header.
//
// Apache Dubbo, org.apache.dubbo.common.serialize.Constants (2.7, 3.x); msgpack is of 2.7 and of an extension of 3. 1
// and 5 are gone since 2.6. Users choose among the others for what they make.
#pragma once

#include <cstdint>

namespace rpctee::protocol::dubbo {

inline constexpr uint8_t kSerializationHessian2 = 2;
inline constexpr uint8_t kSerializationJava = 3;
inline constexpr uint8_t kSerializationCompactedJava = 4;
inline constexpr uint8_t kSerializationFastjson = 6;
inline constexpr uint8_t kSerializationNativeJava = 7;
inline constexpr uint8_t kSerializationKryo = 8;
inline constexpr uint8_t kSerializationFst = 9;
inline constexpr uint8_t kSerializationNativeHessian = 10;
inline constexpr uint8_t kSerializationAvro = 11;
inline constexpr uint8_t kSerializationProtostuff = 12;
inline constexpr uint8_t kSerializationGson = 16;
inline constexpr uint8_t kSerializationProtobufJson = 21;
inline constexpr uint8_t kSerializationProtobuf = 22;
inline constexpr uint8_t kSerializationFastjson2 = 23;
inline constexpr uint8_t kSerializationKryo2 = 25;
inline constexpr uint8_t kSerializationMsgpack = 27;

}  // namespace rpctee::protocol::dubbo
