// The reader's side of a BPF ring buffer, straight on its mapped pages.
//
// One thread, the worker. Owns the mappings. The layout is the kernel's (kernel/bpf/ringbuf.c): one page with the
// reader's position, one with the writer's, then the data, mapped twice in a row so that no record is ever split.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/byte_reader.h"
#include "base/result.h"
#include "tap/mapping.h"

namespace rpctee::tap {

class Ring {
 public:
  // data_bytes: the map's max_entries.
  static Result<Ring> Map(int fd, size_t data_bytes);

  // Long records end a call early: what is made of them is to be in the processor's cache still when it is sent, and
  // in memory that is kept.
  static constexpr uint64_t kBatchBytes = uint64_t{128} << 10;

  // Hands over committed records, up to `max_records` and up to the one with which kBatchBytes are reached, and frees
  // their space. A record that the program is still writing ends it. The bytes are read-only memory, valid only inside
  // the call. Fails when the ring contradicts itself.
  using OnRecord = std::function<void(Bytes record)>;
  Result<size_t> Drain(size_t max_records, const OnRecord& on_record);

  // Also true when the first record is not committed yet.
  bool HasRecords() const;
  // The share of the ring that records fill.
  double Filled() const;

 private:
  Ring(Mapping reader, Mapping writer, size_t data_bytes);
  uint64_t WriterPosition() const;
  void PublishPosition();

  Mapping reader_;
  Mapping writer_;  // the writer's page, and the data behind it
  const uint8_t* data_;
  size_t data_bytes_;
  uint64_t position_;   // where the next record starts
  uint64_t published_;  // what the writer knows of it
};

}  // namespace rpctee::tap
