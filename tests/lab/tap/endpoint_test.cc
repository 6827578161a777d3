// The endpoint table: what is written when it changes, and what people see of it.
#include <gmock/gmock.h>

#include "lab/tap/namespace_lab.h"
#include "tap/endpoint_table.h"
#include "tap/tap.h"

namespace rpctee::tap {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

SocketAddress Address(const std::string& text) { return SocketAddress::Parse(text).value(); }

TEST(EndpointTable, OnlyWhatDiffersIsWritten) {
  const EndpointTable have = MakeTable({{Address("10.0.0.1:20880"), 5}, {Address("10.0.0.2:20880"), 5}});
  const EndpointTable want = MakeTable({{Address("10.0.0.1:20880"), 5}, {Address("10.0.0.3:20880"), 6}});
  const EndpointChanges changes = Difference(have, want);
  ASSERT_THAT(changes.removed, SizeIs(1));
  EXPECT_EQ(changes.removed[0], Address("10.0.0.2:20880"));
  ASSERT_THAT(changes.written, SizeIs(1));
  EXPECT_EQ(changes.written[0].first, Address("10.0.0.3:20880"));
}

TEST(EndpointTable, EqualTablesNeedNoChange) {
  const EndpointTable table = MakeTable({{Address("10.0.0.1:20880"), 5}, {Address("[fd00::1]:20880"), 5}});
  const EndpointChanges changes = Difference(table, table);
  EXPECT_THAT(changes.removed, IsEmpty());
  EXPECT_THAT(changes.written, IsEmpty());
}

TEST(EndpointTable, AnEndpointThatStandsTwiceGetsTheLargerThreshold) {
  const EndpointTable table =
      MakeTable({{Address("10.0.0.1:20880"), 5}, {Address("10.0.0.1:20880"), 9}, {Address("10.0.0.1:20880"), 7}});
  ASSERT_THAT(table, SizeIs(1));
  EXPECT_EQ(table.begin()->second.threshold, 9U);
}

class EndpointMapLab : public test::NamespaceLab {
 protected:
  void SetUp() override {
    NamespaceLab::SetUp();
    if (IsSkipped()) {
      return;
    }
    auto tap = Tap::Open({.pin_directory = bpffs() + "/rpctee", .ring_bytes = 4'096, .max_endpoints = 3});
    ASSERT_TRUE(tap) << tap.error().message;
    tap_ = std::move(*tap);
  }
  void TearDown() override {
    tap_.reset();
    NamespaceLab::TearDown();
  }
  std::string DumpEndpoints() { return Run("bpftool -j map dump pinned " + bpffs() + "/rpctee/endpoints"); }
  std::string Thresholds() {
    return Run("bpftool -j map dump pinned " + bpffs() +
               "/rpctee/endpoints | jq -c '[.[] | .formatted.value.threshold] | sort'");
  }

  std::unique_ptr<Tap> tap_;
};

TEST_F(EndpointMapLab, TheMapHoldsWhatWasSetAndNothingElse) {
  ASSERT_TRUE(tap_->SetEndpoints({{Address("10.0.0.1:20880"), 5}, {Address("10.0.0.2:20880"), 6}}));
  EXPECT_EQ(Thresholds(), "[5,6]\n");
  ASSERT_TRUE(tap_->SetEndpoints({{Address("10.0.0.2:20880"), 60}, {Address("10.0.0.3:20880"), 7}}));
  EXPECT_EQ(Thresholds(), "[7,60]\n");
  ASSERT_TRUE(tap_->SetEndpoints({}));
  EXPECT_EQ(Thresholds(), "[]\n");
}

TEST_F(EndpointMapLab, AFullTableCanBeReplacedAsAWhole) {
  ASSERT_TRUE(tap_->SetEndpoints({{Address("10.0.0.1:1"), 1}, {Address("10.0.0.1:2"), 2}, {Address("10.0.0.1:3"), 3}}));
  ASSERT_TRUE(tap_->SetEndpoints({{Address("10.0.0.1:4"), 4}, {Address("10.0.0.1:5"), 5}, {Address("10.0.0.1:6"), 6}}));
  EXPECT_EQ(Thresholds(), "[4,5,6]\n");
}

TEST_F(EndpointMapLab, TooManyEndpointsAreRefusedByNumberAndTheOldOnesStay) {
  ASSERT_TRUE(tap_->SetEndpoints({{Address("10.0.0.1:1"), 1}}));
  const Status refused = tap_->SetEndpoints(
      {{Address("10.0.0.1:1"), 9}, {Address("10.0.0.1:2"), 9}, {Address("10.0.0.1:3"), 9}, {Address("10.0.0.1:4"), 9}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("4 endpoints"));
  EXPECT_THAT(refused.error().message, HasSubstr("max_endpoints, 3"));
  EXPECT_EQ(Thresholds(), "[1]\n");
}

TEST_F(EndpointMapLab, AnyEndpointSurvivesANewListOfEndpoints) {
  ASSERT_TRUE(tap_->SetAnyEndpoint(20'880, 100));
  ASSERT_TRUE(tap_->SetEndpoints({{Address("10.0.0.1:1"), 1}}));
  EXPECT_EQ(Thresholds(), "[1,100]\n");
  EXPECT_THAT(Run("bpftool -j map dump pinned " + bpffs() + "/rpctee/control"), HasSubstr("\"any_endpoint\":1"));
}

TEST_F(EndpointMapLab, BpftoolShowsFieldNames) {
  ASSERT_TRUE(tap_->SetEndpoints({{Address("10.0.0.1:20880"), 5}}));
  EXPECT_THAT(DumpEndpoints(), HasSubstr("port_be"));
  EXPECT_THAT(DumpEndpoints(), HasSubstr("\"endpoint_id\":0"));
  EXPECT_THAT(Run("bpftool -j map dump pinned " + bpffs() + "/rpctee/counters"), HasSubstr("not_endpoint"));
  EXPECT_THAT(Run("bpftool map show pinned " + bpffs() + "/rpctee/flows"), HasSubstr("rpctee_flows"));
}

}  // namespace
}  // namespace rpctee::tap
