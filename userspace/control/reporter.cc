#include "control/reporter.h"

#include <fmt/format.h>
#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <vector>

namespace rpctee::control {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void Reporter::Warn(const Message& message, std::string_view text) const {
  const Position& position = sources_.Of(message);
  diagnostics_.push_back({Severity::kWarning, position.origin,
                          position.path.empty() ? std::string(text) : fmt::format("{}: {}", position.path, text)});
}

bool Reporter::HasUnusedKeys(const Message& message, std::string_view consequence) {
  const std::vector<size_t>& indexes = sources_.UnusedOf(message);
  for (const size_t index : indexes) {
    const UnusedKey& key = sources_.unused()[index];
    diagnostics_.push_back({Severity::kWarning, key.origin, fmt::format("{}; {}", key.Describe(), consequence)});
    told_.insert(index);
  }
  return !indexes.empty();
}

bool Reporter::HasUnsupported(const Message& part, std::string_view consequence) {
  if (part.GetDescriptor()->full_name() == "rpctee.options.v1.Ignored") {
    return false;
  }
  bool found = HasUnusedKeys(part, consequence);
  const google::protobuf::Reflection& reflection = *part.GetReflection();
  const google::protobuf::UnknownFieldSet& unknown = reflection.GetUnknownFields(part);
  if (!unknown.empty()) {
    Warn(part, fmt::format("field number {} is not supported; {}", unknown.field(0).number(), consequence));
    found = true;
  }
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(part, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      continue;
    }
    const int size = field->is_repeated() ? reflection.FieldSize(part, field) : 1;
    for (int i = 0; i < size; ++i) {
      const Message& child =
          field->is_repeated() ? reflection.GetRepeatedMessage(part, field, i) : reflection.GetMessage(part, field);
      found = HasUnsupported(child, consequence) || found;
    }
  }
  return found;
}

void Reporter::WarnOfUnusedKeys() const {
  for (size_t i = 0; i < sources_.unused().size(); ++i) {
    const UnusedKey& key = sources_.unused()[i];
    if (!told_.contains(i)) {
      diagnostics_.push_back({Severity::kWarning, key.origin, key.Describe() + "; passed over"});
    }
  }
}

}  // namespace rpctee::control
