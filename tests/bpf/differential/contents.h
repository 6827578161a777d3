// What clients send: connections' worth of requests of each protocol, other protocols, and damaged ones.
//
// A plain function of the random numbers that it is given. Any thread.
#pragma once

#include <random>
#include <vector>

#include "support/packet_builder.h"

namespace rpctee::test {

struct Content {
  ByteVector bytes;
  std::vector<size_t> heads;  // where messages begin
};

// Requests longer than this are made too, though few.
inline constexpr uint32_t kContentMaxRequestBytes = 6'000;

Content RandomContent(std::mt19937& random);

}  // namespace rpctee::test
