// The table of own connections against a real map: what stands in it is what is open.
#include "tap/own_connections.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

#include "base/fd.h"
#include "lab/tap/namespace_lab.h"

namespace rpctee::tap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OwnConnectionsLab : public test::NamespaceLab {
 protected:
  void SetUp() override {
    NamespaceLab::SetUp();
    if (!IsSkipped()) {
      fd_.Reset(bpf_map_create(BPF_MAP_TYPE_HASH, "own", sizeof(rpctee_flow_key), sizeof(uint32_t), 2, nullptr));
      ASSERT_TRUE(fd_.valid());
    }
  }
  OwnMap Map() const { return {fd_.get(), 2}; }
  std::vector<std::string> InTable() const {
    std::vector<std::string> addresses;
    const auto entries = Map().All();
    for (const auto& [key, value] : *entries) {
      Flow flow;
      FromKey(key, flow);
      addresses.push_back(flow.ToString());
    }
    std::sort(addresses.begin(), addresses.end());
    return addresses;
  }

  Fd fd_;
  static Flow Connection(std::string_view local, std::string_view remote) {
    return {SocketAddress::Parse(local).value(), SocketAddress::Parse(remote).value()};
  }
  const Flow a_ = Connection("10.0.0.1:40000", "10.0.0.2:20880");
  const Flow b_ = Connection("10.0.0.1:40000", "10.0.0.3:20880");  // the same local port
  const Flow c_ = Connection("[fd00::1]:40000", "[fd00::2]:20880");
};

TEST_F(OwnConnectionsLab, EndsStayUntilTheirLastConnectionIsGone) {
  OwnConnections own(Map());
  ASSERT_TRUE(own.Add(a_));
  ASSERT_TRUE(own.Add(b_));
  ASSERT_TRUE(own.Add(a_));
  own.Remove(a_);
  EXPECT_THAT(InTable(), ElementsAre(a_.ToString(), b_.ToString()));
  EXPECT_TRUE(own.Contains(b_));
  own.Remove(b_);
  EXPECT_FALSE(own.Contains(b_));
  EXPECT_THAT(InTable(), ElementsAre(a_.ToString()));
  own.Remove(a_);
  EXPECT_THAT(InTable(), IsEmpty());
  own.Remove(a_);
  ASSERT_TRUE(own.Add(a_));
  EXPECT_THAT(InTable(), ElementsAre(a_.ToString()));
}

TEST_F(OwnConnectionsLab, EndsWithoutRoomGetInWhenALaterConnectionFindsRoom) {
  OwnConnections own(Map());
  ASSERT_TRUE(own.Add(a_));
  ASSERT_TRUE(own.Add(b_));
  const Status full = own.Add(c_);
  ASSERT_FALSE(full);
  EXPECT_TRUE(own.Contains(c_));
  EXPECT_THAT(full.error().message, HasSubstr("[fd00::1]:40000>[fd00::2]:20880: the table is full at 2 entries"));
  own.Remove(b_);
  ASSERT_TRUE(own.Add(c_));
  EXPECT_THAT(InTable(), ElementsAre(a_.ToString(), c_.ToString()));
  own.Remove(c_);
  EXPECT_THAT(InTable(), ElementsAre(a_.ToString(), c_.ToString())) << "the one that found no room is still open";
  own.Remove(c_);
  EXPECT_THAT(InTable(), ElementsAre(a_.ToString()));
}

TEST_F(OwnConnectionsLab, WorkersThatShareEndsDoNotTakeThemFromEachOther) {
  OwnConnections own(Map());
  ASSERT_TRUE(own.Add(a_));
  std::vector<std::thread> workers;
  for (int i = 0; i < 3; ++i) {
    workers.emplace_back([this, &own] {
      for (int round = 0; round < 2'000; ++round) {
        EXPECT_TRUE(own.Add(a_));
        EXPECT_TRUE(own.Add(b_));
        own.Remove(b_);
        own.Remove(a_);
      }
    });
  }
  for (std::thread& worker : workers) {
    worker.join();
  }
  EXPECT_THAT(InTable(), ElementsAre(a_.ToString()));
}

}  // namespace
}  // namespace rpctee::tap
