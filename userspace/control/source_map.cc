#include "control/source_map.h"

#include <fmt/format.h>
#include <google/protobuf/message.h>

namespace rpctee::control {

std::string UnusedKey::Describe() const {
  if (is_null) {
    return fmt::format("{} stands without a value", path);
  }
  if (!similar.empty()) {
    return fmt::format("{} is not known (did you mean \"{}\"?)", path, similar);
  }
  return fmt::format("{} is not known", path);
}

void SourceMap::Add(const google::protobuf::Message& message, Position position) {
  messages_.insert_or_assign(&message, std::move(position));
}

void SourceMap::AddField(const google::protobuf::Message& message, int field_number, Position position) {
  fields_.insert_or_assign({&message, field_number}, std::move(position));
}

void SourceMap::AddUnused(UnusedKey key) {
  unused_by_owner_[key.owner].push_back(unused_.size());
  unused_.push_back(std::move(key));
}

const std::vector<size_t>& SourceMap::UnusedOf(const google::protobuf::Message& message) const {
  static const std::vector<size_t> kNone;
  const auto found = unused_by_owner_.find(&message);
  return found == unused_by_owner_.end() ? kNone : found->second;
}

const Position& SourceMap::Of(const google::protobuf::Message& message) const {
  const auto found = messages_.find(&message);
  return found == messages_.end() ? fallback_ : found->second;
}

const Position& SourceMap::OfField(const google::protobuf::Message& message, int field_number) const {
  const auto found = fields_.find({&message, field_number});
  return found == fields_.end() ? Of(message) : found->second;
}

bool SourceMap::HasField(const google::protobuf::Message& message, int field_number) const {
  return fields_.contains({&message, field_number});
}

}  // namespace rpctee::control
