// Which methods a rule's copies may call. Immutable; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/codec.h"
#include "route/copy_policy.h"

namespace rpctee::route {

class MethodFilter {
 public:
  // Allows everything.
  MethodFilter() = default;
  explicit MethodFilter(const CopyPolicy& policy);

  // A method that can't be read is only allowed where all are. Looks at the request only where there is something to
  // decide.
  bool Allows(protocol::RequestView& request) const;

 private:
  static bool Fits(const std::vector<std::string>& patterns, std::string_view interface_name, std::string_view method);

  std::vector<std::string> allow_;
  std::vector<std::string> deny_;
  bool allow_by_default_ = true;
};

}  // namespace rpctee::route
