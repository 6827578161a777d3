// One sampled request's way through the agent: whole frame, fields on demand, the rules that apply, copies to the
// relay.
//
// One worker thread. Books each request in the ledger, exactly once; copies are booked as the relay tells how they
// ended.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/capture.h"
#include "base/ledger.h"
#include "mirror/mirror.h"
#include "protocol/dubbo/dubbo_request.h"
#include "route/snapshot.h"
#include "stream/assembler.h"

namespace rpctee::agent {

struct PipelineOptions {
  stream::AssemblerLimits limits;
  bool dry_run = false;             // decide, and send nothing
  bool take_every_request = false;  // no rules: every request that was sampled counts as one to mirror
};

class Pipeline final : public stream::AssemblerObserver {
 public:
  // Called for each request that is, or in a dry run would be, mirrored.
  using OnMirrored = std::function<void(const stream::Frame& frame, protocol::dubbo::DubboRequest& request)>;

  // `mirror` may be null in a dry run.
  Pipeline(Ledger& ledger, mirror::Mirror* mirror, PipelineOptions options)
      : ledger_(ledger), mirror_(mirror), options_(options), assembler_(*this, options.limits) {}

  void SetSnapshot(std::shared_ptr<const route::Snapshot> snapshot) { snapshot_ = std::move(snapshot); }
  void SetOnMirrored(OnMirrored on_mirrored) { on_mirrored_ = std::move(on_mirrored); }

  void Take(const CapturedPart& part, TimePoint now) { assembler_.Take(part, now); }
  void Expire(TimePoint now) { assembler_.Expire(now); }
  // Ends what is open.
  void Stop() { assembler_.Stop(); }
  size_t open() const { return assembler_.open(); }

  void OnFirstPart() override { ledger_.Received(); }
  void OnFrame(const stream::Frame& frame) override;
  void OnLost(stream::LostReason reason) override;

 private:
  RequestOutcome Handle(const stream::Frame& frame);
  void SendCopies(const stream::Frame& frame);

  Ledger& ledger_;
  mirror::Mirror* mirror_;
  PipelineOptions options_;
  stream::Assembler assembler_;
  std::shared_ptr<const route::Snapshot> snapshot_;
  OnMirrored on_mirrored_;
  route::Decision decision_;  // kept for its storage
};

}  // namespace rpctee::agent
