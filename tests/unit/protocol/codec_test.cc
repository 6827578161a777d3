#include "protocol/codec.h"

#include <gtest/gtest.h>

#include <set>

namespace rpctee::protocol {
namespace {

TEST(Codec, EveryKindOfMessageHasItsOwnName) {
  const std::set<std::string_view> names = {Name(MessageKind::kRequest),   Name(MessageKind::kOneway),
                                            Name(MessageKind::kHeartbeat), Name(MessageKind::kEvent),
                                            Name(MessageKind::kResponse),  Name(MessageKind::kEventResponse)};
  const std::set<std::string_view> expected = {"request", "oneway", "heartbeat", "event", "response", "event_response"};
  EXPECT_EQ(names, expected);
}

}  // namespace
}  // namespace rpctee::protocol
