// A Dubbo server on 127.0.0.1 that does what a test tells it to, on the test's own loop: no threads, so the order of
// events is the test's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/address.h"
#include "base/event_loop.h"
#include "base/fd.h"
#include "frames.h"

namespace rpctee::mirror {

class ScriptedServer {
 public:
  struct Message {
    uint8_t flags = 0;
    uint64_t id = 0;
    ByteVector frame;
    bool IsHeartbeatAnswer() const { return flags == 0x22; }
    bool WantsAnswer() const { return (flags & 0xe0) == 0xc0; }
  };

  struct Peer {
    Fd fd;
    ByteVector in;
    ByteVector out;
    size_t messages = 0;
    bool close_when_written = false;
  };

  // Called for each whole message; the default answers requests with status 20.
  using OnMessage = std::function<void(ScriptedServer&, Peer&, const Message&)>;

  explicit ScriptedServer(EventLoop& loop, uint16_t port = 0);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  const SocketAddress& address() const { return address_; }

  void Script(OnMessage script) { script_ = std::move(script); }
  void ScriptNothing() {
    script_ = [](ScriptedServer&, Peer&, const Message&) {};
  }
  // While false, bytes stay in the kernel until its buffers are full.
  void SetReading(bool reading);
  // While false, connections wait in the backlog.
  void SetAccepting(bool accepting);
  void SetFlooding(ByteVector unit);
  // For other protocols than Dubbo: how long the message is that begins here, 0 = more bytes are needed. Messages have
  // no flags and no id then.
  using Measure = std::function<size_t(Bytes)>;
  void SetMeasure(Measure measure) { measure_ = std::move(measure); }
  void SetKeepingFrames(bool keep) { keep_frames_ = keep; }
  void SetReceiveBuffer(int bytes) { receive_buffer_ = bytes; }

  void Write(Peer& peer, const ByteVector& bytes);
  void WriteAll(const ByteVector& bytes);
  void HalfClose(Peer& peer);
  void Drop(Peer& peer);   // FIN (or RST by the kernel if bytes are unread)
  void Reset(Peer& peer);  // RST
  void DropAll();
  void StopListening();

  std::vector<std::unique_ptr<Peer>>& peers() { return peers_; }
  size_t accepted() const { return accepted_; }
  size_t requests() const { return requests_; }
  size_t messages() const { return messages_; }
  uint64_t bytes_read() const { return bytes_read_; }
  uint64_t bytes_written() const { return bytes_written_; }
  const std::vector<Message>& log() const { return log_; }

 private:
  void Accept();
  void OnEvents(Peer& peer, uint32_t events);
  bool Read(Peer& peer);
  void Parse(Peer& peer);
  // The message that begins at `bytes`; nothing when it is not whole.
  std::optional<Message> ParseOne(Bytes bytes) const;
  void Pump(Peer& peer);
  void Watch(Peer& peer);
  void Remove(Peer& peer);

  EventLoop& loop_;
  Fd listener_;
  SocketAddress address_;
  OnMessage script_;
  bool reading_ = true;
  bool keep_frames_ = true;
  Measure measure_;
  int receive_buffer_ = 0;
  ByteVector flood_;
  std::vector<std::unique_ptr<Peer>> peers_;
  size_t accepted_ = 0;
  size_t requests_ = 0;
  size_t messages_ = 0;
  uint64_t bytes_read_ = 0;
  uint64_t bytes_written_ = 0;
  std::vector<Message> log_;
};

// A listener whose backlog is full: it does not answer SYNs, so connecting to it hangs.
class HangingListener {
 public:
  HangingListener();
  const SocketAddress& address() const { return address_; }

 private:
  SocketAddress address_;
  Fd listener_;
  std::vector<Fd> fillers_;
};

}  // namespace rpctee::mirror
