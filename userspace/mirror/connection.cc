#include "mirror/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "mirror/socket.h"

namespace rpctee::mirror {
namespace {

using protocol::FrameHeader;
using protocol::MessageKind;

// A mirror that sends this much without one answer that we wait for is cut off. Far above any honest answer: Dubbo's
// own limit for a message is 8 MiB unless configured otherwise.
constexpr uint64_t kMaxBytesWithoutAnswer = uint64_t{64} << 20;

// How much is still read for the answers in it after a send() failed.
constexpr int kLastReads = 16;

// Dubbo's SERVER_THREADPOOL_EXHAUSTED_ERROR: the request was not even begun.
constexpr uint8_t kStatusThreadPoolExhausted = 100;

// Timeouts that fall close together are told together.
constexpr int kTimeoutGranularity = 32;

CopyOutcome OutcomeOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kException:
      return CopyOutcome::answered_exception;
    case Verdict::kError:
      return CopyOutcome::answered_error;
    case Verdict::kOk:
      break;
  }
  return CopyOutcome::answered_ok;
}

}  // namespace

Connection::Connection(Context& context, const SocketAddress& remote, EndpointHealth& health, Wire wire)
    : context_(context),
      remote_(remote),
      health_(health),
      wire_(wire),
      pending_(IsOrdered(wire) ? context.options.max_pipelined : context.options.max_in_flight, IdBits(wire)),
      reader_(wire) {}

Connection::~Connection() {
  Close(CloseCause::kStopped, "stopped");
  if (unflushed_) {
    std::erase(context_.unflushed, this);
  }
}

bool Connection::Open(TimePoint now) {
  Result<ConnectingSocket> socket = StartConnect(remote_, context_.options);
  Status watched;
  if (socket) {
    watched = context_.loop.Add(socket->fd.get(), EPOLLIN | EPOLLOUT, [this](uint32_t events) { OnEvents(events); });
  }
  if (!socket || !watched) {
    Count(MirrorCounter::cx_connect_fail);
    health_.OnConnectionFailed(now);
    context_.observer.OnConnectFailed(remote_, socket ? watched.error().message : socket.error().message);
    return false;
  }
  fd_ = std::move(socket->fd);
  local_ = socket->local;
  state_ = State::kConnecting;
  watching_writable_ = true;
  reader_ = ReplyReader(wire_);
  late_ = 0;
  answered_ = false;
  bytes_since_answer_ = 0;
  Count(MirrorCounter::cx_total);
  connect_deadline_ = now + context_.options.connect_timeout;
  ArmTimer(connect_deadline_);
  context_.observer.OnConnectionOpened(local_, remote_);
  return true;
}

bool Connection::Queue(const Copy& copy, const CopyHead& head, TimePoint now) {
  const bool fits = buffer_.size() == 0 || buffer_.size() + head.bytes <= context_.options.max_buffer_bytes;
  if (!fits || pending_.full() || (IsOrdered(wire_) && pending_.size() + late_ >= context_.options.max_pipelined)) {
    return false;
  }
  PendingCopy& pending = pending_.Add();
  const size_t bytes = BytesWithId(head, pending.id);
  WriteCopy(copy, head, pending.id, buffer_.Extend(bytes));
  pending.rule = copy.rule;
  pending.oneway = copy.oneway;
  pending.bytes = static_cast<uint32_t>(bytes);
  pending.end_offset = buffer_.appended();
  pending.deadline = now + context_.options.reply_timeout;
  CountMemory();
  last_queued_ = now;
  health_.OnQueued(now);
  ArmTimer(pending.deadline);
  MarkUnflushed();
  return true;
}

void Connection::CountMemory() {
  context_.budget->AddMemory(uint64_t{buffer_.size()} - counted_bytes_);
  counted_bytes_ = buffer_.size();
}

void Connection::MarkUnflushed() {
  if (!unflushed_) {
    unflushed_ = true;
    context_.unflushed.push_back(this);
  }
}

void Connection::Flush() {
  unflushed_ = false;
  if (fd_.valid() && !watching_writable_) {
    Write();
  }
}

void Connection::Close(CloseCause cause, const std::string& reason) {
  if (!fd_.valid()) {
    return;
  }
  const TimePoint now = Clock::now();
  const bool proved = Proved(now);
  const bool failed = cause == CloseCause::kFailure || (cause == CloseCause::kPeerWhileIdle && !proved);
  const State before = state_;
  if (before == State::kReadonly) {
    health_.OnReadonlyClosed();
  }
  // A pod that is no longer ours, or does not behave, gets nothing more; but what was sent before an ordinary end,
  // one-way requests above all, shall still arrive.
  if (cause == CloseCause::kFailure || cause == CloseCause::kRemoved) {
    ResetOnClose(fd_);
  }
  context_.loop.Remove(fd_.get());
  fd_.Reset();
  context_.loop.CancelTimer(std::exchange(timer_, 0));
  state_ = State::kIdle;
  buffer_.Clear();
  CountMemory();
  if (proved) {
    health_.OnConnectionProved();
  }
  if (failed) {
    health_.OnConnectionFailed(now);
    Count(before == State::kConnecting ? MirrorCounter::cx_connect_fail : MirrorCounter::cx_failed);
  } else if (cause == CloseCause::kPeerWhileIdle) {
    Count(MirrorCounter::cx_closed_idle);
  }
  EndAll(cause == CloseCause::kStopped ? CopyOutcome::copy_abandoned : CopyOutcome::connection_lost, now);
  context_.observer.OnConnectionClosed(local_, remote_, reason);
}

bool Connection::Proved(TimePoint now) const {
  const bool established = state_ == State::kConnected || state_ == State::kReadonly;
  return established && (answered_ || now - connected_at_ >= context_.options.reconnect_max);
}

void Connection::EndAll(CopyOutcome outcome, TimePoint now) {
  while (const PendingCopy* copy = pending_.Oldest()) {
    End(*copy, outcome, Ejection::End::kLost, now);
  }
}

void Connection::End(const PendingCopy& copy, CopyOutcome outcome, Ejection::End end, TimePoint now, Duration latency) {
  const uint32_t rule = copy.rule;
  const TimePoint queued = copy.deadline - context_.options.reply_timeout;
  pending_.Remove(copy);
  health_.OnCopyEnd(end, queued, now);
  context_.EndCopy({.rule = rule, .outcome = outcome, .endpoint = &remote_, .latency = latency});
}

void Connection::OnEvents(uint32_t events) {
  if (state_ == State::kConnecting) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
      FinishConnect();
    }
    return;
  }
  // One read for each event: the level-triggered loop comes back after it has served the others.
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) {
    ReadSome();
  }
  if ((events & EPOLLOUT) != 0 && fd_.valid()) {
    Write();
  }
}

void Connection::FinishConnect() {
  int error = 0;
  socklen_t length = sizeof(error);
  if (getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
    error = errno;
  }
  if (error != 0) {
    Close(CloseCause::kFailure, std::string("connect: ") + std::strerror(error));
    return;
  }
  state_ = State::kConnected;
  connected_at_ = Clock::now();
  Write();
}

bool Connection::ReadSome() {
  const ssize_t count = recv(fd_.get(), context_.read_buffer.data(), context_.read_buffer.size(), 0);
  if (count == 0) {
    PeerClosed("closed by the mirror");
    return false;
  }
  if (count < 0) {
    if (errno != EAGAIN && errno != EINTR) {
      PeerClosed(std::string("receive: ") + std::strerror(errno));
    }
    return false;
  }
  const auto bytes = static_cast<size_t>(count);
  bytes_since_answer_ += bytes;
  read_at_ = Clock::now();
  if (!reader_.Read(Bytes(context_.read_buffer).first(bytes), read_at_, *this)) {
    Count(MirrorCounter::cx_protocol_error);
    Close(CloseCause::kFailure,
          "the mirror sent what is not " + std::string(ProtocolName(wire_)) + ": " + std::string(reader_.error()));
  } else if (bytes_since_answer_ > kMaxBytesWithoutAnswer) {
    Count(MirrorCounter::cx_flood);
    Close(CloseCause::kFailure, "the mirror sent more than 64 MiB without an answer to a request");
  }
  return fd_.valid();
}

void Connection::PeerClosed(const std::string& how) {
  // After READONLY the close is expected, but the pod is going away: it must not be tried again at once.
  Close(IsUnused() ? CloseCause::kPeerWhileIdle : CloseCause::kFailure, how);
}

void Connection::OnMessage(const FrameHeader& header, Bytes body) {
  switch (header.kind) {
    case MessageKind::kHeartbeat:
      return OnHeartbeat(header);
    case MessageKind::kEvent:
      if (protocol::dubbo::IsReadonlyEvent(header, body)) {
        OnReadonly();
      }
      return;
    case MessageKind::kRequest:
    case MessageKind::kOneway:
      Count(MirrorCounter::callbacks_skipped);
      return;
    case MessageKind::kResponse:
    case MessageKind::kEventResponse:
      Count(MirrorCounter::replies_ignored);
      return;
  }
}

const PendingCopy* Connection::FindAnswered(const Answer& answer) {
  if (!IsOrdered(wire_)) {
    return pending_.FindSent(answer.id);
  }
  if (late_ != 0) {
    --late_;
    return nullptr;
  }
  return pending_.OldestSent();
}

void Connection::OnAnswer(const Answer& answer) {
  const PendingCopy* copy = FindAnswered(answer);
  if (copy == nullptr) {
    Count(MirrorCounter::replies_ignored);
    return;
  }
  answered_ = true;
  bytes_since_answer_ = 0;
  Ejection::End end = Ejection::End::kTaken;
  if (answer.verdict == Verdict::kError && wire_ == Wire::kDubbo) {
    health_.stats().CountDubboError(answer.status);
    end = answer.status == kStatusThreadPoolExhausted ? Ejection::End::kExhausted : end;
  } else if (answer.verdict == Verdict::kError) {
    health_.stats().CountThriftError();
  }
  End(*copy, OutcomeOf(answer.verdict), end, read_at_, answer.head_at - copy->sent_at);
}

void Connection::OnHeartbeat(const FrameHeader& header) {
  const auto answer = protocol::dubbo::HeartbeatAnswer(header);
  if (buffer_.size() + answer.size() > context_.options.max_buffer_bytes) {
    Count(MirrorCounter::heartbeats_dropped);
    return;
  }
  Count(MirrorCounter::heartbeats_answered);
  buffer_.Append(answer);
  CountMemory();
  MarkUnflushed();
}

void Connection::OnReadonly() {
  if (state_ != State::kConnected) {
    return;
  }
  Count(MirrorCounter::cx_close_notify);
  state_ = State::kReadonly;
  health_.OnReadonly();
  // Nothing new is queued, so by then every copy has ended; a mirror that did not close by then has forgotten to.
  readonly_deadline_ = Clock::now() + std::max(context_.options.reply_timeout, context_.options.reconnect_max);
  ArmTimer(readonly_deadline_);
}

void Connection::Write() {
  if (buffer_.size() != 0) {
    const Bytes unsent = buffer_.unsent();
    const ssize_t count = send(fd_.get(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      WriteFailed(errno);
      return;
    }
    buffer_.Consume(static_cast<size_t>(std::max<ssize_t>(count, 0)));
    CountMemory();
    TellSent(Clock::now());
  }
  WatchWritable(buffer_.size() != 0);
}

void Connection::WriteFailed(int error) {
  // Answers that came before the peer went away still count.
  for (int i = 0; i < kLastReads && ReadSome(); ++i) {
  }
  Close(CloseCause::kFailure, std::string("send: ") + std::strerror(error));
}

void Connection::TellSent(TimePoint now) {
  const PendingCopy* copy = pending_.OldestUnsent();
  while (copy != nullptr && buffer_.size() <= buffer_.appended() - copy->end_offset) {
    pending_.MarkOldestUnsentSent(now);
    context_.observer.OnCopySent(copy->rule, remote_);
    if (copy->oneway) {
      End(*copy, CopyOutcome::oneway_sent, Ejection::End::kSent, now);
    }
    copy = pending_.OldestUnsent();
  }
}

void Connection::WatchWritable(bool wanted) {
  if (wanted == watching_writable_) {
    return;
  }
  watching_writable_ = wanted;
  const Status modified = context_.loop.Modify(fd_.get(), wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
  if (!modified) {
    Close(CloseCause::kFailure, modified.error().message);
  }
}

// Copies time out in the order of Send, so those that were not sent yet stand at the front of the buffer, behind at
// most one that has begun to leave. Their bytes are taken out: nobody waits for an answer any more.
void Connection::ExpireCopies(TimePoint now) {
  size_t cut_from = buffer_.size();
  size_t cut_to = 0;
  for (const PendingCopy* copy = pending_.Oldest(); copy != nullptr && copy->deadline <= now;
       copy = pending_.Oldest()) {
    const uint64_t bytes_behind = buffer_.appended() - copy->end_offset;
    if (bytes_behind + copy->bytes <= buffer_.size()) {  // nothing of it has left
      const size_t end = buffer_.size() - static_cast<size_t>(bytes_behind);
      cut_from = std::min(cut_from, end - copy->bytes);
      cut_to = end;
    } else if (IsOrdered(wire_) && !copy->oneway) {  // a long one-way copy may be leaving
      ++late_;
    }
    End(*copy, CopyOutcome::timed_out, Ejection::End::kTimedOut, now);
  }
  if (cut_from < cut_to) {
    buffer_.Cut(cut_from, cut_to);
    CountMemory();
  }
}

void Connection::ArmTimer(TimePoint when) {
  if (timer_ != 0 && timer_at_ <= when) {
    return;
  }
  context_.loop.CancelTimer(timer_);
  timer_at_ = when;
  timer_ = context_.loop.AddTimer(when, [this] { OnTimer(); });
}

void Connection::OnTimer() {
  timer_ = 0;
  const TimePoint now = Clock::now();
  ExpireCopies(now);
  if (IsOrdered(wire_) && late_ >= context_.options.max_pipelined) {
    Count(MirrorCounter::cx_order_lost);
    Close(CloseCause::kFailure, "the mirror has answered none of the requests that it was sent");
  } else if (state_ == State::kConnecting && now >= connect_deadline_) {
    Close(CloseCause::kFailure, "connect: no answer within the connect timeout");
  } else if (state_ == State::kReadonly && now >= readonly_deadline_) {
    Close(CloseCause::kFailure, "the mirror wants no requests and has not closed the connection");
  } else if (context_.options.idle_timeout > Duration::zero() && IsUnused() &&
             now - last_queued_ >= context_.options.idle_timeout) {
    Count(MirrorCounter::cx_idle_timeout);
    Close(CloseCause::kIdle, "nothing was to be sent for long");
  } else {
    RearmTimer(now);
  }
}

void Connection::RearmTimer(TimePoint now) {
  if (const PendingCopy* oldest = pending_.Oldest()) {
    ArmTimer(std::max(oldest->deadline, now + context_.options.reply_timeout / kTimeoutGranularity));
  }
  if (state_ == State::kConnecting) {
    ArmTimer(connect_deadline_);
  } else if (state_ == State::kReadonly) {
    ArmTimer(readonly_deadline_);
  } else if (const Duration idle = context_.options.idle_timeout; pending_.size() == 0 && idle > Duration::zero()) {
    ArmTimer(std::max(last_queued_ + idle, now + idle / kTimeoutGranularity));
  }
}

}  // namespace rpctee::mirror
