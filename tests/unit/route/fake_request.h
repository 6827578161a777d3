// A request made of named fields, for tests of routes: each field present, absent or undecodable. Counts look-ups.
#pragma once

#include <map>
#include <string>

#include "protocol/codec.h"
#include "route/text.h"

namespace rpctee::route {

class FakeRequest : public protocol::RequestView {
 public:
  FakeRequest() = default;
  explicit FakeRequest(std::map<std::string, std::string> fields) : fields_(std::move(fields)) {}

  FakeRequest& Undecodable(const std::string& name) {
    undecodable_[name] = true;
    return *this;
  }
  int lookups(const std::string& name) const {
    const auto count = lookups_.find(name);
    return count == lookups_.end() ? 0 : count->second;
  }

  protocol::FieldValue Field(std::string_view name) override {
    const std::string folded = Fold(std::string(name));
    ++lookups_[folded];
    if (undecodable_.contains(folded)) {
      return {protocol::FieldValue::Status::kUndecodable, {}};
    }
    const auto field = fields_.find(folded);
    if (field == fields_.end()) {
      return {};
    }
    return {protocol::FieldValue::Status::kPresent, field->second};
  }

 private:
  std::map<std::string, std::string> fields_;
  std::map<std::string, bool> undecodable_;
  std::map<std::string, int> lookups_;
};

}  // namespace rpctee::route
