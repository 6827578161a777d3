#include "route/matcher.h"

#include <charconv>
#include <utility>

#include "route/text.h"

namespace rpctee::route {
namespace {

bool IsInRange(std::string_view value, int64_t start, int64_t end) {
  if (value.starts_with('+') && !value.starts_with("+-")) {
    value.remove_prefix(1);
  }
  int64_t number = 0;
  const auto [stop, code] = std::from_chars(value.data(), value.data() + value.size(), number);
  return code == std::errc() && stop == value.data() + value.size() && number >= start && number < end;
}

Result<std::shared_ptr<const re2::RE2>> CompileRegex(const FieldMatch& match) {
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(kRegexMaxBytes);
  auto regex = std::make_shared<const re2::RE2>(match.text, options);
  if (!regex->ok()) {
    return Fail("the regular expression '" + match.text + "' for field '" + match.name + "': " + regex->error());
  }
  if (regex->ProgramSize() > kRegexMaxProgram) {
    return Fail("the regular expression '" + match.text + "' for field '" + match.name + "' is too large: " +
                std::to_string(regex->ProgramSize()) + " steps, at most " + std::to_string(kRegexMaxProgram));
  }
  return regex;
}

}  // namespace

Matcher::Matcher(FieldMatch match) : match_(std::move(match)) {
  if (match_.ignore_case) {
    match_.text = Fold(std::move(match_.text));
  }
}

Result<Matcher> Matcher::Compile(const FieldMatch& match) {
  Matcher matcher(match);
  if (match.kind == FieldMatch::Kind::kRegex) {
    auto regex = CompileRegex(match);
    if (!regex) {
      return tl::unexpected(regex.error());
    }
    matcher.regex_ = std::move(*regex);
  }
  return matcher;
}

MatchResult Matcher::Test(protocol::RequestView& request) const {
  const protocol::FieldValue field = request.Field(match_.name);
  if (field.status == protocol::FieldValue::Status::kUndecodable) {
    return MatchResult::kUndecodable;
  }
  const bool is_presence = match_.kind == FieldMatch::Kind::kPresent;
  const bool missing = field.status == protocol::FieldValue::Status::kAbsent;
  bool holds = false;
  if (missing && !match_.treat_missing_as_empty) {
    // As in Envoy: inverting a condition on a value does not make it hold for a field that isn't there.
    holds = is_presence && match_.present == match_.invert;
  } else {
    const std::string_view value = missing ? std::string_view() : field.value;
    holds = (is_presence ? match_.present : TestValue(value)) != match_.invert;
  }
  return holds ? MatchResult::kMatch : MatchResult::kNoMatch;
}

bool Matcher::TestValue(std::string_view value) const {
  switch (match_.kind) {
    case FieldMatch::Kind::kRegex:
      return re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *regex_);
    case FieldMatch::Kind::kRange:
      return IsInRange(value, match_.range_start, match_.range_end);
    default:
      break;
  }
  if (match_.ignore_case) {
    return TestFolded(value);
  }
  switch (match_.kind) {
    case FieldMatch::Kind::kExact:
      return value == match_.text;
    case FieldMatch::Kind::kPrefix:
      return value.starts_with(match_.text);
    case FieldMatch::Kind::kSuffix:
      return value.ends_with(match_.text);
    case FieldMatch::Kind::kContains:
      return value.find(match_.text) != std::string_view::npos;
    default:
      return false;
  }
}

bool Matcher::TestFolded(std::string_view value) const {
  const size_t size = match_.text.size();
  switch (match_.kind) {
    case FieldMatch::Kind::kExact:
      return EqualsFolded(value, match_.text);
    case FieldMatch::Kind::kPrefix:
      return value.size() >= size && EqualsFolded(value.substr(0, size), match_.text);
    case FieldMatch::Kind::kSuffix:
      return value.size() >= size && EqualsFolded(value.substr(value.size() - size), match_.text);
    case FieldMatch::Kind::kContains:
      return ContainsFolded(value, match_.text);
    default:
      return false;
  }
}

}  // namespace rpctee::route
