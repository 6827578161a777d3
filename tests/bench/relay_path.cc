#include "relay_path.h"

#include <arpa/inet.h>

#include <cstring>

#include "bpf/abi/abi.h"
#include "support/dubbo_frames.h"
#include "support/packet_builder.h"

namespace rpctee::bench {
namespace {

constexpr const char* kConsumer = "10.0.0.1:40000";
constexpr const char* kProvider = "10.0.0.2:20880";
// The largest super-packet that an IPv4 header can announce holds a little more.
constexpr size_t kPayloadBytes = 65'000;
constexpr size_t kRingRecordHeaderBytes = 8;
// Of a TCP header without options, from the end of the headers.
constexpr size_t kSeqFromEnd = 16;

}  // namespace

Result<std::unique_ptr<RelayPath>> RelayPath::Open(const RelayOptions& options, const Sink& sink) {
  Result<replay::Injector> injector = replay::Injector::Create();
  if (!injector) {
    return tl::unexpected(injector.error());
  }
  std::unique_ptr<RelayPath> path(new RelayPath(std::move(*injector)));
  path->MakePackets(options);
  Status opened = path->OpenTap();
  opened = opened ? path->StartWorker(options, sink) : opened;
  opened = opened ? path->Connect() : opened;
  return opened ? Result<std::unique_ptr<RelayPath>>(std::move(path)) : tl::unexpected(opened.error());
}

Status RelayPath::OpenTap() {
  Result<std::unique_ptr<tap::Tap>> tap = tap::Tap::Open({});
  if (!tap) {
    return tl::unexpected(tap.error());
  }
  tap_ = std::move(*tap);
  Status attached;
  Status ran = injector_.RunInNamespace([this, &attached] {
    const auto attachment = tap_->Attach(injector_.ifindex(), tap::Direction::kIngress, tap::AttachMode::kAuto);
    attached = attachment ? Status() : tl::unexpected(attachment.error());
  });
  return ran ? attached : ran;
}

Status RelayPath::StartWorker(const RelayOptions& relay, const Sink& sink) {
  // A sink that is slower than the worker must not make copies cheap by having them dropped.
  agent::WorkerOptions options;
  options.mirror.max_in_flight = 1U << 20;
  options.mirror.max_buffer_bytes = size_t{64} << 20;
  Result<std::unique_ptr<agent::Worker>> worker = agent::Worker::Create(*tap_, 0, mirror_log_, options);
  if (!worker) {
    return tl::unexpected(worker.error());
  }
  worker_ = std::move(*worker);
  route::RouteSet routes;
  routes.clusters = {{.name = "provider", .endpoints = {{.address = SocketAddress::Parse(kProvider).value()}}},
                     {.name = "mirror", .endpoints = {{.address = sink.address()}}}};
  route::Route route;
  route.matches = relay.matches;
  route.clusters = {"provider"};
  route.mirrors = {{.cluster = "mirror", .share = {}, .origin = {}}};
  routes.configs = {{.name = "bench_20880", .interface_name = "bench", .routes = {route}, .origin = {}}};
  routes.mark = relay.mark;
  const auto snapshot = route::Snapshot::Build(routes);
  if (!snapshot) {
    return tl::unexpected(snapshot.error());
  }
  worker_->Publish(*snapshot);
  return tap_->SetEndpoints((*snapshot)->endpoints());
}

void RelayPath::MakePackets(const RelayOptions& options) {
  const std::vector<uint8_t> request = test::DubboRequest(
      1, options.request_bytes, test::DubboRequestOptions{.method = "echo", .attachments = {{"env", "gray"}}});
  while (wire_.size() + request.size() <= kPayloadBytes) {
    wire_.insert(wire_.end(), request.begin(), request.end());
    records_a_packet_bytes_ += kRingRecordHeaderBytes + sizeof(rpctee_record) + request.size() + 7;
  }
  packet_ = test::TcpPacket(kConsumer, kProvider).Payload(wire_).Build();
}

// The tap frames from the first byte on of a connection whose SYN it has seen.
Status RelayPath::Connect() {
  return injector_.Inject(test::TcpPacket(kConsumer, kProvider).Flags(test::kSyn).Seq(seq_ - 1).Build());
}

Result<Took> RelayPath::Run(uint64_t total_bytes) {
  Took took;
  while (total_bytes > 0) {
    tap_->Heartbeat(0);
    const Result<uint64_t> filled = Fill(total_bytes);
    if (!filled) {
      return tl::unexpected(filled.error());
    }
    const Stopwatch watch;
    if (const Status drained = worker_->RunUntilDrained(); !drained) {
      return tl::unexpected(drained.error());
    }
    worker_->AwaitAnswers();
    took += watch.Read();
    total_bytes -= std::min(total_bytes, *filled);
  }
  return took;
}

// As much as the ring holds, but for one packet.
Result<uint64_t> RelayPath::Fill(uint64_t limit) {
  uint64_t filled = 0;
  size_t room = tap::TapOptions{}.ring_bytes;
  for (; filled < limit && room >= 2 * records_a_packet_bytes_; room -= records_a_packet_bytes_) {
    if (const Status sent = SendPacket(); !sent) {
      return tl::unexpected(sent.error());
    }
    filled += wire_.size();
  }
  return filled;
}

Status RelayPath::SendPacket() {
  const uint32_t seq_be = htonl(seq_);
  std::memcpy(packet_.data() + (packet_.size() - wire_.size()) - kSeqFromEnd, &seq_be, sizeof(seq_be));
  seq_ += static_cast<uint32_t>(wire_.size());
  return injector_.Inject(packet_);
}

}  // namespace rpctee::bench
