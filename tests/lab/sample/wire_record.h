// What really went over one connection: SHA-256 of all bytes each way, and what TCP says about how they went.
//
// For tests that compare both ends. One thread; owns the two running hashes.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/byte_reader.h"

namespace rpctee::sample {

class RunningSha256 {
 public:
  RunningSha256();
  void Add(Bytes bytes);
  uint64_t bytes() const { return bytes_; }
  // Of all bytes so far, in hexadecimal; ends it.
  std::string Finish();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  uint64_t bytes_ = 0;
};

class WireRecord {
 public:
  // `fd`: the connection's socket.
  explicit WireRecord(int fd);
  void Sent(Bytes bytes) { sent_.Add(bytes); }
  void Received(Bytes bytes) { received_.Add(bytes); }
  // One object: both ends' addresses, bytes and hashes, and the counters of TCP_INFO that tell of loss and disorder.
  // Once only, before the socket is closed.
  nlohmann::ordered_json Finish();

 private:
  int fd_;
  // Taken at the start: a socket that has ended does not know its peer any more.
  std::string local_;
  std::string peer_;
  RunningSha256 sent_;
  RunningSha256 received_;
};

}  // namespace rpctee::sample
