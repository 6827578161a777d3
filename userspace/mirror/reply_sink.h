// What the mirror's stream brings, as the readers of replies tell it. Plain values and one interface; one thread.
#pragma once

#include <cstdint>

#include "base/byte_reader.h"
#include "base/clock.h"
#include "protocol/codec.h"

namespace rpctee::mirror {

enum class Verdict : uint8_t {
  kOk,
  kException,  // the method itself threw what its interface declares, or anything else
  kError,      // the server did not get as far as the method's answer
};

struct Answer {
  uint64_t id = 0;
  Verdict verdict = Verdict::kOk;
  uint8_t status = 0;  // Dubbo's
  TimePoint head_at;   // when its head came
};

class ReplySink {
 public:
  virtual ~ReplySink() = default;
  // The answer has come whole.
  virtual void OnAnswer(const Answer& answer) = 0;
  // So has a message that is no answer. `body`: of events no longer than DubboReplies::kKeptBytes; empty for all
  // others.
  virtual void OnMessage(const protocol::FrameHeader& header, Bytes body) = 0;
};

}  // namespace rpctee::mirror
