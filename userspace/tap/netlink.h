// Dump requests to the kernel by netlink, and the attributes of its messages.
//
// Any thread. A socket belongs to the network namespace of the thread that opened it, whoever uses it later.
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include <cstdint>
#include <functional>

#include "base/fd.h"
#include "base/result.h"

namespace rpctee::tap {

// groups: a mask of RTMGRP_*; 0 for a socket that only asks. Reads never block on a socket that has groups, and give up
// after two seconds on one that has none.
Result<Fd> OpenRouteSocket(uint32_t groups);
// One that only asks, of another netlink family: NETLINK_SOCK_DIAG, say.
Result<Fd> OpenAskingSocket(int family);

// Sends `request` (a dump request; its sequence number is filled in) and hands over every message of the answer.
// False when something changed meanwhile, so that the answer may lack entries: ask again.
Result<bool> Dump(int fd, nlmsghdr* request, const std::function<void(const nlmsghdr&)>& on_message);
// The same, until on_message returns false; then the rest of the answer is in the way of other questions on the socket.
Result<bool> DumpWhile(int fd, nlmsghdr* request, const std::function<bool(const nlmsghdr&)>& on_message);

// Calls `on_attribute(const nlattr&)` for each attribute behind the family header of `header_bytes`. Stays inside the
// message, whatever its lengths say.
template <typename OnAttribute>
void ForEachAttribute(const nlmsghdr& message, size_t header_bytes, OnAttribute on_attribute) {
  const auto call = [](const nlattr* attribute, void* context) {
    (*static_cast<OnAttribute*>(context))(*attribute);
    return MNL_CB_OK;
  };
  (void)mnl_attr_parse(&message, static_cast<unsigned int>(header_bytes), call, &on_attribute);
}

// The same for the attributes inside `nest`.
template <typename OnAttribute>
void ForEachNested(const nlattr& nest, OnAttribute on_attribute) {
  const auto call = [](const nlattr* attribute, void* context) {
    (*static_cast<OnAttribute*>(context))(*attribute);
    return MNL_CB_OK;
  };
  (void)mnl_attr_parse_nested(&nest, call, &on_attribute);
}

// The text of an attribute; empty when it is not one.
inline const char* AttributeText(const nlattr& attribute) {
  return mnl_attr_validate(&attribute, MNL_TYPE_NUL_STRING) >= 0 ? mnl_attr_get_str(&attribute) : "";
}

}  // namespace rpctee::tap
