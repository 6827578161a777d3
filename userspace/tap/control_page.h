// The switches that the agent and the tap program share through mapped memory: sign of life, sleep, any-endpoint.
//
// Any thread. Owns the mapping.
#pragma once

#include <atomic>
#include <memory>

#include "base/result.h"
#include "bpf/abi/abi.h"
#include "tap/mapping.h"

namespace rpctee::tap {

class ControlPage {
 public:
  static Result<ControlPage> Map(int fd);

  void Heartbeat(uint64_t now_ns);
  // From here on the program sees a stale heartbeat, whoever calls Heartbeat.
  void Stop();
  void SetAsleep(bool asleep);
  void AllowAnyEndpoint();

 private:
  explicit ControlPage(Mapping page) : page_(std::move(page)), stopped_(std::make_unique<std::atomic<bool>>(false)) {}
  rpctee_control& control() const { return *reinterpret_cast<rpctee_control*>(page_.data()); }

  Mapping page_;
  std::unique_ptr<std::atomic<bool>> stopped_;  // on the heap, so that the page can move
};

}  // namespace rpctee::tap
