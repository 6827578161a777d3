// What a mirror sends back on a connection of one wire, cut into messages and judged.
//
// One thread; of fixed size, allocates nothing, whatever length the wire announces.
#pragma once

#include <string_view>
#include <variant>

#include "mirror/copy_head.h"
#include "mirror/dubbo_replies.h"
#include "mirror/thrift_replies.h"

namespace rpctee::mirror {

class ReplyReader {
 public:
  explicit ReplyReader(Wire wire) {
    if (wire != Wire::kDubbo) {
      reader_.emplace<ThriftReplies>(wire == Wire::kUnframedBinary || wire == Wire::kUnframedCompact);
    }
  }

  // The next bytes of the stream, in pieces of any size. False when no message can start where one should, or one makes
  // no sense: nothing more can be read from this stream, and error() says why.
  bool Read(Bytes bytes, TimePoint now, ReplySink& sink) {
    return std::visit([&](auto& reader) { return reader.Read(bytes, now, sink); }, reader_);
  }
  std::string_view error() const {
    return std::visit([](const auto& reader) { return reader.error(); }, reader_);
  }

 private:
  std::variant<DubboReplies, ThriftReplies> reader_;
};

}  // namespace rpctee::mirror
