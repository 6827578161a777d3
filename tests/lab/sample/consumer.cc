#include "consumer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

namespace rpctee::sample {
namespace {

constexpr uint64_t kSignalNumber = UINT64_MAX;  // links are numbered from 0
constexpr size_t kMaxUnsentBytes = size_t{4} << 20;
constexpr size_t kMaxProviders = 16;  // names told apart in the report
constexpr std::chrono::seconds kEndTimeout{30};
constexpr int kPaceMilliseconds = 1;
constexpr int kIdleMilliseconds = 100;
// Around the edges of Hessian2's forms, of a segment, of a super-packet and of its string chunks; large ones seldom.
constexpr std::array<size_t, 20> kSizeMix = {1,    31,   32,    100, 1023, 1024, 1400,   1448,   200,    4096,
                                             2900, 8192, 16384, 50,  300,  1300, 32'768, 32'769, 70'000, 120};
constexpr size_t kLargeBytes = 500'000;
constexpr uint64_t kLargeEvery = 500;
constexpr std::string_view kAnswerMiddle = ", response from ";

}  // namespace

Consumer::Consumer(const ConsumerOptions& options) : options_(options), next_(options.first) {
  Attachments attachments = {
      {"path", options.interface_name}, {"interface", options.interface_name}, {"version", options.service_version}};
  attachments.insert(attachments.end(), options.attachments.begin(), options.attachments.end());
  prefix_ = CallPrefix(options.interface_name, options.service_version, options.method);
  suffix_ = CallSuffix(attachments);
}

Result<std::unique_ptr<Consumer>> Consumer::Open(const ConsumerOptions& options) {
  std::unique_ptr<Consumer> consumer(new Consumer(options));
  auto epoll = EpollSet::Create();
  if (!epoll) {
    return tl::unexpected(epoll.error());
  }
  consumer->epoll_ = std::move(*epoll);
  for (uint32_t i = 0; i < options.connections; ++i) {
    auto fd = Connect(options.connect);
    if (!fd) {
      return tl::unexpected(fd.error());
    }
    consumer->links_.push_back(std::make_unique<Link>(std::move(*fd)));
    if (!options.wire_report.empty()) {
      consumer->links_.back()->stream.Record();
    }
    const Status status = consumer->epoll_.Add(consumer->links_.back()->stream.fd(), i, EPOLLIN);
    if (!status) {
      return tl::unexpected(status.error());
    }
  }
  // From here on signals wait; while it connected, they ended it.
  auto signals = SignalFd();
  if (!signals) {
    return tl::unexpected(signals.error());
  }
  consumer->signals_ = std::move(*signals);
  if (const Status added = consumer->epoll_.Add(consumer->signals_.get(), kSignalNumber, EPOLLIN); !added) {
    return tl::unexpected(added.error());
  }
  return consumer;
}

void Consumer::Run() {
  start_ = last_progress_ = now_ = std::chrono::steady_clock::now();
  while (!Finished()) {
    // Another one comes first each time, or the first would get all that a rate allows.
    ++rounds_;
    for (size_t i = 0; i < links_.size(); ++i) {
      const size_t number = (i + rounds_) % links_.size();
      Fill(*links_[number]);
      FlushLink(number);
    }
    const bool paced = (options_.rate > 0 || options_.burst > 0) && MayAsk();
    for (const epoll_event& event : epoll_.Wait(paced ? kPaceMilliseconds : kIdleMilliseconds)) {
      if (event.data.u64 == kSignalNumber) {
        TakeSignal();
        continue;
      }
      Link& link = *links_[event.data.u64];
      now_ = std::chrono::steady_clock::now();
      if (!link.alive || (event.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0) {
        continue;
      }
      const bool alive = link.stream.Read();
      TakeAnswers(link);
      if (!alive) {
        GiveUp(link, "connection closed");
      }
    }
    now_ = std::chrono::steady_clock::now();
    if (waiting_ > 0 && now_ - last_progress_ > std::chrono::duration<double>(options_.timeout_seconds)) {
      for (auto& link : links_) {
        GiveUp(*link, "no answer in time");
      }
    }
  }
  if (options_.requests > 0 && options_.duration_seconds == 0 && !told_to_end_) {
    FailRequest("no connection left", options_.requests - counts_.asked);
  }
  seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Consumer::TakeSignal() {
  const int number = NextSignal(signals_.get());
  told_to_end_ = told_to_end_ || number == SIGTERM || number == SIGINT;
}

bool Consumer::MayAsk() const {
  const double seconds = std::chrono::duration<double>(now_ - start_).count();
  return !told_to_end_ && (options_.requests == 0 || counts_.asked < options_.requests) &&
         (options_.duration_seconds == 0 || seconds < options_.duration_seconds);
}

bool Consumer::Finished() const {
  const bool sent = std::all_of(links_.begin(), links_.end(),
                                [](const auto& link) { return !link->alive || link->stream.unsent_bytes() == 0; });
  const bool connected = std::any_of(links_.begin(), links_.end(), [](const auto& link) { return link->alive; });
  return !connected || (!MayAsk() && waiting_ == 0 && sent);
}

void Consumer::Fill(Link& link) {
  uint64_t asked = 0;
  while (link.alive && link.waiting < options_.depth && link.stream.unsent_bytes() < kMaxUnsentBytes && MayAsk() &&
         (options_.burst == 0 || asked++ < options_.burst)) {
    if (options_.rate > 0 &&
        static_cast<double>(counts_.asked) > options_.rate * std::chrono::duration<double>(now_ - start_).count()) {
      return;
    }
    if (options_.heartbeat_every > 0 && next_ % options_.heartbeat_every == options_.heartbeat_every - 1) {
      AskHeartbeat(link);
    }
    Ask(link);
  }
}

void Consumer::Ask(Link& link) {
  ForgetAnswered(link);  // one-way requests get no answer that would do it
  const uint64_t index = next_++;
  const bool oneway = options_.oneway_every > 0 && index % options_.oneway_every == options_.oneway_every - 1;
  FrameHeader header;
  header.request = true;
  header.two_way = !oneway;
  header.id = link.first_open + link.open.size();
  std::string& out = link.stream.output();
  const size_t begin = BeginFrame(out, header);
  out += prefix_;
  MakeArgument(index, argument_);
  AppendString(out, argument_);
  out += suffix_;
  EndFrame(out, begin);

  ++counts_.asked;
  counts_.arguments.Add(argument_);
  counts_.oneway += oneway ? 1 : 0;
  counts_.ok += oneway ? 1 : 0;
  link.open.push_back({index, std::chrono::steady_clock::now(), !oneway});
  link.waiting += oneway ? 0 : 1;
  waiting_ += oneway ? 0 : 1;
  if (options_.write_split) {
    FlushSplit(link, begin);
  }
}

void Consumer::AskHeartbeat(Link& link) {
  FrameHeader header;
  header.request = header.two_way = header.event = true;
  header.id = link.first_open + link.open.size();
  link.open.push_back({});
  std::string& out = link.stream.output();
  const size_t begin = BeginFrame(out, header);
  out.push_back('N');
  EndFrame(out, begin);
}

// The last frame of the output begins at `begin`: all before it and its first bytes go out in one write, the rest in
// another. TCP_NODELAY makes them two segments.
void Consumer::FlushSplit(Link& link, size_t begin) {
  std::string& out = link.stream.output();
  const size_t frame_bytes = out.size() - begin;
  const size_t cut = begin + 1 + counts_.asked % (frame_bytes - 1);
  const std::string rest = out.substr(cut);
  out.resize(cut);
  link.alive = link.stream.Flush() && link.alive;
  link.stream.output() += rest;
}

void Consumer::FlushLink(size_t number) {
  Link& link = *links_[number];
  if (!link.alive) {
    return;
  }
  if (!link.stream.Flush()) {
    GiveUp(link, "connection failed");
    return;
  }
  const bool wants_write = link.stream.unsent_bytes() > 0;
  if (wants_write != link.wants_write) {
    link.wants_write = wants_write;
    epoll_.Modify(link.stream.fd(), number, EPOLLIN | (wants_write ? uint32_t{EPOLLOUT} : 0U));
  }
}

void Consumer::TakeAnswers(Link& link) {
  for (;;) {
    const Bytes input = link.stream.input();
    if (input.size() < kHeaderBytes) {
      return;
    }
    const auto header = ReadHeader(input);
    if (!header) {
      GiveUp(link, "bytes that are no Dubbo frame");
      return;
    }
    if (input.size() < kHeaderBytes + header->body_bytes) {
      return;
    }
    TakeAnswer(link, *header, input.subspan(kHeaderBytes, header->body_bytes));
    link.stream.Consume(kHeaderBytes + header->body_bytes);
  }
}

void Consumer::TakeAnswer(Link& link, const FrameHeader& header, Bytes body) {
  last_progress_ = now_;
  if (header.event) {
    return;
  }
  const uint64_t position = header.id - link.first_open;
  if (header.request || header.id < link.first_open || position >= link.open.size() || !link.open[position].waiting) {
    ++counts_.unexpected;
    return;
  }
  OpenRequest& open = link.open[position];
  open.waiting = false;
  --link.waiting;
  --waiting_;
  counts_.latency.Add(static_cast<uint64_t>(std::chrono::nanoseconds(now_ - open.sent).count()));
  if (const std::string wrong = CheckAnswer(header, body, open.index); wrong.empty()) {
    ++counts_.ok;
  } else {
    FailRequest(wrong);
  }
  ForgetAnswered(link);
}

void Consumer::ForgetAnswered(Link& link) {
  while (!link.open.empty() && !link.open.front().waiting) {
    link.open.pop_front();
    ++link.first_open;
  }
}

std::string Consumer::CheckAnswer(const FrameHeader& header, Bytes body, uint64_t index) {
  if (header.status != kStatusOk) {
    return fmt::format("status {} for request {}", header.status, index);
  }
  if (!ReadAnswer(body, text_)) {
    return fmt::format("answer to request {} cannot be read", index);
  }
  MakeArgument(index, argument_);
  if (options_.method == "$echo") {
    return text_ == argument_ ? "" : fmt::format("wrong echo of request {}", index);
  }
  std::string_view text = text_;
  const std::string expected = fmt::format("Hello {}{}", argument_, kAnswerMiddle);
  if (!text.starts_with(expected)) {
    return fmt::format("wrong text for request {}", index);
  }
  text.remove_prefix(expected.size());
  const std::string provider(text.substr(0, text.find('/')));
  if (counts_.by_provider.size() < kMaxProviders || counts_.by_provider.contains(provider)) {
    ++counts_.by_provider[provider];
  }
  return "";
}

void Consumer::GiveUp(Link& link, const std::string& why) {
  if (!link.alive) {
    return;
  }
  link.alive = false;
  FailRequest(why, link.waiting);
  waiting_ -= link.waiting;
  link.waiting = 0;
  link.open.clear();
  link.stream.Close();
}

void Consumer::FailRequest(const std::string& why, uint64_t count) {
  counts_.failed += count;
  if (count > 0 && counts_.first_error.empty()) {
    counts_.first_error = why;
  }
}

size_t Consumer::ArgumentBytes(uint64_t index) const {
  if (!options_.size_mix) {
    return options_.argument_bytes;
  }
  return index % kLargeEvery == kLargeEvery - 1 ? kLargeBytes : kSizeMix[index % kSizeMix.size()];
}

void Consumer::MakeArgument(uint64_t index, std::string& out) const {
  out = fmt::format("request-{}", index);
  const size_t bytes = ArgumentBytes(index);
  if (out.size() < bytes) {
    // A filler that differs from place to place, so that bytes out of place are noticed; the colon ends the number.
    constexpr std::string_view kFiller = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    out.reserve(bytes + kFiller.size());
    out += ':';
    while (out.size() < bytes) {
      out += kFiller.substr(index % 7);
    }
    out.resize(bytes);
  }
}

Status Consumer::WriteWireReport() {
  if (options_.wire_report.empty()) {
    return {};
  }
  nlohmann::ordered_json records = nlohmann::ordered_json::array();
  for (const auto& link : links_) {
    if (!link->alive || !link->stream.FinishAndRead(kEndTimeout)) {
      return Fail("a connection failed before its end");
    }
    records.push_back(link->stream.record()->Finish());
  }
  std::ofstream file(options_.wire_report, std::ios::trunc);
  file << records.dump(1) << '\n';
  file.flush();
  return file ? Status{} : Status(FailErrno(options_.wire_report, errno));
}

std::string Consumer::Report() const {
  nlohmann::ordered_json report;
  report["requests"] = counts_.asked;
  report["ok"] = counts_.ok;
  report["failed"] = counts_.failed;
  report["oneway"] = counts_.oneway;
  report["unexpected"] = counts_.unexpected;
  report["answers_by_provider"] = counts_.by_provider;
  report["digest"] = counts_.arguments.ToString();
  report["seconds"] = seconds_;
  report["requests_per_second"] = seconds_ > 0 ? static_cast<double>(counts_.asked) / seconds_ : 0.0;
  report["latency_p50_us"] = counts_.latency.QuantileUs(0.5);
  report["latency_p99_us"] = counts_.latency.QuantileUs(0.99);
  if (!counts_.first_error.empty()) {
    report["first_error"] = counts_.first_error;
  }
  return report.dump();
}

}  // namespace rpctee::sample
