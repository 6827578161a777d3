#include "agent/replay.h"

#include <memory>
#include <optional>
#include <utility>

#include "agent/route_loader.h"
#include "agent/worker.h"
#include "replay/capture_reader.h"
#include "replay/injector.h"
#include "replay/segmenter.h"
#include "tap/tap.h"

namespace rpctee::agent {
namespace {

class ReplayRun {
 public:
  static Result<std::unique_ptr<ReplayRun>> Start(const ReplayOptions& options, Pipeline::OnMirrored on_mirrored);

  Status Play(const std::string& capture);
  Result<ReplayReport> Finish();

 private:
  ReplayRun(const ReplayOptions& options, replay::Injector injector)
      : options_(options), injector_(std::move(injector)) {}
  Status OpenTap();
  Status Attach();
  Status ApplyRoutes();
  Status Inject(Bytes frame);

  const ReplayOptions& options_;
  replay::Injector injector_;
  MirrorLog mirror_log_;
  std::unique_ptr<tap::Tap> tap_;
  std::unique_ptr<Worker> worker_;
  ReplayReport report_;
};

Result<std::unique_ptr<ReplayRun>> ReplayRun::Start(const ReplayOptions& options, Pipeline::OnMirrored on_mirrored) {
  Result<replay::Injector> injector = replay::Injector::Create();
  if (!injector) {
    return WithContext("replay", injector.error());
  }
  std::unique_ptr<ReplayRun> run(new ReplayRun(options, std::move(*injector)));
  if (const Status opened = run->OpenTap(); !opened) {
    return WithContext("replay", opened.error());
  }
  WorkerOptions worker_options = options.agent.worker;
  worker_options.pipeline.dry_run = options.dry_run;
  worker_options.pipeline.take_every_request = options.any_endpoint_port != 0;
  Result<std::unique_ptr<Worker>> worker = Worker::Create(*run->tap_, 0, run->mirror_log_, worker_options);
  if (!worker) {
    return WithContext("replay", worker.error());
  }
  run->worker_ = std::move(*worker);
  run->worker_->SetOnMirrored(std::move(on_mirrored));
  if (const Status applied = run->ApplyRoutes(); !applied) {
    return tl::unexpected(applied.error());
  }
  return run;
}

Status ReplayRun::OpenTap() {
  tap::TapOptions tap_options = options_.agent.tap;
  tap_options.pin_directory.clear();
  tap_options.rings = 1;
  Result<std::unique_ptr<tap::Tap>> tap = tap::Tap::Open(tap_options);
  if (!tap) {
    return tl::unexpected(tap.error());
  }
  tap_ = std::move(*tap);
  Status attached;
  Status ran = injector_.RunInNamespace([this, &attached] { attached = Attach(); });
  return ran ? attached : ran;
}

// Both directions of a capture come in at the one end of the device.
Status ReplayRun::Attach() {
  std::vector<tap::Side> sides = {tap::Direction::kIngress};
  if (options_.agent.tap.replies) {
    sides.emplace_back(tap::Direction::kIngress, tap::Program::kReplies);
  }
  for (const tap::Side side : sides) {
    if (const Result<tap::Attachment> attached = tap_->Attach(injector_.ifindex(), side, options_.agent.places.mode);
        !attached) {
      return tl::unexpected(attached.error());
    }
  }
  return {};
}

Status ReplayRun::ApplyRoutes() {
  if (options_.any_endpoint_port != 0) {
    return tap_->SetAnyEndpoint(options_.any_endpoint_port, route::Share{}.Threshold());
  }
  RouteLoader loader(options_.agent.routes);
  const Result<std::shared_ptr<const route::Snapshot>> snapshot = loader.Load();
  if (!snapshot) {
    return tl::unexpected(snapshot.error());
  }
  worker_->Publish(*snapshot);
  return tap_->SetEndpoints((*snapshot)->endpoints());
}

Status ReplayRun::Inject(Bytes frame) {
  ++report_.packets;
  if (Status injected = injector_.Inject(frame); !injected) {
    return injected;
  }
  // After each packet, so that the ring never fills, however fast the capture is read.
  return worker_->RunUntilDrained();
}

Status ReplayRun::Play(const std::string& capture) {
  Result<replay::CaptureReader> reader = replay::CaptureReader::Open(capture);
  if (!reader) {
    return tl::unexpected(reader.error());
  }
  replay::Segmenter segmenter({.max_segment_bytes = options_.max_segment_bytes, .first_packet = options_.first_packet});
  while (true) {
    const Result<std::optional<replay::CapturedFrame>> packet = reader->Next();
    if (!packet) {
      return tl::unexpected(packet.error());
    }
    if (!packet->has_value()) {
      break;
    }
    Status injected;
    segmenter.Rewrite((*packet)->frame, [this, &injected](Bytes frame) {
      if (injected) {
        injected = Inject(frame);
      }
    });
    if (!injected) {
      return WithContext(capture + ": packet " + std::to_string((*packet)->number), injected.error());
    }
  }
  report_.packets_cut += reader->stats().cut_by_snaplen;
  // The next capture has nothing to do with this one's connections.
  if (Status finished = worker_->FinishFlows(); !finished) {
    return finished;
  }
  return tap_->ClearFlows();
}

Result<ReplayReport> ReplayRun::Finish() {
  if (const Status stopped = tap_->StopSampling(); !stopped) {
    return WithContext("replay", stopped.error());
  }
  if (const Status finished = worker_->Finish(); !finished) {
    return WithContext("replay", finished.error());
  }
  const Result<TapTotals> totals = tap_->Totals();
  Result<std::vector<tap::TapCounter>> counters = tap_->Counters();
  if (!totals || !counters) {
    return WithContext("replay: counters", totals ? counters.error() : totals.error());
  }
  report_.ledger = MakeReport(*totals, worker_->Counts(Clock::now()), true);
  report_.counters = std::move(*counters);
  Result<std::vector<tap::EndpointReplies>> replies = tap_->Replies();
  if (!replies) {
    return WithContext("replay", replies.error());
  }
  report_.replies = std::move(*replies);
  return std::move(report_);
}

}  // namespace

Result<ReplayReport> Replay(const ReplayOptions& options, Pipeline::OnMirrored on_mirrored) {
  Result<std::unique_ptr<ReplayRun>> run = ReplayRun::Start(options, std::move(on_mirrored));
  if (!run) {
    return tl::unexpected(run.error());
  }
  for (const std::string& capture : options.captures) {
    if (const Status played = (*run)->Play(capture); !played) {
      return tl::unexpected(played.error());
    }
  }
  return (*run)->Finish();
}

}  // namespace rpctee::agent
