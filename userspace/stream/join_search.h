// Finds where a request begins in the middle of a connection of which nothing is known.
//
// One worker thread. Owns the bytes from the first place on that may be a request's head, at most max_bytes. They are
// charged to the worker's budget, and so is the search itself, once bytes come.
//
// A body may hold anything, whole requests too, so a head is believed only when frames follow one another from it:
// kHeads heads, each where the frame before it ends; or fewer, when the flow falls silent exactly at the end of a
// frame. The first must pass the tap's strict test for a request. Places are tried from the first to the last; what is
// refuted is passed over, and one whose frame has not ended yet keeps the later ones waiting until it ends, or could
// not be held. Thrift without frames is read message by message; there a silence needs two, since the message of a
// framed one looks the same.
//
// What can still deceive it, when it begins inside a body: kHeads whole requests in a row in that body; fewer that end
// where the body ends; a header in it that announces exactly what came before a silence. A sender who can do that can
// as well send the request.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/capture.h"
#include "protocol/thrift/message_scanner.h"
#include "stream/memory_budget.h"

namespace rpctee::stream {

class JoinSearch {
 public:
  static constexpr uint32_t kHeads = 4;
  enum class State : uint8_t { kSearching, kFound, kFailed };

  JoinSearch(MemoryBudget& budget, size_t max_bytes) : charge_(budget), max_bytes_(max_bytes) {}

  // Takes the bytes that follow. kFailed: neither in the first max_bytes is a head to believe in, or there is no
  // memory.
  State Take(Bytes bytes);
  // The flow has fallen silent: are the bytes so far whole frames? Never kFailed; more bytes may come.
  State Settle();

  // Once found.
  Content protocol() const { return chain_.protocol; }
  Bytes found() const { return Bytes(held_).subspan(chain_.start); }  // from the head on, all that was taken

  // How many heads were tested, and bytes read to find the ends of messages: for tests of what hostile bytes cost.
  uint64_t tests() const { return tests_; }
  uint64_t read_bytes() const { return read_bytes_; }

 private:
  enum class Verdict : uint8_t { kBelieved, kRefuted, kUndecided, kNoMemory };
  // Frames that follow one another. Offsets count in held_.
  struct Chain {
    size_t start = 0;
    size_t next_head = 0;  // may lie beyond what is there yet
    uint32_t heads = 0;
    Content protocol = Content::kUnknown;  // kUnknown: none is being followed
    bool in_message = false;               // whose end is not known: next_head is as far as it was read
  };
  using Scanner = protocol::thrift::MessageScanner;

  bool Hold(Bytes bytes);
  void DropSearched();
  State Search();
  bool FindStart();
  Verdict Follow();
  bool PassHead(Chain& chain);
  bool BeginMessage();
  Verdict PassMessage(Chain& chain, Scanner& scanner);
  bool EndsInSilence(Chain& chain);

  MemoryCharge charge_;
  size_t max_bytes_;
  std::vector<uint8_t> held_;
  size_t dropped_bytes_ = 0;  // before held_
  size_t scan_ = 0;           // no head begins before this offset
  Chain chain_;
  std::unique_ptr<Scanner> scanner_;  // of the message that chain_ is in
  uint64_t settled_bytes_ = 0;        // that Settle looked through, in all
  uint64_t tests_ = 0;
  uint64_t read_bytes_ = 0;
};

}  // namespace rpctee::stream
