#include "stream/message_framer.h"

#include <algorithm>

#include "protocol/codec.h"

namespace rpctee::stream {
namespace {

using protocol::MessageKind;

// So much of a message tells that it is one: version, type, and the length of the name.
constexpr uint64_t kHeadBytes = 8;

}  // namespace

bool MessageFramer::Consume(Bytes bytes) {
  while (!bytes.empty()) {
    const std::optional<size_t> used = open_ == nullptr ? Begin(bytes) : GoOn(bytes);
    if (!used) {
      return false;
    }
    bytes = bytes.subspan(*used);
  }
  return true;
}

// Most messages come whole, and are passed on where they stand. One that is too long to mirror, and yet one, is read to
// its end and passed over.
std::optional<size_t> MessageFramer::Begin(Bytes bytes) {
  Scanner scanner(protocol::kMaxBodyBytes);
  const size_t used = scanner.Feed(bytes);
  const bool is_sampled = requests_.Draw();
  if (scanner.done()) {
    Deliver(scanner, is_sampled, bytes.first(used));
    return used;
  }
  open_ = std::make_unique<Open>(Open{scanner, is_sampled, {}});
  const bool goes_on = !scanner.failed() && charge_.Take(HeapBytes(sizeof(Open))) && Hold(bytes.first(used));
  return goes_on ? std::optional(used) : std::nullopt;
}

std::optional<size_t> MessageFramer::GoOn(Bytes bytes) {
  Scanner& scanner = open_->scanner;
  const size_t used = scanner.Feed(bytes);
  if (scanner.failed() || !Hold(bytes.first(used))) {
    return std::nullopt;
  }
  if (scanner.done()) {
    Deliver(scanner, open_->is_sampled, open_->held);
    Close();
  }
  return used;
}

bool MessageFramer::Hold(Bytes bytes) {
  std::vector<uint8_t>& held = open_->held;
  if (!open_->is_sampled || IsTooBig(open_->scanner)) {
    charge_.Free(held.capacity());
    held = std::vector<uint8_t>();  // `= {}` would keep the memory
    return true;
  }
  const size_t needed = held.size() + bytes.size();
  const size_t capacity = held.capacity();
  if (needed > capacity) {
    const size_t wanted = std::max(needed, std::min<size_t>(2 * capacity, requests_.max_request_bytes()));
    if (!charge_.Take(wanted - capacity)) {
      return false;
    }
    held.reserve(wanted);
  }
  held.insert(held.end(), bytes.begin(), bytes.end());
  return true;
}

void MessageFramer::Close() {
  charge_.Free(charge_.bytes());
  open_.reset();
}

void MessageFramer::Deliver(const Scanner& scanner, bool is_sampled, Bytes message) {
  if (Book(scanner, is_sampled)) {
    requests_.Write(Content::kThriftUnframed, static_cast<uint32_t>(message.size()), 0, message);
  }
}

bool MessageFramer::Book(const Scanner& scanner, bool is_sampled) {
  if (scanner.kind() != MessageKind::kRequest && scanner.kind() != MessageKind::kOneway) {
    return false;
  }
  if (IsTooBig(scanner)) {
    requests_.Book(StreamRequest::kTooBig);
    return false;
  }
  requests_.Book(is_sampled ? StreamRequest::kSampled : StreamRequest::kNotSampled);
  return is_sampled;
}

// A message is booked when its end is known, so this one is not yet.
void MessageFramer::Cut(CutReason reason) {
  if (open_ == nullptr) {
    return;
  }
  const uint64_t bytes = open_->scanner.message_bytes();
  if (bytes >= kHeadBytes && Book(open_->scanner, open_->is_sampled)) {
    requests_.Write(Content::kThriftUnframed, static_cast<uint32_t>(bytes) + 1, 0, {});
    requests_.Cut(reason);
  }
  Close();
}

}  // namespace rpctee::stream
