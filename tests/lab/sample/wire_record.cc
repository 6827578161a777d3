#include "wire_record.h"

#include <linux/tcp.h>  // has more of TCP_INFO than netinet/tcp.h, and can't be included beside it
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "fmt/format.h"
#include "socket_stream.h"

namespace rpctee::sample {
namespace {

nlohmann::ordered_json TcpInfo(int fd) {
  tcp_info info{};
  socklen_t length = sizeof(info);
  nlohmann::ordered_json tcp;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) {
    return tcp;
  }
  tcp["segments_out"] = info.tcpi_segs_out;
  tcp["segments_in"] = info.tcpi_segs_in;
  tcp["retransmitted"] = info.tcpi_total_retrans;
  tcp["retransmitted_bytes"] = info.tcpi_bytes_retrans;
  tcp["needless"] = info.tcpi_dsack_dups;  // of the retransmitted
  tcp["out_of_order"] = info.tcpi_rcv_ooopack;
  tcp["reordering_seen"] = info.tcpi_reord_seen;
  return tcp;
}

}  // namespace

RunningSha256::RunningSha256() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
}

void RunningSha256::Add(Bytes bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
  bytes_ += bytes.size();
}

std::string RunningSha256::Finish() {
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
  std::string text;
  for (const uint8_t byte : Bytes(digest).first(size)) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

WireRecord::WireRecord(int fd) : fd_(fd), local_(LocalAddress(fd).ToString()), peer_(PeerAddress(fd).ToString()) {}

nlohmann::ordered_json WireRecord::Finish() {
  nlohmann::ordered_json record;
  record["local"] = local_;
  record["peer"] = peer_;
  record["sent_bytes"] = sent_.bytes();
  record["sent_sha256"] = sent_.Finish();
  record["received_bytes"] = received_.bytes();
  record["received_sha256"] = received_.Finish();
  record["tcp"] = TcpInfo(fd_);
  return record;
}

}  // namespace rpctee::sample
