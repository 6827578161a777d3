#include "control/scalar.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace rpctee::control {
namespace {

std::string Describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
    case YamlNode::Kind::kScalar:
      break;
  }
  constexpr size_t kShown = 40;
  return fmt::format("\"{}{}\"", node.text.substr(0, kShown), node.text.size() > kShown ? "..." : "");
}

tl::unexpected<Error> Expected(std::string_view what, const YamlNode& node) {
  return Fail(fmt::format("expected {}, found {}", what, Describe(node)));
}

template <typename Number>
std::optional<Number> Whole(std::string_view text, int base = 10) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// Finite decimal numbers only; no hexadecimal, no "inf".
std::optional<double> Real(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) {
    return std::nullopt;
  }
  if (text.front() == '+') {
    text.remove_prefix(1);
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

// "010" is eight to YAML 1.1 and ten to YAML 1.2: neither guess is safe.
bool HasLeadingZero(std::string_view text) {
  return text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

bool LooksLikeNumber(std::string_view text) { return Real(text).has_value() || text.substr(0, 2) == "0x"; }

bool LooksLikeBool(std::string_view text) {
  return text == "true" || text == "false" || text == "True" || text == "False" || text == "TRUE" || text == "FALSE";
}

struct Unit {
  std::string_view name;
  double factor;
};

// Splits "1.5s" into the number and the factor of its unit.
std::optional<std::pair<double, double>> NumberWithUnit(std::string_view text, std::initializer_list<Unit> units) {
  const size_t split = text.find_first_not_of("0123456789.");
  if (split == std::string_view::npos) {
    return std::nullopt;
  }
  const std::optional<double> number = Real(text.substr(0, split));
  for (const Unit& unit : units) {
    if (number && text.substr(split) == unit.name) {
      return std::pair(*number, unit.factor);
    }
  }
  return std::nullopt;
}

}  // namespace

Result<std::string_view> ToText(const YamlNode& node) {
  if (!node.is_scalar()) {
    return Expected("a string", node);
  }
  if (!node.quoted && (LooksLikeNumber(node.text) || LooksLikeBool(node.text))) {
    return Fail(fmt::format("expected a string, found {} without quotes", node.text));
  }
  return std::string_view(node.text);
}

Result<bool> ToBool(const YamlNode& node) {
  if (!node.is_scalar() || node.quoted || !LooksLikeBool(node.text)) {
    return Expected("true or false", node);
  }
  return node.text[0] == 't' || node.text[0] == 'T';
}

Result<uint64_t> ToUint(const YamlNode& node, uint64_t max) {
  const auto out_of_range = [&] { return Expected(fmt::format("a whole number from 0 to {}", max), node); };
  if (!node.is_scalar() || HasLeadingZero(node.text)) {
    return out_of_range();
  }
  std::optional<uint64_t> value = node.text.substr(0, 2) == "0x"
                                      ? Whole<uint64_t>(std::string_view(node.text).substr(2), 16)
                                      : Whole<uint64_t>(node.text);
  if (!value) {
    constexpr double kExact = 9007199254740992.0;  // 2^53: up to here a double holds every whole number
    const std::optional<double> real = Real(node.text);
    if (real && *real >= 0 && *real <= kExact && std::floor(*real) == *real) {
      value = static_cast<uint64_t>(*real);
    }
  }
  if (!value || *value > max) {
    return out_of_range();
  }
  return *value;
}

Result<int64_t> ToInt(const YamlNode& node, int64_t min, int64_t max) {
  const auto out_of_range = [&] { return Expected(fmt::format("a whole number from {} to {}", min, max), node); };
  if (node.is_scalar() && node.text.size() > 1 && node.text[0] == '-') {
    const std::string_view digits = std::string_view(node.text).substr(1);
    const std::optional<int64_t> value = HasLeadingZero(digits) ? std::nullopt : Whole<int64_t>(node.text);
    if (!value || *value < min) {
      return out_of_range();
    }
    return *value;
  }
  const Result<uint64_t> value = ToUint(node, static_cast<uint64_t>(max));
  if (!value) {
    return out_of_range();
  }
  return static_cast<int64_t>(*value);
}

Result<double> ToDouble(const YamlNode& node) {
  const std::optional<double> value = node.is_scalar() && !HasLeadingZero(node.text) ? Real(node.text) : std::nullopt;
  if (!value) {
    return Expected("a number", node);
  }
  return *value;
}

Result<int64_t> ToDurationNs(const YamlNode& node) {
  constexpr double kMaxSeconds = 9e9;  // fits int64 nanoseconds: about 285 years
  const auto parts =
      node.is_scalar()
          ? NumberWithUnit(node.text, {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}})
          : std::nullopt;
  if (!parts || parts->first * parts->second > kMaxSeconds * 1e9) {
    return Expected("a duration with its unit, as in \"1.5s\" or \"500ms\"", node);
  }
  return std::llround(parts->first * parts->second);
}

Result<uint64_t> ToByteSize(const YamlNode& node) {
  constexpr double kMax = 1ULL << 50;
  if (const Result<uint64_t> plain = ToUint(node, 1ULL << 50)) {
    return *plain;
  }
  const auto parts =
      node.is_scalar()
          ? NumberWithUnit(node.text, {{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}})
          : std::nullopt;
  if (!parts || parts->first * parts->second > kMax) {
    return Expected("a number of bytes, as in 4096, \"64KiB\" or \"8MiB\"", node);
  }
  return static_cast<uint64_t>(std::llround(parts->first * parts->second));
}

}  // namespace rpctee::control
