#include "onward.h"

#include <poll.h>

namespace rpctee::sample {
namespace {

constexpr int kTimeoutMilliseconds = 10'000;

}  // namespace

Result<std::unique_ptr<Onward>> Onward::Open(const SocketAddress& address) {
  auto fd = Connect(address);
  if (!fd) {
    return tl::unexpected(fd.error());
  }
  return std::unique_ptr<Onward>(new Onward(std::move(*fd)));
}

bool Onward::Call(const FrameHeader& header, Bytes body) {
  FrameHeader call = header;
  call.id = ++last_id_;
  std::string& out = stream_.output();
  const size_t begin = BeginFrame(out, call);
  out += AsText(body);
  EndFrame(out, begin);
  while (stream_.Flush()) {
    if (stream_.unsent_bytes() == 0) {
      return !call.two_way || TakeAnswer();
    }
    if (!Wait(POLLOUT)) {
      return false;
    }
  }
  return false;
}

bool Onward::TakeAnswer() {
  while (Wait(POLLIN) && stream_.Read()) {
    const Bytes input = stream_.input();
    if (input.size() < kHeaderBytes) {
      continue;
    }
    const auto answer = ReadHeader(input);
    if (!answer || answer->request || answer->id != last_id_) {
      return false;
    }
    const size_t frame_bytes = kHeaderBytes + answer->body_bytes;
    if (input.size() >= frame_bytes) {
      stream_.Consume(frame_bytes);
      return answer->status == kStatusOk;
    }
  }
  return false;
}

bool Onward::Wait(short events) const {
  pollfd poll_fd{.fd = stream_.fd(), .events = events, .revents = 0};
  return ::poll(&poll_fd, 1, kTimeoutMilliseconds) == 1;
}

}  // namespace rpctee::sample
