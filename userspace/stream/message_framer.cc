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
  is_sampled_ = requests_.Draw();
  if (scanner.done()) {
    Deliver(scanner, bytes.first(used));
    return used;
  }
  open_ = std::make_unique<Scanner>(scanner);
  const bool goes_on = !scanner.failed() && charge_.Take(sizeof(Scanner)) && Hold(bytes.first(used));
  return goes_on ? std::optional(used) : std::nullopt;
}

std::optional<size_t> MessageFramer::GoOn(Bytes bytes) {
  const size_t used = open_->Feed(bytes);
  if (open_->failed() || !Hold(bytes.first(used))) {
    return std::nullopt;
  }
  if (open_->done()) {
    Deliver(*open_, held_);
    Drop();
    charge_.Free(charge_.bytes());
    open_.reset();
  }
  return used;
}

bool MessageFramer::Hold(Bytes bytes) {
  if (!is_sampled_ || IsTooBig(*open_)) {
    Drop();
    return true;
  }
  const size_t needed = held_.size() + bytes.size();
  const size_t held = held_.capacity();
  if (needed > held) {
    const size_t wanted = std::max(needed, std::min<size_t>(2 * held, requests_.max_request_bytes()));
    if (!charge_.Take(wanted - held)) {
      return false;
    }
    held_.reserve(wanted);
  }
  held_.insert(held_.end(), bytes.begin(), bytes.end());
  return true;
}

void MessageFramer::Drop() {
  charge_.Free(held_.capacity());
  held_ = std::vector<uint8_t>();  // `= {}` would keep the memory
}

void MessageFramer::Deliver(const Scanner& scanner, Bytes message) {
  if (Book(scanner)) {
    requests_.Write(Content::kThriftUnframed, static_cast<uint32_t>(message.size()), 0, message);
  }
}

bool MessageFramer::Book(const Scanner& scanner) {
  if (scanner.kind() != MessageKind::kRequest && scanner.kind() != MessageKind::kOneway) {
    return false;
  }
  if (IsTooBig(scanner)) {
    requests_.Book(StreamRequest::kTooBig);
    return false;
  }
  requests_.Book(is_sampled_ ? StreamRequest::kSampled : StreamRequest::kNotSampled);
  return is_sampled_;
}

// A message is booked when its end is known, so this one is not yet.
void MessageFramer::Cut(CutReason reason) {
  if (open_ == nullptr) {
    return;
  }
  if (open_->message_bytes() >= kHeadBytes && Book(*open_)) {
    requests_.Write(Content::kThriftUnframed, static_cast<uint32_t>(open_->message_bytes()) + 1, 0, {});
    requests_.Cut(reason);
  }
  Drop();
  charge_.Free(charge_.bytes());
  open_.reset();
}

}  // namespace rpctee::stream
