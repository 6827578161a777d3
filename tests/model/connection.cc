#include "model/connection.h"

#include <algorithm>

namespace rpctee::test {

void Connection::Add(const SampleRequest& request) {
  const size_t from = bytes_.size();
  bytes_.insert(bytes_.end(), request.bytes.begin(), request.bytes.end());
  SetId(bytes_, from + request.id_at, first_id_ + requests_.size());
  for (const size_t place : request.planted) {
    planted_.push_back(from + place);
  }
  requests_.push_back({from, bytes_.size()});
  seen_bytes_.resize(bytes_.size());
  is_seen_.resize(bytes_.size());
}

bool Connection::IsPlanted(size_t position) const {
  return std::binary_search(planted_.begin(), planted_.end(), position);
}

bool Connection::EndsRequests(size_t end) const {
  return std::any_of(requests_.begin(), requests_.end(),
                     [&](const Request& request) { return request.to == end && request.from >= beginning_->at; });
}

void Connection::Open() {
  if (!was_seen_) {
    beginning_ = {0, true};
  }
}

void Connection::See(size_t from, Bytes bytes) {
  const size_t to = from + bytes.size();
  if (bytes.empty()) {
    return;
  }
  if (!beginning_ && to > end_ && has_lengths_ && searches_left_ > 0) {
    beginning_ = {std::max(from, end_), false};
    --searches_left_;
  }
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (!is_seen_[from + i]) {
      is_seen_[from + i] = true;
      seen_bytes_[from + i] = bytes[i];
    }
  }
  end_ = std::max(end_, to);
  was_seen_ = true;
}

size_t Connection::Next(size_t from, bool is_seen) const {
  const auto begin = is_seen_.begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(end_);
  return static_cast<size_t>(std::find(begin + static_cast<std::ptrdiff_t>(from), end, is_seen) - begin);
}

size_t Connection::holes() const {
  size_t count = 0;
  for (size_t at = beginning_ ? Next(beginning_->at, false) : end_; at < end_; at = Next(Next(at, true), false)) {
    ++count;
  }
  return count;
}

void Connection::Promise(size_t end) {
  for (Request& request : requests_) {
    request.must_come = request.must_come || (request.from >= beginning_->at && request.to <= end);
  }
}

void Connection::End() {
  if (beginning_ && beginning_->is_sure) {
    Promise(Next(beginning_->at, false));
  }
  beginning_.reset();
  searches_left_ = 0;
}

void Connection::Pause() {
  while (beginning_) {
    const size_t end = Next(beginning_->at, false);
    beginning_->is_sure = beginning_->is_sure || EndsRequests(end);
    if (beginning_->is_sure) {
      Promise(end);
    }
    if (end == end_) {
      return;
    }
    if (has_lengths_) {
      beginning_ = {Next(end, true), false};
    } else {
      beginning_.reset();
    }
  }
}

std::optional<std::string> Connection::Take(Bytes bytes) {
  const uint64_t id = IdOf(bytes);
  const std::string name = "request " + std::to_string(id) + " of " + std::to_string(bytes.size()) + " bytes ";
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
  if (!std::equal(bytes.begin(), bytes.end(), seen_bytes_.begin() + from, seen_bytes_.begin() + to)) {
    return name + "came in other bytes than those that were seen first";
  }
  return std::nullopt;
}

std::optional<std::string> Connection::Finish() const {
  for (size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i].must_come && !requests_[i].came) {
      return "request " + std::to_string(first_id_ + i) + " at " + std::to_string(requests_[i].from) + " did not come";
    }
  }
  return std::nullopt;
}

uint64_t Connection::promised() const {
  return static_cast<uint64_t>(
      std::count_if(requests_.begin(), requests_.end(), [](const Request& request) { return request.must_come; }));
}

}  // namespace rpctee::test
