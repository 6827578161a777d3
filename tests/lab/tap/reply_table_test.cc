// The table of replies follows the table of endpoints, and tells what the program counted.
#include <gmock/gmock.h>

#include <memory>

#include "lab/tap/namespace_lab.h"
#include "tap/tap.h"

namespace rpctee::tap {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

class ReplyTableLab : public test::NamespaceLab {
 protected:
  static route::EndpointThreshold At(std::string_view address) {
    return {.address = SocketAddress::Parse(address).value(), .threshold = 1};
  }
  static auto Of(std::string_view address) {
    return Field(&EndpointReplies::endpoint, SocketAddress::Parse(address).value());
  }
};

TEST_F(ReplyTableLab, EachEndpointHasAnEntryWhileItIsOne) {
  const auto tap = Tap::Open({.ring_bytes = 4'096, .replies = true});
  ASSERT_TRUE(tap) << tap.error().message;
  ASSERT_TRUE((*tap)->SetEndpoints({At("10.0.0.1:80"), At("[fd00::1]:80")}));
  EXPECT_THAT((*tap)->Replies().value(), ElementsAre(Of("10.0.0.1:80"), Of("[fd00::1]:80")));
  ASSERT_TRUE((*tap)->SetEndpoints({At("10.0.0.1:80"), At("10.0.0.1:81")}));
  EXPECT_THAT((*tap)->Replies().value(), ElementsAre(Of("10.0.0.1:80"), Of("10.0.0.1:81")));
  ASSERT_TRUE((*tap)->SetEndpoints({}));
  EXPECT_THAT((*tap)->Replies().value(), IsEmpty());
}

TEST_F(ReplyTableLab, IsEmptyWhenAnswersAreNotTapped) {
  const auto tap = Tap::Open({.ring_bytes = 4'096});
  ASSERT_TRUE(tap) << tap.error().message;
  ASSERT_TRUE((*tap)->SetEndpoints({At("10.0.0.1:80"), At("10.0.0.2:80")}));
  EXPECT_THAT((*tap)->Replies().value(), IsEmpty());
}

}  // namespace
}  // namespace rpctee::tap
