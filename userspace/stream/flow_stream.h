// One flow that the tap sends up whole: puts its bytes in order, finds out where its requests begin, frames them.
//
// One worker thread. Owns what waits behind a hole, and what is held while no head is known yet. It knows no time: the
// reassembler decides how long to wait.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include "base/capture.h"
#include "protocol/recognise.h"
#include "stream/flow_requests.h"
#include "stream/join_search.h"
#include "stream/memory_budget.h"
#include "stream/message_framer.h"
#include "stream/ordered_bytes.h"
#include "stream/stream_framer.h"

namespace rpctee::stream {

// Of a connection, until they say what it carries.
struct FirstBytes {
  std::array<uint8_t, protocol::kRecogniseBytes> bytes{};
  uint8_t have = 0;
};

class FlowStream {
 public:
  enum class Verdict : uint8_t {
    kGoOn,
    kGiveUp,  // these are no requests, or they can't be held
    kIgnore,  // nothing of this connection can be mirrored: content() says why
  };

  // `record`: the first of the flow that was heard of, before Begin or with it.
  FlowStream(RequestSink& sink, MemoryBudget& budget, uint32_t max_join_bytes, const CapturedStream& record);

  Verdict Begin(const CapturedStream& record);
  Verdict Take(const CapturedStream& data);
  // The flow has fallen silent, which may decide where a request begins.
  Verdict Settle();
  // The bytes of the first hole will not come: the request that they belong to ends here, and the next one is looked
  // for behind it.
  Verdict SkipHole();
  // The tap frames again, from the next byte on; what waits behind a hole goes on waiting, for the next Begin.
  void Pause();
  // Ends the request that is open, if there is one.
  void Cut(CutReason reason);

  const Flow& flow() const { return requests_.flow(); }
  uint64_t flow_id() const { return requests_.flow_id(); }
  Content content() const { return content_; }
  // False: bytes came before word of why they come, and wait for it.
  bool started() const { return started_; }
  bool has_hole() const { return order_.has_hole(); }
  uint32_t next_seq() const { return order_.next_seq(); }
  size_t held_bytes() const { return order_.held_bytes(); }
  // Looks for a head in the middle of the connection.
  bool is_joining() const { return search() != nullptr; }
  // Has messages without lengths: the tap can't frame it, and its bytes come to the end.
  bool is_unframed() const { return messages() != nullptr; }
  // Nothing has begun that is not whole.
  bool at_boundary() const {
    return messages() != nullptr ? messages()->at_boundary() : framer() != nullptr && framer()->at_boundary();
  }
  // Everything so far is framed, so that the tap can go on by itself.
  bool is_mended() const { return framer() != nullptr && !has_hole(); }
  // Does a frame begin at `seq`, with everything before it there?
  bool IsBoundary(uint32_t seq) const { return framer() != nullptr && at_boundary() && next_seq() == seq; }

 private:
  using Search = std::unique_ptr<JoinSearch>;

  // The one that is at work; null when it is another.
  JoinSearch* search() const {
    const Search* search = std::get_if<Search>(&work_);
    return search != nullptr ? search->get() : nullptr;
  }
  const StreamFramer* framer() const { return std::get_if<StreamFramer>(&work_); }
  const MessageFramer* messages() const { return std::get_if<MessageFramer>(&work_); }

  Verdict ConsumeAll(Bytes bytes);
  Verdict Consume(Bytes bytes);
  Verdict ConsumeFirstBytes(FirstBytes& held, Bytes bytes);
  Verdict ConsumeFrames(Bytes bytes);
  Verdict Follow(JoinSearch::State state);
  Verdict StartFraming(Content protocol);

  FlowRequests requests_;
  OrderedBytes order_;
  MemoryBudget& budget_;
  uint32_t max_join_bytes_;
  bool started_ = false;
  Content content_ = Content::kUnknown;
  std::variant<FirstBytes, Search, StreamFramer, MessageFramer> work_;
};

}  // namespace rpctee::stream
