// One copy of a request on its way to a mirror cluster.
//
// A view: the bytes belong to the caller, and Mirror::Send keeps nothing of them.
#pragma once

#include <cstdint>
#include <span>

#include "base/byte_reader.h"
#include "base/capture.h"

namespace rpctee::mirror {

struct Copy {
  uint32_t cluster = 0;  // index as in Mirror::SetClusters
  uint32_t rule = 0;     // comes back in the callbacks
  Content protocol = Content::kDubbo;
  // One after another they are the whole request as it shall go out, but for its id. The first one holds all that
  // stands in front of the body: Dubbo's header, or the frame length, THeader and message header of Thrift.
  std::span<const Bytes> pieces;
  bool oneway = false;  // no answer will come: a one-way request, or made one
  uint64_t hash = 0;    // for mirror clusters whose endpoints are chosen by hash
};

inline size_t BytesOf(const Copy& copy) {
  size_t sum = 0;
  for (const Bytes piece : copy.pieces) {
    sum += piece.size();
  }
  return sum;
}

}  // namespace rpctee::mirror
