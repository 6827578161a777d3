// Names of the kernel functions that a translated program calls.
//
// A translated helper call holds the distance of the function from __bpf_call_base. Read once; immutable afterwards, so
// any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace rpctee::lint {

class KernelSymbols {
 public:
  // /proc/kallsyms. Fails where the kernel has none or hides its addresses from us.
  static Result<KernelSymbols> Read();
  // `text` as in /proc/kallsyms. Functions of modules are left out: no helper lives there.
  static Result<KernelSymbols> Parse(std::string_view text);

  // All names of the function at `distance` from __bpf_call_base; none when it is no function's first byte.
  std::vector<std::string> NamesAt(int32_t distance) const;

 private:
  void AddLine(std::string_view line);

  uint64_t base_ = 0;
  std::unordered_multimap<uint64_t, std::string> names_;
};

}  // namespace rpctee::lint
