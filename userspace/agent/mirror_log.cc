#include "agent/mirror_log.h"

namespace rpctee::agent {

std::optional<std::string> MirrorLog::OnClosed(const SocketAddress& mirror, const std::string& reason, TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (states_.size() >= kMaxEndpoints && !states_.contains(mirror)) {
    states_.clear();
  }
  const auto [position, is_new] = states_.try_emplace(mirror);
  State& state = position->second;
  if (!is_new && now - state.last_line < kInterval) {
    ++state.since;
    return std::nullopt;
  }
  std::string line = "mirror " + mirror.ToString() + ": connection closed: " + reason;
  if (state.since != 0) {
    line += " (and " + std::to_string(state.since) + " times since the last such line)";
  }
  state = {now, 0};
  return line;
}

std::optional<std::string> MirrorLog::OnOut(const SocketAddress& mirror, Duration time) {
  const std::lock_guard lock(mutex_);
  if (out_.size() >= kMaxEndpoints && !out_.contains(mirror)) {
    out_.clear();
  }
  if (!out_.insert(mirror).second) {
    return std::nullopt;
  }
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  return "mirror " + mirror.ToString() + ": gets no copies for " + std::to_string(milliseconds) +
         " ms, for it failed too often in a row; then one, whose end decides";
}

std::optional<std::string> MirrorLog::OnBack(const SocketAddress& mirror) {
  const std::lock_guard lock(mutex_);
  if (out_.erase(mirror) == 0) {
    return std::nullopt;
  }
  return "mirror " + mirror.ToString() + ": gets copies again";
}

}  // namespace rpctee::agent
