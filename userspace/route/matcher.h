// One compiled FieldMatch. Immutable after Compile; any thread.
#pragma once

#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "protocol/codec.h"
#include "route/route_set.h"

namespace rpctee::route {

// Memory that one compiled pattern may use, its caches included. Matching time stays linear in the value whatever the
// pattern is; beyond this size RE2 would often fall back to its slow engine.
inline constexpr int64_t kRegexMaxBytes = int64_t{1} << 20;
// Instructions of a compiled pattern. Real patterns have tens to hundreds; Envoy's own default of 100 refuses some.
inline constexpr int kRegexMaxProgram = 10'000;

enum class MatchResult : uint8_t { kMatch, kNoMatch, kUndecodable };

class Matcher {
 public:
  // Fails when a regular expression does not compile or is larger than the limit on RE2 programs.
  static Result<Matcher> Compile(const FieldMatch& match);

  // Does not allocate, except what the view does (and RE2, while its caches warm up).
  MatchResult Test(protocol::RequestView& request) const;

 private:
  explicit Matcher(FieldMatch match);
  bool TestValue(std::string_view value) const;
  bool TestFolded(std::string_view value) const;

  FieldMatch match_;                       // its text in lower case when case is ignored
  std::shared_ptr<const re2::RE2> regex_;  // kRegex only; shared so that a Matcher can be copied
};

}  // namespace rpctee::route
