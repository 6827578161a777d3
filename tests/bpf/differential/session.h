// The packets of one connection, as a tap may see them: cut anywhere, repeated, out of order, with bytes missing.
//
// A plain function of the random numbers that it is given. Any thread.
#pragma once

#include <random>
#include <vector>

#include "bpf/differential/contents.h"
#include "support/packet_builder.h"

namespace rpctee::test {

// Where sessions go; a test makes the first two endpoints, and the third one by its port alone.
inline constexpr const char* kSampledAddresses[] = {"10.0.0.2:20880", "[fd00::2]:20880"};
inline constexpr const char* kUnsampledAddresses[] = {"10.0.0.3:20880", "[fd00::3]:20880"};
inline constexpr const char* kPortAloneAddresses[] = {"10.0.0.4:20881", "[fd00::4]:20881"};
inline constexpr const char* kOtherAddresses[] = {"10.0.0.5:80", "[fd00::5]:80"};
// The source of some sessions, by family: the agent's own.
inline constexpr const char* kOwnSources[] = {"10.0.0.1:40000", "[fd00::1]:40000"};

std::vector<ByteVector> RandomSession(std::mt19937& random, const Content& content);

}  // namespace rpctee::test
