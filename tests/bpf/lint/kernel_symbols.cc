#include "bpf/lint/kernel_symbols.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

namespace rpctee::lint {
namespace {

constexpr std::string_view kBaseName = "__bpf_call_base";

}  // namespace

Result<KernelSymbols> KernelSymbols::Read() {
  std::ifstream file("/proc/kallsyms");
  if (!file) {
    return Fail("can't open /proc/kallsyms");
  }
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return Parse(text);
}

Result<KernelSymbols> KernelSymbols::Parse(std::string_view text) {
  KernelSymbols symbols;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    symbols.AddLine(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (symbols.base_ == 0) {
    return Fail("/proc/kallsyms does not tell the address of __bpf_call_base");
  }
  return symbols;
}

// "ffffffff81234560 T name", and "\t[module]" behind the name.
void KernelSymbols::AddLine(std::string_view line) {
  uint64_t address = 0;
  const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), address, 16);
  const auto digits = static_cast<size_t>(rest - line.data());
  if (error != std::errc() || address == 0 || line.size() < digits + 4 || line.find('\t') != std::string_view::npos) {
    return;
  }
  const std::string_view name = line.substr(digits + 3);
  if (name == kBaseName) {
    base_ = address;
  }
  names_.emplace(address, name);
}

std::vector<std::string> KernelSymbols::NamesAt(int32_t distance) const {
  std::vector<std::string> names;
  const auto [first, last] = names_.equal_range(base_ + static_cast<uint64_t>(int64_t{distance}));
  std::transform(first, last, std::back_inserter(names), [](const auto& entry) { return entry.second; });
  return names;
}

}  // namespace rpctee::lint
