#include "route/method_filter.h"

#include <algorithm>

#include "route/pattern.h"

namespace rpctee::route {
namespace {

using Status = protocol::FieldValue::Status;

// The last dot of a pattern parts the interface from the method: no name of a method has one.
bool FitsOne(std::string_view pattern, std::string_view interface_name, std::string_view method) {
  const size_t dot = pattern.rfind('.');
  if (dot == std::string_view::npos) {
    return MatchesPattern(pattern, method);
  }
  return MatchesPattern(pattern.substr(0, dot), interface_name) && MatchesPattern(pattern.substr(dot + 1), method);
}

bool NeedsInterface(const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [](const std::string& pattern) { return pattern.find('.') != std::string::npos; });
}

}  // namespace

MethodFilter::MethodFilter(const CopyPolicy& policy)
    : allow_(policy.allow_methods), deny_(policy.deny_methods), allow_by_default_(policy.allow_by_default) {}

bool MethodFilter::Fits(const std::vector<std::string>& patterns, std::string_view interface_name,
                        std::string_view method) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return FitsOne(pattern, interface_name, method); });
}

bool MethodFilter::Allows(protocol::RequestView& request) const {
  if (deny_.empty() && allow_by_default_) {
    return true;
  }
  const protocol::FieldValue method = request.Field("method");
  if (method.status != Status::kPresent) {
    return false;
  }
  std::string_view interface_name;
  if (NeedsInterface(deny_) || NeedsInterface(allow_)) {
    const protocol::FieldValue field = request.Field("interface");
    if (field.status == Status::kUndecodable) {
      return false;
    }
    interface_name = field.value;
  }
  if (Fits(deny_, interface_name, method.value)) {
    return false;
  }
  return allow_by_default_ || Fits(allow_, interface_name, method.value);
}

}  // namespace rpctee::route
