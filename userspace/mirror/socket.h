// Makes the sockets on which copies leave. Any thread.
#pragma once

#include "base/address.h"
#include "base/fd.h"
#include "base/result.h"
#include "mirror/observer.h"

namespace rpctee::mirror {

struct ConnectingSocket {
  Fd fd;  // non-blocking; connect() was begun and may still be under way
  SocketAddress local;
};

// Fails when connect() can't be begun, and when the mark can't be set: copies on an unmarked connection could be taken
// for production requests and be copied again.
Result<ConnectingSocket> StartConnect(const SocketAddress& remote, const MirrorOptions& options);

// Makes the next close of the socket a reset, which drops what the kernel has not sent yet.
void ResetOnClose(const Fd& fd);

// Whether this process may set the mark (CAP_NET_ADMIN). 0 needs nothing.
Status CheckSocketMark(uint32_t mark);

}  // namespace rpctee::mirror
