// The switches that the agent and the tap program share through mapped memory: sign of life, sleep, any-endpoint, and
// how many flows may ask for help.
//
// Any thread, and each worker for its own index. Owns the mappings.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "bpf/abi/abi.h"
#include "tap/mapping.h"

namespace rpctee::tap {

class ControlPage {
 public:
  // How many flows may ask the agent for a frame boundary between two beats.
  static constexpr uint32_t kJoinsPerBeat = 512;

  static Result<ControlPage> Map(int control_fd, int workers_fd, uint32_t workers);

  // The program hears of the worker that beat longest ago: when one is stuck, all mirroring stops.
  void Heartbeat(size_t worker, uint64_t now_ns);
  // From here on the program lets every packet go, whoever calls Heartbeat.
  void Stop();
  void SetAsleep(size_t worker, bool asleep);
  void AllowAnyEndpoint();
  // Makes the program look endpoints up again, after the table was changed.
  void NextGeneration();

 private:
  struct Beats {
    std::mutex mutex;  // guards the others, and keeps what the program hears in step with them
    bool stopped = false;
    std::vector<uint64_t> latest;
    explicit Beats(size_t workers) : latest(workers) {}
  };

  ControlPage(Mapping control, Mapping workers, uint32_t count)
      : control_(std::move(control)), workers_(std::move(workers)), beats_(std::make_unique<Beats>(count)) {}
  rpctee_control& control() const { return *reinterpret_cast<rpctee_control*>(control_.data()); }

  Mapping control_;
  Mapping workers_;
  std::unique_ptr<Beats> beats_;  // on the heap, so that the page can move
};

}  // namespace rpctee::tap
