#include "tap/libbpf_log.h"

#include <bpf/libbpf.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <iterator>

namespace rpctee::tap {
namespace {

constexpr size_t kKeepBytes = 8'192;
thread_local LibbpfLog* current = nullptr;

// A verifier log comes as one text of up to megabytes; only its end matters, so it is formatted whole and cut.
__attribute__((format(printf, 2, 0))) int Capture(libbpf_print_level level, const char* format, va_list arguments) {
  if (current == nullptr || level == LIBBPF_DEBUG) {
    return 0;
  }
  va_list again;
  va_copy(again, arguments);
  const int bytes = std::vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (bytes > 0) {
    std::string text(static_cast<size_t>(bytes) + 1, '\0');
    std::vsnprintf(text.data(), text.size(), format, arguments);
    text.pop_back();
    current->Append(text);
  }
  return bytes;
}

bool IsSummary(std::string_view line) {
  constexpr std::string_view kBegins[] = {
      "libbpf: failed to load", "libbpf: prog", "processed ", "verification time", "stack depth", "-- END", "-- BEGIN"};
  return std::any_of(std::begin(kBegins), std::end(kBegins),
                     [line](std::string_view begin) { return line.starts_with(begin); });
}

}  // namespace

LibbpfLog::LibbpfLog() : outer_(current) {
  static const auto installed = libbpf_set_print(Capture);
  (void)installed;
  current = this;
}

LibbpfLog::~LibbpfLog() { current = outer_; }

void LibbpfLog::Append(std::string_view text) {
  if (text.size() > kKeepBytes) {
    text.remove_prefix(text.size() - kKeepBytes);
  }
  text_ += text;
  if (text_.size() > kKeepBytes) {
    text_.erase(0, text_.size() - kKeepBytes);
  }
}

std::string LibbpfLog::Reason() const {
  std::string_view rest = text_;
  while (!rest.empty()) {
    const size_t newline = rest.rfind('\n');
    const std::string_view line = newline == std::string_view::npos ? rest : rest.substr(newline + 1);
    if (!line.empty() && !IsSummary(line)) {
      return std::string(line);
    }
    rest = newline == std::string_view::npos ? std::string_view() : rest.substr(0, newline);
  }
  return {};
}

}  // namespace rpctee::tap
