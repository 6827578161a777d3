// One sampled request's way through the agent: whole frame, fields on demand, the rules that apply, copies to the
// relay.
//
// One worker thread. Books each request in the ledger, exactly once; copies are booked as the relay tells how they
// ended.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "agent/copy_maker.h"
#include "agent/rule_budgets.h"
#include "agent/sampling_factor.h"
#include "base/capture.h"
#include "base/ledger.h"
#include "mirror/mirror.h"
#include "protocol/request.h"
#include "route/snapshot.h"
#include "stream/assembler.h"
#include "stream/reassembler.h"

namespace rpctee::agent {

struct PipelineOptions {
  stream::AssemblerLimits limits;
  stream::ReassemblerLimits stream_limits;
  bool dry_run = false;             // decide, and send nothing
  bool take_every_request = false;  // no rules: every request that was sampled counts as one to mirror
  std::shared_ptr<RuleBudgets> budgets = std::make_shared<RuleBudgets>();  // of all workers
};

// How the pipeline tells the tap what to do with a flow whose bytes come up; `holes` tells which stream of it is meant.
class FlowControl {
 public:
  virtual ~FlowControl() = default;
  virtual void TakeBack(const Flow& flow, uint64_t flow_id, uint32_t holes, Content protocol) = 0;
  virtual void GiveUp(const Flow& flow, uint64_t flow_id, uint32_t holes) = 0;
  virtual void GoOn(const Flow& flow, uint64_t flow_id, uint32_t holes) = 0;
  virtual void Ignore(const Flow& flow, uint64_t flow_id, uint32_t holes, Content kind) = 0;
};

class Pipeline final : private stream::AssemblerObserver, private stream::ReassemblerObserver {
 public:
  // Called for each request that is, or in a dry run would be, mirrored.
  using OnMirrored = std::function<void(const stream::Frame& frame, protocol::Request& request)>;

  // `mirror` may be null in a dry run.
  Pipeline(Ledger& ledger, mirror::Mirror* mirror, FlowControl& flow_control, const PipelineOptions& options)
      : ledger_(ledger),
        mirror_(mirror),
        flow_control_(flow_control),
        options_(options),
        assembler_(*this, options.limits),
        reassembler_(assembler_, *this, options.stream_limits) {}

  void SetSnapshot(std::shared_ptr<const route::Snapshot> snapshot);
  void SetSamplingFactor(SamplingFactor factor) { factor_ = factor; }
  void SetOnMirrored(OnMirrored on_mirrored) { on_mirrored_ = std::move(on_mirrored); }

  // `now` is the beginning of the worker's round: one look at the clock serves all its records.
  void Take(const CapturedRecord& record, TimePoint now);
  void Expire(TimePoint now);
  // No more records will come of the flows so far: what has to be framed here is taken as far as it is whole.
  void FinishFlows(TimePoint now);
  // Ends what is open.
  void Stop() { assembler_.Stop(); }
  size_t open() const { return assembler_.open(); }

 private:
  void OnFirstPart() override { ledger_.Received(); }
  void OnFrame(const stream::Frame& frame) override;
  void OnLost(stream::LostReason reason) override;
  uint64_t ThresholdOf(const SocketAddress& endpoint) override;
  void OnStreamRequest(stream::StreamRequest outcome) override;
  void OnMended(const Flow& flow, uint64_t flow_id, uint32_t holes, Content protocol) override;
  void OnGivenUp(const Flow& flow, uint64_t flow_id, uint32_t holes) override;
  void OnTaken(const Flow& flow, uint64_t flow_id, uint32_t holes) override;
  void OnIgnored(const Flow& flow, uint64_t flow_id, uint32_t holes, Content kind) override;

  RequestOutcome Handle(const stream::Frame& frame);
  void MakeCopies(const stream::Frame& frame, protocol::Request& request);
  // Whether the rule may send so much now; if so, it has.
  bool TakeBudget(const route::Rule& rule, size_t bytes);
  void SendCopy(const route::Rule& rule, Content protocol, protocol::Request& request);

  Ledger& ledger_;
  mirror::Mirror* mirror_;
  FlowControl& flow_control_;
  PipelineOptions options_;
  stream::Assembler assembler_;
  stream::Reassembler reassembler_;
  TimePoint now_;  // of the call that is under way
  std::shared_ptr<const route::Snapshot> snapshot_;
  SamplingFactor factor_;
  std::vector<uint32_t> rule_numbers_;              // in the ledger, of the snapshot's rules: they outlive it
  std::vector<RuleBudgets::Account> rule_budgets_;  // of the snapshot's rules
  OnMirrored on_mirrored_;
  route::Decision decision_;  // kept for its storage
  CopyMaker copy_maker_;
};

}  // namespace rpctee::agent
