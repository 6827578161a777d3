// From a request and a rule to the copy that goes out: whether it does, and with which attachments.
//
// One worker thread. What it made is valid until the next copy, and as long as the frame and the snapshot.
#pragma once

#include <optional>
#include <span>

#include "base/ledger.h"
#include "protocol/request_edit.h"
#include "route/snapshot.h"
#include "stream/assembler.h"

namespace rpctee::agent {

// Whether the request is a copy itself, or was made by one's way through an application that passes attachments on. The
// look-up walks the body as adding the mark does, and the request remembers it, so it costs next to nothing. A body
// that nobody here can read counts as marked when the name of the attachment stands in its last kMarkBytes.
inline constexpr size_t kMarkBytes = size_t{64} << 10;
bool CarriesMark(const route::Mark& mark, Bytes frame, protocol::Request& request);

class CopyMaker {
 public:
  // How the copy ends at once; nothing when it is to be sent.
  std::optional<CopyOutcome> Make(const route::Rule& rule, const route::Mark& mark, const stream::Frame& frame,
                                  protocol::Request& request);

  std::span<const Bytes> pieces() const { return edit_.pieces(); }
  // The attachments are there, as far as any were asked for.
  bool is_complete() const { return is_complete_; }
  bool is_oneway() const { return is_oneway_; }

 private:
  protocol::RequestEdit edit_;
  bool is_complete_ = false;
  bool is_oneway_ = false;
};

}  // namespace rpctee::agent
