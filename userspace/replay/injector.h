// A TAP device in a network namespace of its own, through which frames of a capture enter the kernel as if a wire had
// brought them, so that the tap program on its ingress sees them.
//
// Owns the device and the namespace; both go when the Injector goes. The process's own threads stay in their namespace.
// One thread at a time. Needs CAP_SYS_ADMIN (namespace) and CAP_NET_ADMIN (device).
//
// Inject() is synchronous: the kernel's tun driver hands a frame that is written to a TAP without IFF_NAPI to
// netif_receive_skb() inside write() (drivers/net/tun.c, tun_rx_batched), and a device of a new namespace has no
// receive packet steering, so the tc ingress programs have run when write() returns; tests/lab/replay holds the kernel
// to it. The device's MTU limits what it sends, not what it receives. IFF_VNET_HDR is not used: it would describe a
// super-packet to a stack that is going to forward it, and here every frame ends after the tc hook, addressed to
// nobody.
#pragma once

#include <cstdint>
#include <functional>

#include "base/byte_reader.h"
#include "base/fd.h"
#include "base/result.h"

namespace rpctee::replay {

class Injector {
 public:
  static Result<Injector> Create();

  // Of the device, in its own namespace.
  uint32_t ifindex() const { return ifindex_; }

  // Runs `task` on a thread of its own inside the namespace and waits for it. Attaching the tap program needs this: a
  // link is made in the namespace of the calling thread. `task` must not throw.
  Status RunInNamespace(const std::function<void()>& task) const;

  // Brings one frame in. From 14 bytes (an Ethernet header) to 64 KiB and beyond.
  Status Inject(Bytes ethernet_frame);

 private:
  Injector(Fd network_namespace, Fd device, uint32_t ifindex);
  static Result<Injector> CreateOnThisThread();

  Fd namespace_;
  Fd device_;
  uint32_t ifindex_;
};

}  // namespace rpctee::replay
