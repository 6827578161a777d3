#include "provider.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace rpctee::sample {
namespace {

constexpr uint64_t kListenerNumber = 0;
constexpr uint64_t kSignalNumber = 1;
constexpr uint64_t kFirstConnection = 2;
constexpr size_t kMaxConnections = 4096;
constexpr size_t kMaxUnsentBytes = size_t{32} << 20;
constexpr size_t kMaxArgumentsSeen = 1'000'000;

}  // namespace

Result<std::unique_ptr<Provider>> Provider::Open(const ProviderOptions& options) {
  std::unique_ptr<Provider> provider(new Provider(options));
  auto signals = SignalFd();
  if (!signals) {
    return tl::unexpected(signals.error());
  }
  auto listener = Listen(options.listen);
  if (!listener) {
    return tl::unexpected(listener.error());
  }
  auto epoll = EpollSet::Create();
  if (!epoll) {
    return tl::unexpected(epoll.error());
  }
  provider->signals_ = std::move(*signals);
  provider->listener_ = std::move(*listener);
  provider->epoll_ = std::move(*epoll);
  provider->next_number_ = kFirstConnection;
  if (!options.request_log.empty()) {
    provider->request_log_.open(options.request_log, std::ios::trunc);
    if (!provider->request_log_) {
      return FailErrno("cannot write " + options.request_log, errno);
    }
  }
  if (!options.time_log.empty()) {
    provider->time_log_.open(options.time_log, std::ios::trunc);
    if (!provider->time_log_) {
      return FailErrno("cannot write " + options.time_log, errno);
    }
  }
  if (options.call_on) {
    auto onward = Onward::Open(*options.call_on);
    if (!onward) {
      return tl::unexpected(onward.error());
    }
    provider->onward_ = std::move(*onward);
  }
  Status status = provider->epoll_.Add(provider->listener_.get(), kListenerNumber, EPOLLIN);
  if (status) {
    status = provider->epoll_.Add(provider->signals_.get(), kSignalNumber, EPOLLIN);
  }
  if (!status) {
    return tl::unexpected(status.error());
  }
  return provider;
}

Status Provider::Run() {
  for (;;) {
    for (const epoll_event& event : epoll_.Wait(WaitMilliseconds())) {
      if (event.data.u64 == kListenerNumber) {
        Accept();
      } else if (event.data.u64 != kSignalNumber) {
        Serve(event.data.u64, event.events);
      } else if (NextSignal(signals_.get()) == SIGUSR1) {
        std::puts(Report().c_str());
        std::fflush(stdout);
      } else {
        std::puts(Report().c_str());
        const Status written = WriteReport();
        return written ? WriteWireReport() : written;
      }
    }
    SendDueAnswers();
  }
}

void Provider::Accept() {
  for (;;) {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) {
      return;
    }
    if (connections_.size() >= kMaxConnections || !Prepare(fd.get())) {
      continue;
    }
    ++counts_.connections;
    const uint64_t number = next_number_++;
    auto connection = std::make_unique<Connection>(std::move(fd));
    connection->local_ip = LocalAddress(connection->stream.fd()).ip.ToString();
    connection->peer = PeerAddress(connection->stream.fd()).ToString();
    if (!options_.wire_report.empty()) {
      connection->stream.Record();
    }
    connection->interest = options_.never_read ? 0U : uint32_t{EPOLLIN};
    if (epoll_.Add(connection->stream.fd(), number, connection->interest)) {
      connections_.emplace(number, std::move(connection));
    }
  }
}

void Provider::Serve(uint64_t number, uint32_t events) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) {
    return;
  }
  Connection& connection = *found->second;
  bool alive = (events & EPOLLERR) == 0;
  if (alive && (events & EPOLLIN) != 0) {
    // What came before the peer's end is still answered for the counts, though nobody may read it.
    alive = connection.stream.Read();
    alive = TakeFrames(connection, number) && alive;
  } else if ((events & EPOLLHUP) != 0) {
    alive = false;
  }
  alive = alive && connection.stream.Flush();
  if (!alive) {
    Drop(number);
    return;
  }
  UpdateInterest(connection, number);
}

void Provider::Drop(uint64_t number) {
  const auto found = connections_.find(number);
  if (auto& record = found->second->stream.record()) {
    wire_records_.push_back(record->Finish());
  }
  connections_.erase(found);
}

bool Provider::TakeFrames(Connection& connection, uint64_t number) {
  for (;;) {
    const Bytes input = connection.stream.input();
    if (input.size() < kHeaderBytes) {
      return true;
    }
    const auto header = ReadHeader(input);
    if (!header) {
      ++counts_.malformed;
      return false;
    }
    const size_t frame_bytes = kHeaderBytes + header->body_bytes;
    if (input.size() < frame_bytes) {
      return true;
    }
    if (!TakeFrame(connection, number, *header, input.subspan(kHeaderBytes, header->body_bytes))) {
      ++counts_.malformed;
      return false;
    }
    connection.stream.Consume(frame_bytes);
  }
}

bool Provider::TakeFrame(Connection& connection, uint64_t number, const FrameHeader& header, Bytes body) {
  if (!header.request) {
    return true;  // an answer to nothing that we asked
  }
  if (header.event) {
    ++counts_.events;
  } else if (header.serialization != kHessian2 || !ReadCall(body, call_)) {
    return false;
  } else {
    CountRequest(connection, header);
  }
  const bool is_served = header.event || onward_ == nullptr || onward_->Call(header, body);
  const uint8_t status = is_served ? options_.answer_status : kStatusServiceError;
  if (!header.two_way) {
    return true;
  }
  if (options_.delay.count() == 0) {
    AppendReply(connection, header, status, connection.stream.output());
    return true;
  }
  DelayedAnswer answer{std::chrono::steady_clock::now() + options_.delay, number, {}};
  AppendReply(connection, header, status, answer.frame);
  connection.delayed_bytes += answer.frame.size();
  delayed_.push_back(std::move(answer));
  return true;
}

void Provider::CountRequest(Connection& connection, const FrameHeader& header) {
  ++counts_.received;
  counts_.bytes += kHeaderBytes + header.body_bytes;
  counts_.oneway += header.two_way ? 0 : 1;
  counts_.echo += call_.method == "$echo" ? 1 : 0;
  counts_.duplicate_ids += connection.ids.Seen(header.id) ? 1 : 0;
  counts_.arguments.Add(call_.argument);
  if (arguments_seen_.size() < kMaxArgumentsSeen && !arguments_seen_.insert(Hash64(call_.argument)).second) {
    ++counts_.repeated_arguments;
  }
  if (request_log_.is_open()) {
    // Up to the colon: the consumer's name for the request, without its filler.
    request_log_ << connection.peer << ' ' << std::string_view(call_.argument).substr(0, call_.argument.find(':'))
                 << ' ' << Hash64(call_.argument) << '\n';
  }
  if (time_log_.is_open()) {
    time_log_ << Hash64(call_.argument) << ' ' << std::chrono::steady_clock::now().time_since_epoch().count() << '\n';
  }
}

void Provider::AppendReply(const Connection& connection, const FrameHeader& header, uint8_t status,
                           std::string& out) const {
  FrameHeader reply;
  reply.event = header.event;
  reply.id = header.id;
  reply.status = kStatusOk;
  if (header.event) {
    const size_t begin = BeginFrame(out, reply);
    out.push_back('N');
    EndFrame(out, begin);
    return;
  }
  const bool known = call_.method == "sayHello" || call_.method == "$echo";
  reply.status = known ? status : kStatusServiceError;
  const size_t begin = BeginFrame(out, reply);
  if (reply.status != kStatusOk) {
    AppendString(out, known ? "failed, or was told to" : "no method " + call_.method);
  } else if (call_.method == "$echo") {
    AppendAnswer(out, call_.argument);
  } else {
    AppendAnswer(out, fmt::format("Hello {}, response from {}/{}", call_.argument, options_.name, connection.local_ip));
  }
  EndFrame(out, begin);
}

void Provider::UpdateInterest(Connection& connection, uint64_t number) {
  const size_t unsent = connection.stream.unsent_bytes();
  const bool may_read = !options_.never_read && unsent + connection.delayed_bytes < kMaxUnsentBytes;
  const uint32_t interest = (may_read ? uint32_t{EPOLLIN} : 0U) | (unsent > 0 ? uint32_t{EPOLLOUT} : 0U);
  if (interest != connection.interest) {
    connection.interest = interest;
    epoll_.Modify(connection.stream.fd(), number, interest);
  }
}

void Provider::SendDueAnswers() {
  const Time now = std::chrono::steady_clock::now();
  while (!delayed_.empty() && delayed_.front().due <= now) {
    const uint64_t number = delayed_.front().connection;
    if (const auto found = connections_.find(number); found != connections_.end()) {
      Connection& connection = *found->second;
      connection.stream.output() += delayed_.front().frame;
      connection.delayed_bytes -= delayed_.front().frame.size();
      if (connection.stream.Flush()) {
        UpdateInterest(connection, number);
      } else {
        Drop(number);
      }
    }
    delayed_.pop_front();
  }
}

int Provider::WaitMilliseconds() const {
  if (delayed_.empty()) {
    return -1;
  }
  const auto left = delayed_.front().due - std::chrono::steady_clock::now();
  // Below a millisecond it spins: a delay in microseconds could not be kept otherwise.
  return static_cast<int>(std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(left).count()));
}

std::string Provider::Report() const {
  nlohmann::ordered_json report;
  report["name"] = options_.name;
  report["received"] = counts_.received;
  report["oneway"] = counts_.oneway;
  report["echo"] = counts_.echo;
  report["events"] = counts_.events;
  report["bytes"] = counts_.bytes;
  report["connections"] = counts_.connections;
  report["duplicate_ids"] = counts_.duplicate_ids;
  report["repeated_arguments"] = counts_.repeated_arguments;
  report["malformed"] = counts_.malformed;
  report["digest"] = counts_.arguments.ToString();
  return report.dump();
}

Status Provider::WriteReport() {
  request_log_.flush();
  if (!request_log_) {
    return Fail("cannot write " + options_.request_log);
  }
  time_log_.flush();
  if (!time_log_) {
    return Fail("cannot write " + options_.time_log);
  }
  if (options_.report_file.empty()) {
    return {};
  }
  std::ofstream file(options_.report_file);
  file << Report() << "\n";
  file.flush();
  return file ? Status{} : Status(Fail("cannot write " + options_.report_file));
}

Status Provider::WriteWireReport() {
  if (options_.wire_report.empty()) {
    return {};
  }
  while (!connections_.empty()) {
    Drop(connections_.begin()->first);
  }
  std::ofstream file(options_.wire_report, std::ios::trunc);
  file << wire_records_.dump(1) << '\n';
  file.flush();
  return file ? Status{} : Status(FailErrno(options_.wire_report, errno));
}

}  // namespace rpctee::sample
