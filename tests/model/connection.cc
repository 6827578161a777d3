#include "model/connection.h"

#include <algorithm>

namespace rpctee::test {
namespace {

constexpr size_t kIdOffset = 4;
constexpr size_t kIdBytes = 8;

void SetId(ByteVector& bytes, size_t head, uint64_t id) {
  for (size_t i = 0; i < kIdBytes; ++i) {
    bytes[head + kIdOffset + i] = static_cast<uint8_t>(id >> (8 * (kIdBytes - 1 - i)));
  }
}

}  // namespace

uint64_t IdOf(Bytes frame) {
  uint64_t id = 0;
  for (const uint8_t byte : frame.subspan(kIdOffset, kIdBytes)) {
    id = id << 8 | byte;
  }
  return id;
}

Connection::Connection(const std::vector<ByteVector>& requests, uint64_t first_id, uint32_t first_seq)
    : first_id_(first_id), first_seq_(first_seq) {
  for (const ByteVector& request : requests) {
    const size_t from = bytes_.size();
    bytes_.insert(bytes_.end(), request.begin(), request.end());
    SetId(bytes_, from, first_id + requests_.size());
    requests_.push_back({from, bytes_.size()});
  }
  seen_bytes_.resize(bytes_.size());
  is_seen_.resize(bytes_.size());
}

void Connection::See(size_t from, Bytes bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (!is_seen_[from + i]) {
      is_seen_[from + i] = true;
      seen_bytes_[from + i] = bytes[i];
    }
  }
  end_ = std::max(end_, from + bytes.size());
}

size_t Connection::Contiguous() const {
  const auto begin = is_seen_.begin();
  return static_cast<size_t>(std::find(begin + static_cast<std::ptrdiff_t>(*beginning_), is_seen_.end(), false) -
                             begin);
}

void Connection::Promise(size_t end) {
  for (Request& request : requests_) {
    request.must_come = request.must_come || (request.from >= *beginning_ && request.to <= end);
  }
}

void Connection::Pause() {
  if (!beginning_) {
    return;
  }
  const size_t contiguous = Contiguous();
  if (contiguous < end_) {
    Promise(contiguous);
    beginning_.reset();
  }
}

std::optional<std::string> Connection::Take(Bytes frame) {
  const uint64_t id = IdOf(frame);
  const std::string name = "request " + std::to_string(id) + " of " + std::to_string(frame.size()) + " bytes ";
  if (id < first_id_ || id - first_id_ >= requests_.size()) {
    return name + "was never sent";
  }
  const auto index = static_cast<size_t>(id - first_id_);
  Request& request = requests_[index];
  if (request.came || index < next_request_) {
    return name + (request.came ? "came twice" : "came after a later one");
  }
  request.came = true;
  next_request_ = index + 1;
  const auto from = static_cast<std::ptrdiff_t>(request.from);
  const auto to = static_cast<std::ptrdiff_t>(request.to);
  if (std::find(is_seen_.begin() + from, is_seen_.begin() + to, false) != is_seen_.begin() + to) {
    return name + "came though not all of it was seen";
  }
  if (!std::equal(frame.begin(), frame.end(), seen_bytes_.begin() + from, seen_bytes_.begin() + to)) {
    return name + "came in other bytes than those that were seen first";
  }
  return std::nullopt;
}

std::optional<std::string> Connection::Finish() {
  if (beginning_) {
    Promise(Contiguous());
  }
  for (const Request& request : requests_) {
    if (request.must_come && !request.came) {
      return "request " + std::to_string(first_id_ + static_cast<uint64_t>(&request - requests_.data())) + " at " +
             std::to_string(request.from) + " did not come";
    }
  }
  return std::nullopt;
}

}  // namespace rpctee::test
