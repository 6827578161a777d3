// One connection, byte by byte: what its sender sent, what the tap saw of it first, and which requests must, may and
// must not come out.
//
// One thread; a plain value. Knows nothing of how tap and agent work, only what is promised:
// - a request that comes out is one that was sent, in the bytes that were seen first, once, and in its order;
// - when the connection's SYN was seen, every request comes out whose bytes all came, in whatever order, as long as
//   nobody gave up waiting for a byte before its end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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

  // Ids are `first_id` and those that follow.
  Connection(const std::vector<ByteVector>& requests, uint64_t first_id, uint32_t first_seq);

  const ByteVector& bytes() const { return bytes_; }
  const std::vector<Request>& requests() const { return requests_; }
  uint32_t SeqOf(size_t position) const { return first_seq_ + static_cast<uint32_t>(position); }

  // The tap sees the SYN.
  void Open() { beginning_ = 0; }
  // The tap sees a segment. Its bytes need not be those that were sent.
  void See(size_t from, Bytes bytes);
  // Who waits for a byte gives up.
  void Pause();
  // A request came out. Empty, or what is wrong about it.
  std::optional<std::string> Take(Bytes frame);
  // Nothing will come any more. Empty, or what is missing.
  std::optional<std::string> Finish();

  uint64_t first_id() const { return first_id_; }

 private:
  size_t Contiguous() const;
  // The requests up to there must come.
  void Promise(size_t end);

  uint64_t first_id_;
  uint32_t first_seq_;
  ByteVector bytes_;
  ByteVector seen_bytes_;
  std::vector<bool> is_seen_;
  std::vector<Request> requests_;
  size_t end_ = 0;                   // of what was seen, whatever is missing before
  std::optional<size_t> beginning_;  // from where on all that came must come out
  size_t next_request_ = 0;          // those before came, or can't any more
};

// The id that a Dubbo frame carries; frames are at least as long as a header.
uint64_t IdOf(Bytes frame);

}  // namespace rpctee::test
