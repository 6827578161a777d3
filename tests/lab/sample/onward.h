// A service that the sample provider calls on for each of its requests, as an application does that needs another one
// to answer.
//
// One thread; one connection, one call at a time. Calls carry all that came with the request, attachments too: Dubbo
// passes them on from service to service.
#pragma once

#include <memory>

#include "dubbo_wire.h"
#include "socket_stream.h"

namespace rpctee::sample {

class Onward {
 public:
  static Result<std::unique_ptr<Onward>> Open(const SocketAddress& address);
  // Asks with the header's flags and this body, and waits for the answer, if there is to be one. False when none came
  // in time, or one that is not OK.
  bool Call(const FrameHeader& header, Bytes body);

 private:
  explicit Onward(Fd fd) : stream_(std::move(fd)) {}
  bool TakeAnswer();
  bool Wait(short events) const;

  SocketStream stream_;
  uint64_t last_id_ = 0;
};

}  // namespace rpctee::sample
