// Where each message that came from text stands in it, and which keys of the text its type does not know.
//
// Filled by FromYaml, read by the code that turns messages into routes; for messages from the wire it is empty, and
// every origin is the default one. Messages are named by their address, so they must not be moved or copied.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "route/route_set.h"

namespace google::protobuf {
class Message;
}

namespace rpctee::control {

// A key that a message type does not have, or (is_null) a key that stands without a value.
struct UnusedKey {
  route::Origin origin;
  std::string path;     // "spec.routes[0].mirrorPercent"
  std::string similar;  // the known key that it resembles, or ""
  const google::protobuf::Message* owner = nullptr;
  bool is_null = false;
  // `"mirorPercentage" is not known (did you mean "mirrorPercentage"?)`
  std::string Describe() const;
};

struct Position {
  route::Origin origin;
  std::string path;
};

class SourceMap {
 public:
  SourceMap() = default;
  explicit SourceMap(route::Origin fallback) { fallback_.origin = std::move(fallback); }

  void Add(const google::protobuf::Message& message, Position position);
  void AddField(const google::protobuf::Message& message, int field_number, Position position);
  void AddUnused(UnusedKey key);

  const Position& Of(const google::protobuf::Message& message) const;
  const route::Origin& OriginOf(const google::protobuf::Message& message) const { return Of(message).origin; }
  // Where a field's value stands; the message's own place when that was not recorded.
  const Position& OfField(const google::protobuf::Message& message, int field_number) const;
  bool HasField(const google::protobuf::Message& message, int field_number) const;
  const std::vector<UnusedKey>& unused() const { return unused_; }
  // The unused keys of one message: indexes into unused().
  const std::vector<size_t>& UnusedOf(const google::protobuf::Message& message) const;

 private:
  Position fallback_;
  std::unordered_map<const google::protobuf::Message*, Position> messages_;
  std::map<std::pair<const google::protobuf::Message*, int>, Position> fields_;
  std::vector<UnusedKey> unused_;
  std::unordered_map<const google::protobuf::Message*, std::vector<size_t>> unused_by_owner_;
};

}  // namespace rpctee::control
