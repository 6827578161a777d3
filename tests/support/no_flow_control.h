// For a pipeline without a tap: what it says of flows goes nowhere.
#pragma once

#include "agent/pipeline.h"

namespace rpctee::test {

class NoFlowControl final : public agent::FlowControl {
 public:
  void TakeBack(const Flow&, uint64_t, uint32_t, Content) override {}
  void GiveUp(const Flow&, uint64_t, uint32_t) override {}
  void GoOn(const Flow&, uint64_t, uint32_t) override {}
  void Ignore(const Flow&, uint64_t, uint32_t, Content) override {}
};

}  // namespace rpctee::test
