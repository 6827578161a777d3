// Finds the messages in the bytes of one flow of Thrift without frames, where only reading a message tells its end.
//
// One worker thread. Owns what reads a message that has not ended, and, of a sampled one, its bytes: its length, which
// each part must tell, is not known before. Both are charged to the worker's budget. Between messages nothing is held.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/capture.h"
#include "protocol/thrift/message_scanner.h"
#include "stream/flow_requests.h"
#include "stream/memory_budget.h"

namespace rpctee::stream {

class MessageFramer {
 public:
  MessageFramer(FlowRequests& requests, MemoryBudget& budget) : requests_(requests), charge_(budget) {}

  // Takes the bytes that follow; false when they are no messages, or there is no memory for one.
  bool Consume(Bytes bytes);
  // Ends the message that is open, if there is one whose head was seen.
  void Cut(CutReason reason);

  bool at_boundary() const { return open_ == nullptr; }

 private:
  using Scanner = protocol::thrift::MessageScanner;
  // A message that has begun and not ended.
  struct Open {
    Scanner scanner;
    bool is_sampled;
    std::vector<uint8_t> held;  // of a sampled one, from its first byte on
  };

  // How many of the bytes belong to the message; nothing when it is none, or there is no memory for it.
  std::optional<size_t> Begin(Bytes bytes);
  std::optional<size_t> GoOn(Bytes bytes);
  bool Hold(Bytes bytes);
  void Close();
  void Deliver(const Scanner& scanner, bool is_sampled, Bytes message);
  // Books the message. Returns whether it goes on to the assembler.
  bool Book(const Scanner& scanner, bool is_sampled);
  bool IsTooBig(const Scanner& scanner) const { return scanner.message_bytes() > requests_.max_request_bytes(); }

  FlowRequests& requests_;
  MemoryCharge charge_;
  std::unique_ptr<Open> open_;
};

}  // namespace rpctee::stream
