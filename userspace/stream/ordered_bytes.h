// The bytes of one flow in the order of their sequence numbers, whatever order they come in.
//
// One worker thread. Owns what waits behind a hole, and charges it to the worker's budget, bookkeeping included. The
// first copy of a byte wins. A flow may go on for ever: sequence numbers are compared with the last byte that was put
// in order, and must be within 2 GiB of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/byte_reader.h"
#include "stream/memory_budget.h"

namespace rpctee::stream {

class OrderedBytes {
 public:
  // Bytes that came before they were in order.
  class Piece {
   public:
    Piece(std::vector<uint8_t> bytes, size_t seen) : bytes_(std::move(bytes)), seen_(seen) {}
    Bytes bytes() const { return Bytes(bytes_).subspan(seen_); }

   private:
    std::vector<uint8_t> bytes_;
    size_t seen_;  // of these, already taken from another copy
  };

  // `seq`: any sequence number near those to come.
  OrderedBytes(MemoryBudget& budget, uint32_t seq) : charge_(budget), next_seq_(seq) {}

  // The first byte in order is this one; until now everything waited. Then Next() until there is nothing more.
  void StartAt(uint32_t seq);
  // Goes on behind the hole: what it would have held is given up. Then Next() until there is nothing more.
  void SkipHole();
  // From here on everything waits again.
  void Pause() { started_ = false; }
  // Takes bytes as they come. Returns those that are in order now, a part of `bytes`; what stands behind a hole waits.
  // Nothing at the limit on memory: the flow can't go on. Afterwards Next() until there is nothing more.
  std::optional<Bytes> Take(uint32_t seq, Bytes bytes);
  // Bytes that waited and are in order now.
  std::optional<Piece> Next();

  bool has_hole() const { return !waiting_.empty(); }
  uint32_t next_seq() const { return next_seq_; }  // once started: of the first byte that is not there yet
  size_t held_bytes() const { return charge_.bytes(); }

 private:
  // Positions count bytes from the first sequence number that was heard of, so that they do not wrap.
  int64_t PositionOf(uint32_t seq) const { return next_ + static_cast<int32_t>(seq - next_seq_); }
  void Advance(size_t bytes);
  bool Keep(int64_t position, Bytes bytes);
  bool KeepPiece(int64_t position, Bytes bytes);

  MemoryCharge charge_;
  std::map<int64_t, std::vector<uint8_t>> waiting_;  // by position, no two overlap
  int64_t next_ = 0;                                 // position of next_seq_
  uint32_t next_seq_;
  bool started_ = false;
};

}  // namespace rpctee::stream
