#include "control/header_match.h"

#include <fmt/format.h>

#include "envoy/config/route/v3/route_components.pb.h"

namespace rpctee::control {
namespace {

using envoy::config::route::v3::HeaderMatcher;
using envoy::type::matcher::v3::StringMatcher;
using Kind = route::FieldMatch::Kind;

// Sets kind and text; false when there is no pattern.
bool SetString(const StringMatcher& matcher, route::FieldMatch& match) {
  match.ignore_case = matcher.ignore_case();
  switch (matcher.match_pattern_case()) {
    case StringMatcher::kExact:
      match.kind = Kind::kExact;
      match.text = matcher.exact();
      return true;
    case StringMatcher::kPrefix:
      match.kind = Kind::kPrefix;
      match.text = matcher.prefix();
      return true;
    case StringMatcher::kSuffix:
      match.kind = Kind::kSuffix;
      match.text = matcher.suffix();
      return true;
    case StringMatcher::kContains:
      match.kind = Kind::kContains;
      match.text = matcher.contains();
      return true;
    case StringMatcher::kSafeRegex:
      match.kind = Kind::kRegex;
      match.text = matcher.safe_regex().regex();
      match.ignore_case = false;  // has no effect on patterns, says Envoy
      return true;
    case StringMatcher::MATCH_PATTERN_NOT_SET:
      break;
  }
  return false;
}

// Sets everything but the name; false when the matcher holds no condition that can be told.
bool SetCondition(const HeaderMatcher& matcher, route::FieldMatch& match) {
  switch (matcher.header_match_specifier_case()) {
    case HeaderMatcher::kExactMatch:
      match.kind = Kind::kExact;
      match.text = matcher.exact_match();
      return true;
    case HeaderMatcher::kPrefixMatch:
      match.kind = Kind::kPrefix;
      match.text = matcher.prefix_match();
      return true;
    case HeaderMatcher::kSuffixMatch:
      match.kind = Kind::kSuffix;
      match.text = matcher.suffix_match();
      return true;
    case HeaderMatcher::kContainsMatch:
      match.kind = Kind::kContains;
      match.text = matcher.contains_match();
      return true;
    case HeaderMatcher::kSafeRegexMatch:
      match.kind = Kind::kRegex;
      match.text = matcher.safe_regex_match().regex();
      return true;
    case HeaderMatcher::kRangeMatch:
      match.kind = Kind::kRange;
      match.range_start = matcher.range_match().start();
      match.range_end = matcher.range_match().end();
      return true;
    case HeaderMatcher::kPresentMatch:
      match.kind = Kind::kPresent;
      match.present = matcher.present_match();
      return true;
    case HeaderMatcher::kStringMatch:
      return SetString(matcher.string_match(), match);
    case HeaderMatcher::HEADER_MATCH_SPECIFIER_NOT_SET:
      match.kind = Kind::kPresent;  // a name alone asks for its presence
      return true;
  }
  return false;
}

bool NeedsText(Kind kind) {
  return kind == Kind::kPrefix || kind == Kind::kSuffix || kind == Kind::kContains || kind == Kind::kRegex;
}

}  // namespace

std::optional<route::FieldMatch> ToFieldMatch(const HeaderMatcher& matcher, const Reporter& reporter) {
  route::FieldMatch match;
  match.name = matcher.name();
  match.invert = matcher.invert_match();
  match.treat_missing_as_empty = matcher.treat_missing_header_as_empty();
  if (match.name.empty()) {
    reporter.Warn(matcher, "a condition without a name");
    return std::nullopt;
  }
  if (!SetCondition(matcher, match) || (NeedsText(match.kind) && match.text.empty())) {
    reporter.Warn(matcher, fmt::format("the condition on \"{}\" has no pattern", match.name));
    return std::nullopt;
  }
  return match;
}

}  // namespace rpctee::control
