// Catches what libbpf prints on this thread while an object of this class lives, so that errors can quote it and
// nothing reaches stderr. One at a time on a thread; an inner one takes over until it goes.
//
// libbpf's print callback is one for the whole process: the first object installs ours, for good.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rpctee::tap {

class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;

  // The last line that says why: not libbpf's summary behind it, nor the verifier's statistics. Empty when there is
  // none.
  std::string Reason() const;
  void Append(std::string_view text);

 private:
  std::string text_;
  LibbpfLog* outer_;
};

}  // namespace rpctee::tap
