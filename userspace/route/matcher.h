// One compiled FieldMatch. Immutable after Compile; any thread.
#pragma once

#include <re2/re2.h>

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "protocol/codec.h"
#include "route/route_set.h"

namespace rpctee::route {

enum class MatchResult : uint8_t { kMatch, kNoMatch, kUndecodable };

class Matcher {
 public:
  // Fails when a regular expression does not compile or is larger than the limit on RE2 programs.
  static Result<Matcher> Compile(const FieldMatch& match);

  MatchResult Test(protocol::RequestView& request) const;

 private:
  explicit Matcher(FieldMatch match) : match_(std::move(match)) {}
  bool TestText(std::string_view value) const;

  FieldMatch match_;
  std::shared_ptr<const re2::RE2> regex_;  // kRegex only; shared so that a Matcher can be copied
};

}  // namespace rpctee::route
