#include "tap/libbpf_log.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>

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

std::string LibbpfLog::Tail(size_t lines) const {
  std::string_view rest = text_;
  while (!rest.empty() && rest.back() == '\n') {
    rest.remove_suffix(1);
  }
  size_t start = rest.size();
  for (size_t i = 0; i < lines && start != 0; ++i) {
    const size_t newline = rest.rfind('\n', start - 1);
    if (newline == std::string_view::npos) {
      return std::string(rest);
    }
    start = newline;
  }
  return std::string(rest.substr(start == rest.size() ? start : start + 1));
}

}  // namespace rpctee::tap
