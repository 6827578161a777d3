// One TCP connection to a mirror pod, opened when the first copy comes: unsent bytes, unanswered copies, answers. It
// carries one wire for all its life.
//
// Answers are matched by the ids that the copies were given. Where the wire hides the id they are matched by their
// order, which every Thrift server keeps on one connection; a copy that timed out then keeps its place in the order.
//
// One thread, that of the Context's loop. Owns its socket, at most one timer, its send buffer and its table of copies.
// After a close the object is idle and can be opened again. Memory: twice the longer of max_buffer_bytes and the
// longest copy, and 56 bytes for each of max_in_flight copies.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "mirror/context.h"
#include "mirror/copy_head.h"
#include "mirror/endpoint_health.h"
#include "mirror/pending.h"
#include "mirror/reply_reader.h"
#include "mirror/send_buffer.h"

namespace rpctee::mirror {

class Connection final : private ReplySink {
 public:
  enum class State : uint8_t {
    kIdle,
    kConnecting,
    kConnected,
    kReadonly,  // the mirror wants no more requests; what is owed is awaited
  };
  enum class CloseCause : uint8_t { kPeerWhileIdle, kIdle, kFailure, kRemoved, kStopped };

  // The health is shared by the connections to this endpoint; it is told how this one fares.
  Connection(Context& context, const SocketAddress& remote, EndpointHealth& health, Wire wire);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const SocketAddress& remote() const { return remote_; }
  State state() const { return state_; }
  bool CanQueue() const { return state_ == State::kConnecting || state_ == State::kConnected; }
  size_t in_flight() const { return pending_.size(); }
  size_t buffered_bytes() const { return buffer_.size(); }

  // Only when idle. False: it could not be begun; the observer and the health were told.
  bool Open(TimePoint now);
  // Only when CanQueue(). False: at a limit, nothing was queued. A copy longer than max_buffer_bytes is taken when the
  // buffer is empty.
  bool Queue(const Copy& copy, const CopyHead& head, TimePoint now);
  // One send(), unless the socket has said that it is full.
  void Flush();
  // Copies that have not ended become copy_abandoned for kStopped, else connection_lost. Nothing when idle.
  void Close(CloseCause cause, const std::string& reason);

 private:
  void OnAnswer(const Answer& answer) override;
  void OnMessage(const protocol::FrameHeader& header, Bytes body) override;
  const PendingCopy* FindAnswered(const Answer& answer);
  void OnHeartbeat(const protocol::FrameHeader& header);
  void OnReadonly();

  void OnEvents(uint32_t events);
  void FinishConnect();
  // One recv(). False when nothing was there or the connection is closed.
  bool ReadSome();
  void Write();
  void WriteFailed(int error);
  void PeerClosed(const std::string& how);
  void TellSent(TimePoint now);
  void WatchWritable(bool wanted);
  void MarkUnflushed();
  // After each change of the buffer.
  void CountMemory();

  void ExpireCopies(TimePoint now);
  void EndAll(CopyOutcome outcome, TimePoint now);
  void End(const PendingCopy& copy, CopyOutcome outcome, Ejection::End end, TimePoint now, Duration latency = {});
  void ArmTimer(TimePoint when);
  void OnTimer();
  void RearmTimer(TimePoint now);
  void Count(MirrorCounter counter) { health_.stats().Count(counter); }
  // Whether this connection has been of use, so that a close is no sign of a broken mirror.
  bool Proved(TimePoint now) const;
  bool IsUnused() const { return state_ == State::kConnected && pending_.size() == 0 && buffer_.size() == 0; }

  Context& context_;
  const SocketAddress remote_;
  EndpointHealth& health_;
  const Wire wire_;

  State state_ = State::kIdle;
  Fd fd_;
  SocketAddress local_;
  bool watching_writable_ = false;
  bool unflushed_ = false;  // whether it stands in the Context's list
  SendBuffer buffer_;
  size_t counted_bytes_ = 0;  // of the buffer, in the budget
  Pending pending_;
  ReplyReader reader_;
  TimePoint read_at_;  // when what the reader has was received; one look at the clock serves all answers in it
  uint32_t late_ = 0;  // where answers are matched by order: those still to come of copies that have ended
  bool answered_ = false;
  uint64_t bytes_since_answer_ = 0;
  TimePoint connected_at_;
  TimePoint last_queued_;
  TimePoint connect_deadline_;
  TimePoint readonly_deadline_;
  EventLoop::TimerId timer_ = 0;
  TimePoint timer_at_;
};

}  // namespace rpctee::mirror
