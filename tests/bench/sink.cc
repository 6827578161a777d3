#include "sink.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "cpu.h"

namespace rpctee::bench {
namespace {

constexpr size_t kHeaderBytes = 16;
constexpr int kPollMs = 50;
// An answer without a value: RESPONSE_NULL_VALUE, in Hessian2.
constexpr std::array<uint8_t, kHeaderBytes + 1> kAnswer = {0xda, 0xbb, 0x02, 20, 0, 0, 0, 0,   0,
                                                           0,    0,    0,    0,  0, 0, 1, 0x92};

uint32_t BodyBytes(const uint8_t* header) {
  return uint32_t{header[12]} << 24 | uint32_t{header[13]} << 16 | uint32_t{header[14]} << 8 | header[15];
}

bool Watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Result<std::unique_ptr<Sink>> Sink::Start(int cpu, bool answers) {
  Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof(local);
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!listener.valid() || !epoll.valid() ||
      ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&local), bytes) != 0 ||
      ::listen(listener.get(), 8) != 0 ||
      ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&local), &bytes) != 0 ||
      !Watch(epoll.get(), listener.get())) {
    return FailErrno("listen on the loopback address", errno);
  }
  sockaddr_storage address{};
  std::memcpy(&address, &local, sizeof(local));
  std::unique_ptr<Sink> sink(
      new Sink(std::move(listener), std::move(epoll), SocketAddress::FromSockaddr(address), answers));
  sink->thread_ = std::thread([cpu, made = sink.get()] {
    (void)RunOnCpu(cpu);
    made->Run();
  });
  return sink;
}

Sink::~Sink() {
  stop_.store(true);
  thread_.join();
}

void Sink::Run() {
  std::array<epoll_event, 8> events{};
  while (!stop_.load(std::memory_order_relaxed)) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), kPollMs);
    for (int i = 0; i < count; ++i) {
      const int fd = events.at(static_cast<size_t>(i)).data.fd;
      if (fd == listener_.get()) {
        Accept();
      } else if (!Serve(*clients_.at(fd))) {
        clients_.erase(fd);
      }
    }
  }
}

void Sink::Accept() {
  Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const int one = 1;
  if (socket.valid() && ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0 &&
      Watch(epoll_.get(), socket.get())) {
    const int fd = socket.get();
    clients_[fd] = std::make_unique<Client>(std::move(socket));
  }
}

bool Sink::Serve(Client& client) {
  const ssize_t got =
      ::recv(client.fd.get(), client.buffer.data() + client.have, client.buffer.size() - client.have, MSG_DONTWAIT);
  if (got <= 0) {
    return got < 0 && (errno == EAGAIN || errno == EINTR);
  }
  received_bytes_.fetch_add(static_cast<uint64_t>(got), std::memory_order_relaxed);
  if (!answers_) {
    return true;
  }
  client.have += static_cast<size_t>(got);
  size_t at = 0;
  while (client.have - at >= kHeaderBytes) {
    const uint8_t* const request = client.buffer.data() + at;
    const size_t frame_bytes = kHeaderBytes + BodyBytes(request);
    if (client.have - at < frame_bytes) {
      break;
    }
    Answer(request);
    at += frame_bytes;
  }
  client.have -= at;
  std::memmove(client.buffer.data(), client.buffer.data() + at, client.have);
  return SendAnswers(client.fd.get());
}

void Sink::Answer(const uint8_t* request) {
  const size_t at = unsent_.size();
  unsent_.insert(unsent_.end(), kAnswer.begin(), kAnswer.end());
  std::memcpy(unsent_.data() + at + 4, request + 4, 8);  // the id
}

bool Sink::SendAnswers(int fd) {
  size_t sent = 0;
  while (sent < unsent_.size()) {
    const ssize_t count = ::send(fd, unsent_.data() + sent, unsent_.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR) {
      unsent_.clear();
      return false;
    }
    sent += static_cast<size_t>(std::max<ssize_t>(count, 0));
  }
  unsent_.clear();
  return true;
}

}  // namespace rpctee::bench
