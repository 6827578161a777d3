// One connection, byte by byte: what its sender sent, what the tap saw of it first, and which requests must, may and
// must not come out.
//
// One thread; a plain value. Knows nothing of how tap and agent work, only what is promised:
// - a request that comes out is one that was sent, in the bytes that were seen first, once, and in its order;
// - when the connection's SYN was seen, every request comes out whose bytes all came, in whatever order, as long as
//   nobody gave up waiting for a byte before its end;
// - in the middle of a connection, and behind bytes that were given up, every request comes out from the next byte on,
//   if nothing is missing from there to a silence, or to the next missing byte, that begins where a request ends, and
//   one is whole; after a silence all is then as with a SYN.
// The last does not hold for requests without a length.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/requests.h"
#include "support/packet_builder.h"

namespace rpctee::test {

class Connection {
 public:
  struct Request {
    size_t from;
    size_t to;
    bool must_come = false;
    bool came = false;
  };

  Connection(Speech speech, uint64_t first_id, uint32_t first_seq)
      : has_lengths_(speech != Speech::kThriftUnframed), first_id_(first_id), first_seq_(first_seq) {}
  // What the sender sends next. All of it comes before the first segment.
  void Add(const SampleRequest& request);

  const ByteVector& bytes() const { return bytes_; }
  const std::vector<Request>& requests() const { return requests_; }
  // No segment may begin or end there: what stands in a body could not be told from what stands between bodies.
  bool IsPlanted(size_t position) const;
  uint32_t SeqOf(size_t position) const { return first_seq_ + static_cast<uint32_t>(position); }

  // The tap sees the SYN.
  void Open();
  // The tap sees a segment. Its bytes need not be those that were sent.
  void See(size_t from, Bytes bytes);
  // The tap sees its end, or the beginning of another one: what waits for anything is not waited for.
  void End();
  // How many places with missing bytes somebody may wait for.
  size_t holes() const;
  // A silence, after which nobody waits for a missing byte any more.
  void Pause();
  // A request came out. Empty, or what is wrong about it.
  std::optional<std::string> Take(Bytes request);
  // Nothing will come any more, after a last Pause(). Empty, or what is missing.
  std::optional<std::string> Finish() const;

  // How many requests had to come.
  uint64_t promised() const;

 private:
  // Where all that came must come out from.
  struct Beginning {
    size_t at;
    bool is_sure;  // that there is a request, or else a later silence decides
  };

  // The first position from `from` on whose byte was seen, or was not; never beyond end_.
  size_t Next(size_t from, bool is_seen) const;
  // Is there a whole request from the beginning up to there, and does one end there?
  bool EndsRequests(size_t end) const;
  // The requests from the beginning up to there must come.
  void Promise(size_t end);

  bool has_lengths_;
  uint64_t first_id_;
  uint32_t first_seq_;
  ByteVector bytes_;
  std::vector<size_t> planted_;
  std::vector<Request> requests_;
  ByteVector seen_bytes_;
  std::vector<bool> is_seen_;
  size_t end_ = 0;  // of what was seen, whatever is missing before
  bool was_seen_ = false;
  std::optional<Beginning> beginning_;
  uint32_t searches_left_ = 3;  // for a beginning; the tap asks no more often in one connection
  size_t next_request_ = 0;     // those before came, or can't any more
};

}  // namespace rpctee::test
