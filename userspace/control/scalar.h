// What a plain value in YAML means: numbers, true and false, durations and sizes, strictly.
//
// Any thread; pure functions. Errors say what was expected; the caller adds where.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "control/yaml_document.h"

namespace rpctee::control {

// A string: in quotes, or a plain word that YAML does not take for a number, true, false or null.
Result<std::string_view> ToText(const YamlNode& node);
Result<bool> ToBool(const YamlNode& node);
// Decimal, 0x hexadecimal, or a decimal fraction without a remainder ("100.0"); also in quotes, as protobuf's JSON
// writes 64-bit numbers.
Result<int64_t> ToInt(const YamlNode& node, int64_t min, int64_t max);
Result<uint64_t> ToUint(const YamlNode& node, uint64_t max);
Result<double> ToDouble(const YamlNode& node);
// "1.5s", "500ms", "2m": a number and one of ns, us, ms, s, m, h. At most 285 years.
Result<int64_t> ToDurationNs(const YamlNode& node);
// 4096, "64KiB", "8MiB", "1GiB".
Result<uint64_t> ToByteSize(const YamlNode& node);

}  // namespace rpctee::control
