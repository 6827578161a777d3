// A TCP connection with both ends in this process, each end in its own network namespace.
//
// One thread writes and then reads what it wrote, so nothing waits for a scheduler and no answers flow back: what the
// tap sees is the writes, each as one packet if it fits. Owns both sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/fd.h"
#include "base/result.h"

namespace rpctee::bench {

// Moves the calling thread into the namespace of that file (/run/netns/NAME).
Status EnterNamespace(const std::string& path);

class Pipe {
 public:
  // to: where the receiving end listens. Leaves the thread in the sender's namespace.
  static Result<Pipe> Open(const std::string& sender_namespace, const std::string& receiver_namespace,
                           const SocketAddress& to);

  // Writes the bytes in one call, and reads all of them at the other end.
  Status Pass(std::string_view bytes);

 private:
  Pipe(Fd sender, Fd receiver) : sender_(std::move(sender)), receiver_(std::move(receiver)), buffer_(kReadBytes) {}
  Status Receive(size_t bytes);

  static constexpr size_t kReadBytes = size_t{256} * 1024;
  Fd sender_;
  Fd receiver_;
  std::vector<char> buffer_;
};

}  // namespace rpctee::bench
