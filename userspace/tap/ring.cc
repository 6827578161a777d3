#include "tap/ring.h"

#include <linux/bpf.h>
#include <unistd.h>

namespace rpctee::tap {
namespace {

constexpr size_t kRecordHeaderBytes = BPF_RINGBUF_HDR_SZ;

// How much is read before the writer hears of the free space. Telling it costs both sides a cache line.
constexpr uint64_t kPublishBytes = 32'768;

size_t PageBytes() { return static_cast<size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

Result<Ring> Ring::Map(int fd, size_t data_bytes) {
  const size_t page = PageBytes();
  Result<Mapping> reader = Mapping::Map(fd, page, PROT_READ | PROT_WRITE, 0);
  if (!reader) {
    return tl::unexpected(reader.error());
  }
  Result<Mapping> writer = Mapping::Map(fd, page + 2 * data_bytes, PROT_READ, page);
  if (!writer) {
    return tl::unexpected(writer.error());
  }
  // Requests of users have no place in core files. Where the kernel refuses, there is nothing else to do.
  (void)::madvise(writer->data(), writer->size(), MADV_DONTDUMP);
  return Ring(std::move(*reader), std::move(*writer), data_bytes);
}

Ring::Ring(Mapping reader, Mapping writer, size_t data_bytes)
    : reader_(std::move(reader)),
      writer_(std::move(writer)),
      data_(writer_.data() + PageBytes()),
      data_bytes_(data_bytes),
      position_(__atomic_load_n(reinterpret_cast<const uint64_t*>(reader_.data()), __ATOMIC_ACQUIRE)),
      published_(position_) {}

uint64_t Ring::WriterPosition() const {
  return __atomic_load_n(reinterpret_cast<const uint64_t*>(writer_.data()), __ATOMIC_ACQUIRE);
}

void Ring::PublishPosition() {
  __atomic_store_n(reinterpret_cast<uint64_t*>(reader_.data()), position_, __ATOMIC_RELEASE);
  published_ = position_;
}

bool Ring::HasRecords() const { return WriterPosition() != position_; }

double Ring::Filled() const {
  return static_cast<double>(WriterPosition() - position_) / static_cast<double>(data_bytes_);
}

Result<size_t> Ring::Drain(size_t max_records, const OnRecord& on_record) {
  const uint64_t end = WriterPosition();
  const uint64_t enough = position_ + kBatchBytes;
  size_t handed = 0;
  while (position_ < end && position_ < enough && handed < max_records) {
    const uint8_t* const at = data_ + (position_ & (data_bytes_ - 1));
    const uint32_t length = __atomic_load_n(reinterpret_cast<const uint32_t*>(at), __ATOMIC_ACQUIRE);
    if ((length & BPF_RINGBUF_BUSY_BIT) != 0) {
      break;
    }
    const size_t bytes = length & ~BPF_RINGBUF_DISCARD_BIT;
    const uint64_t step = (kRecordHeaderBytes + bytes + 7) & ~uint64_t{7};
    if (step > end - position_) {
      return Fail("the ring buffer contradicts itself: a record of " + std::to_string(bytes) + " bytes where " +
                  std::to_string(end - position_) + " bytes are filled");
    }
    if ((length & BPF_RINGBUF_DISCARD_BIT) == 0) {
      on_record(Bytes(at + kRecordHeaderBytes, bytes));
      ++handed;
    }
    position_ += step;
    if (position_ - published_ >= kPublishBytes) {
      PublishPosition();
    }
  }
  if (position_ != published_) {
    PublishPosition();
  }
  return handed;
}

}  // namespace rpctee::tap
