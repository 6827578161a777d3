#include "agent/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

namespace rpctee::agent {
namespace {

using testing::ElementsAre;

TEST(AgentOptions, EveryKeyOfTheConfigurationReachesThePartItIsFor) {
  control::AgentConfig config;
  config.tap.interfaces = {"eth0", "cali*"};
  config.tap.direction = control::TapDirection::kBoth;
  config.tap.attach = control::TapAttach::kClsact;
  config.tap.tcx_order = control::TapOrder::kLast;
  config.tap.pin_directory = "/sys/fs/bpf/other";
  config.tap.ring_bytes = 1;
  config.tap.max_flows = 2;
  config.tap.max_endpoints = 3;
  config.tap.max_own_connections = 4;
  config.tap.max_request_bytes = 5;
  config.tap.silence_check = std::chrono::seconds(19);
  config.tap.silence_bytes = 20;
  config.tap.replies = true;
  config.mirror.connections_per_endpoint = 6;
  config.mirror.max_buffer_bytes = 7;
  config.mirror.max_in_flight = 8;
  config.mirror.max_pipelined = 9;
  config.mirror.connect_timeout = std::chrono::seconds(9);
  config.mirror.reply_timeout = std::chrono::seconds(10);
  config.mirror.reconnect_min = std::chrono::seconds(11);
  config.mirror.reconnect_max = std::chrono::seconds(12);
  config.mirror.user_timeout = std::chrono::seconds(13);
  config.mirror.dscp = 14;
  config.mirror.idle_timeout = std::chrono::seconds(15);
  config.mirror.ejection = {16, 17, std::chrono::seconds(18), std::chrono::seconds(19)};
  config.mirror.socket_priority = 5;
  config.mirror.socket_mark = 14;
  config.limits.max_reassembly_bytes = 30;
  config.limits.request_timeout = std::chrono::seconds(16);
  config.limits.max_mirror_memory = 20;
  config.limits.max_cpu = 0.5;
  config.shutdown_grace = std::chrono::seconds(17);
  config.workers = 7;
  config.routes.files = {"a.yaml"};
  config.routes.reload = std::chrono::seconds(18);

  const AgentOptions options = FromConfig(config);
  EXPECT_THAT(options.places.interfaces, ElementsAre("eth0", "cali*"));
  EXPECT_THAT(options.places.directions, ElementsAre(tap::Direction::kIngress, tap::Direction::kEgress));
  EXPECT_EQ(options.places.mode, tap::AttachMode::kClsact);
  EXPECT_TRUE(options.places.replies);
  EXPECT_TRUE(options.tap.replies);
  EXPECT_EQ(options.tap.tcx_order, tap::TcxOrder::kLast);
  EXPECT_EQ(options.tap.pin_directory, "/sys/fs/bpf/other");
  EXPECT_EQ(options.tap.rings, 7U);
  EXPECT_EQ(options.tap.ring_bytes, 1U);
  EXPECT_EQ(options.tap.max_flows, 2U);
  EXPECT_EQ(options.tap.max_endpoints, 3U);
  EXPECT_EQ(options.tap.max_own_connections, 4U);
  EXPECT_EQ(options.tap.max_request_bytes, 5U);
  EXPECT_EQ(options.tap.socket_mark, 14U) << "the tap must know the mark that the relay sets";
  EXPECT_EQ(options.silence.interval, std::chrono::seconds(19));
  EXPECT_EQ(options.silence.min_bytes, 20U);
  EXPECT_EQ(options.silence.max_cursors, options.tap.max_flows);
  EXPECT_EQ(options.worker.mirror.connections_per_endpoint, 6U);
  EXPECT_EQ(options.worker.mirror.max_buffer_bytes, 7U);
  EXPECT_EQ(options.worker.mirror.max_in_flight, 8U);
  EXPECT_EQ(options.worker.mirror.max_pipelined, 9U);
  EXPECT_EQ(options.worker.mirror.connect_timeout, std::chrono::seconds(9));
  EXPECT_EQ(options.worker.mirror.reply_timeout, std::chrono::seconds(10));
  EXPECT_EQ(options.worker.mirror.reconnect_min, std::chrono::seconds(11));
  EXPECT_EQ(options.worker.mirror.reconnect_max, std::chrono::seconds(12));
  EXPECT_EQ(options.worker.mirror.dscp, 14U);
  EXPECT_EQ(options.worker.mirror.idle_timeout, std::chrono::seconds(15));
  EXPECT_EQ(options.worker.mirror.ejection.consecutive_failures, 16U);
  EXPECT_EQ(options.worker.mirror.ejection.consecutive_exhausted, 17U);
  EXPECT_EQ(options.worker.mirror.ejection.time, std::chrono::seconds(18));
  EXPECT_EQ(options.worker.mirror.ejection.max_time, std::chrono::seconds(19));
  EXPECT_EQ(options.worker.mirror.socket_priority, 5U);
  EXPECT_EQ(options.worker.mirror.user_timeout, std::chrono::seconds(13));
  EXPECT_EQ(options.worker.mirror.socket_mark, 14U);
  EXPECT_EQ(options.worker.pipeline.limits.max_bytes, 15U);
  EXPECT_EQ(options.worker.pipeline.stream_limits.max_bytes, 15U);
  EXPECT_EQ(options.worker.pipeline.stream_limits.max_request_bytes, 5U);
  EXPECT_EQ(options.worker.pipeline.limits.max_age, std::chrono::seconds(16));
  EXPECT_TRUE(options.worker.mirror.budget->HasMemory(20));
  EXPECT_FALSE(options.worker.mirror.budget->HasMemory(21));
  EXPECT_EQ(options.max_cpu, 0.5);
  EXPECT_EQ(options.worker.shutdown_grace, std::chrono::seconds(17));
  EXPECT_THAT(options.routes.files, ElementsAre("a.yaml"));
  EXPECT_EQ(options.reload_interval, std::chrono::seconds(18));
}

TEST(AgentOptions, ByDefaultHalfOfTheCpusWorkFromOneToFour) {
  const auto rings = [](uint32_t cpus) { return FromConfig(control::AgentConfig(), cpus).tap.rings; };
  EXPECT_EQ(rings(1), 1U);
  EXPECT_EQ(rings(2), 1U);
  EXPECT_EQ(rings(3), 1U);
  EXPECT_EQ(rings(4), 2U);
  EXPECT_EQ(rings(6), 3U);
  EXPECT_EQ(rings(8), 4U);
  EXPECT_EQ(rings(256), 4U);
}

TEST(AgentOptions, ByDefaultEachWorkersMemoryHasRoomForTheLongestRequests) {
  control::AgentConfig config;
  config.tap.max_request_bytes = 16U << 20;
  const uint64_t least = control::LeastReassemblyBytes(16U << 20);
  config.limits.max_reassembly_bytes = 3 * least;
  EXPECT_EQ(FromConfig(config, 64).tap.rings, 3U);
  config.limits.max_reassembly_bytes = 3 * least - 1;
  EXPECT_EQ(FromConfig(config, 64).tap.rings, 2U);
  config.limits.max_reassembly_bytes = least;
  EXPECT_EQ(FromConfig(config, 64).tap.rings, 1U);
  config.tap.max_request_bytes = 256U << 20;
  EXPECT_EQ(FromConfig(config, 64).tap.rings, 1U);
}

TEST(AgentOptions, TheCpusAreThoseThatTheProcessMayRunOn) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_EQ(UsableCpus(), static_cast<uint32_t>(CPU_COUNT(&before)));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &before)) {
      CPU_SET(cpu, &one);
    }
  }
  ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(UsableCpus(), 1U);
  ASSERT_EQ(::sched_setaffinity(0, sizeof(before), &before), 0);
}

}  // namespace
}  // namespace rpctee::agent
