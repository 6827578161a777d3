#include "scripted_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

namespace rpctee::mirror {
namespace {

void Check(bool ok, const char* what) {
  if (!ok) {
    throw std::runtime_error(what);
  }
}

Fd Listen(uint16_t port, int backlog, SocketAddress& address) {
  Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  SocketAddress wanted = *SocketAddress::Parse("127.0.0.1:1");
  wanted.port = port;
  sockaddr_storage name{};
  socklen_t length = wanted.ToSockaddr(name);
  Check(bind(listener.get(), reinterpret_cast<sockaddr*>(&name), length) == 0, "bind");
  Check(listen(listener.get(), backlog) == 0, "listen");
  Check(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&name), &length) == 0, "getsockname");
  address = SocketAddress::FromSockaddr(name);
  return listener;
}

}  // namespace

ScriptedServer::ScriptedServer(EventLoop& loop, uint16_t port) : loop_(loop) {
  listener_ = Listen(port, 128, address_);
  script_ = [](ScriptedServer& server, Peer& peer, const Message& message) {
    if (message.WantsAnswer()) {
      server.Write(peer, Reply(message.id));
    }
  };
  SetAccepting(true);
}

ScriptedServer::~ScriptedServer() {
  DropAll();
  StopListening();
}

void ScriptedServer::SetAccepting(bool accepting) {
  loop_.Remove(listener_.get());
  if (accepting) {
    Check(loop_.Add(listener_.get(), EPOLLIN, [this](uint32_t) { Accept(); }).has_value(), "watch listener");
  }
}

void ScriptedServer::StopListening() {
  if (listener_.valid()) {
    loop_.Remove(listener_.get());
    listener_.Reset();
  }
}

void ScriptedServer::Accept() {
  auto peer = std::make_unique<Peer>();
  peer->fd.Reset(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!peer->fd.valid()) {
    return;
  }
  ++accepted_;
  const int on = 1;
  setsockopt(peer->fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (receive_buffer_ != 0) {
    setsockopt(peer->fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_, sizeof(receive_buffer_));
  }
  Peer& kept = *peers_.emplace_back(std::move(peer));
  Check(loop_.Add(kept.fd.get(), 0, [this, &kept](uint32_t events) { OnEvents(kept, events); }).has_value(), "watch");
  Watch(kept);
}

void ScriptedServer::Watch(Peer& peer) {
  const uint32_t out = !peer.out.empty() || !flood_.empty() ? EPOLLOUT : 0U;
  (void)loop_.Modify(peer.fd.get(), (reading_ ? EPOLLIN : 0U) | out);
}

void ScriptedServer::SetReading(bool reading) {
  reading_ = reading;
  for (const auto& peer : peers_) {
    Watch(*peer);
  }
}

void ScriptedServer::SetFlooding(ByteVector unit) {
  flood_ = std::move(unit);
  for (const auto& peer : peers_) {
    Watch(*peer);
  }
}

void ScriptedServer::OnEvents(Peer& peer, uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    Remove(peer);
    return;
  }
  if ((events & EPOLLIN) != 0 && !Read(peer)) {
    return;
  }
  if ((events & EPOLLOUT) != 0) {
    Pump(peer);
  }
}

bool ScriptedServer::Read(Peer& peer) {
  std::array<uint8_t, 65536> chunk;
  const ssize_t count = recv(peer.fd.get(), chunk.data(), chunk.size(), 0);
  if (count == 0 || (count < 0 && errno != EAGAIN)) {
    Remove(peer);
    return false;
  }
  if (count > 0) {
    bytes_read_ += static_cast<uint64_t>(count);
    peer.in.insert(peer.in.end(), chunk.begin(), chunk.begin() + count);
    Parse(peer);
  }
  // A script may have removed the peer.
  return std::any_of(peers_.begin(), peers_.end(), [&peer](const auto& known) { return known.get() == &peer; });
}

std::optional<ScriptedServer::Message> ScriptedServer::ParseOne(Bytes bytes) const {
  Message message;
  size_t length = 0;
  if (measure_) {
    length = measure_(bytes);
  } else if (bytes.size() >= 16) {
    Check(bytes[0] == 0xda && bytes[1] == 0xbb, "the mirror's stream is out of step");
    ByteReader reader(bytes.subspan(4));
    message.flags = bytes[2];
    message.id = reader.Be64();
    length = 16 + size_t{reader.Be32()};
  }
  if (length == 0 || length > bytes.size()) {
    return std::nullopt;
  }
  message.frame.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
  return message;
}

void ScriptedServer::Parse(Peer& peer) {
  std::vector<Message> messages;
  size_t at = 0;
  while (auto message = ParseOne(Bytes(peer.in).subspan(at))) {
    at += message->frame.size();
    messages.push_back(std::move(*message));
  }
  peer.in.erase(peer.in.begin(), peer.in.begin() + static_cast<std::ptrdiff_t>(at));
  peer.messages += messages.size();
  messages_ += messages.size();
  requests_ += static_cast<size_t>(std::count_if(messages.begin(), messages.end(), [this](const Message& message) {
    return measure_ || (message.flags & 0x80) != 0;
  }));
  for (const Message& message : messages) {
    const int fd = peer.fd.get();
    script_(*this, peer, message);
    if (keep_frames_) {
      log_.push_back(message);
    }
    const bool gone = std::none_of(peers_.begin(), peers_.end(), [&](const auto& p) { return p.get() == &peer; });
    if (gone || peer.fd.get() != fd) {
      return;
    }
  }
}

void ScriptedServer::Write(Peer& peer, const ByteVector& bytes) {
  peer.out += bytes;
  Watch(peer);
}

void ScriptedServer::WriteAll(const ByteVector& bytes) {
  for (const auto& peer : peers_) {
    Write(*peer, bytes);
  }
}

void ScriptedServer::Pump(Peer& peer) {
  while (!flood_.empty() && peer.out.size() < 65536) {
    peer.out += flood_;
  }
  const ssize_t count = send(peer.fd.get(), peer.out.data(), peer.out.size(), MSG_NOSIGNAL);
  if (count < 0 && errno != EAGAIN) {
    Remove(peer);
    return;
  }
  bytes_written_ += static_cast<uint64_t>(std::max<ssize_t>(count, 0));
  peer.out.erase(peer.out.begin(), peer.out.begin() + std::max<ssize_t>(count, 0));
  if (peer.out.empty() && peer.close_when_written) {
    Remove(peer);
    return;
  }
  Watch(peer);
}

void ScriptedServer::HalfClose(Peer& peer) { shutdown(peer.fd.get(), SHUT_WR); }

void ScriptedServer::Drop(Peer& peer) { Remove(peer); }

void ScriptedServer::Reset(Peer& peer) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(peer.fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  Remove(peer);
}

void ScriptedServer::DropAll() {
  while (!peers_.empty()) {
    Remove(*peers_.back());
  }
}

HangingListener::HangingListener() : listener_(Listen(0, 0, address_)) {
  sockaddr_storage name{};
  const socklen_t length = address_.ToSockaddr(name);
  for (int i = 0; i < 4; ++i) {
    Fd& filler = fillers_.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    (void)connect(filler.get(), reinterpret_cast<sockaddr*>(&name), length);
  }
}

void ScriptedServer::Remove(Peer& peer) {
  loop_.Remove(peer.fd.get());
  std::erase_if(peers_, [&peer](const auto& known) { return known.get() == &peer; });
}

}  // namespace rpctee::mirror
