// Tells what is worth telling about one message while it is turned into routes: with its place and path, and so that
// nothing which the message type does not know goes by in silence.
//
// Control thread. Owns nothing; lives as long as one message is being read.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "control/diagnostic.h"
#include "control/source_map.h"

namespace google::protobuf {
class Message;
}

namespace rpctee::control {

class Reporter {
 public:
  Reporter(const SourceMap& sources, Diagnostics& diagnostics) : sources_(sources), diagnostics_(diagnostics) {}

  void Warn(const google::protobuf::Message& message, std::string_view text) const;
  const route::Origin& OriginOf(const google::protobuf::Message& message) const { return sources_.OriginOf(message); }

  // Warns of every key of this message alone, not of those below it, that its type does not know or that stands without
  // a value, adding `consequence`. True when there was one.
  bool HasUnusedKeys(const google::protobuf::Message& message, std::string_view consequence);
  // For a part that decides something (a condition, an action): warns of every key or wire field at or below it that
  // its type does not know, adding `consequence`. True when there was one.
  bool HasUnsupported(const google::protobuf::Message& part, std::string_view consequence);

  // For all other keys that the types do not know: warns that they are passed over. Call once, at the end.
  void WarnOfUnusedKeys() const;

 private:
  const SourceMap& sources_;
  Diagnostics& diagnostics_;
  std::unordered_set<size_t> told_;  // indexes of SourceMap::unused()
};

}  // namespace rpctee::control
