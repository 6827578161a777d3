#include "agent/pipeline.h"

#include "agent/field_hash.h"

namespace rpctee::agent {
namespace {

RequestOutcome OutcomeOf(stream::LostReason reason) {
  switch (reason) {
    case stream::LostReason::kGap:
      return RequestOutcome::gap;
    case stream::LostReason::kRingFull:
      return RequestOutcome::ring_full;
    case stream::LostReason::kFlowEnded:
      return RequestOutcome::flow_ended;
    case stream::LostReason::kExpired:
      return RequestOutcome::expired;
    case stream::LostReason::kOverMemory:
      return RequestOutcome::over_memory;
    case stream::LostReason::kStopped:
      return RequestOutcome::agent_stopped;
  }
  return RequestOutcome::agent_stopped;
}

RequestOutcome OutcomeOf(route::Decision::Kind kind) {
  switch (kind) {
    case route::Decision::Kind::kMirror:
      return RequestOutcome::mirrored;
    case route::Decision::Kind::kNotSampled:
      return RequestOutcome::not_sampled;
    case route::Decision::Kind::kNoRoute:
      return RequestOutcome::no_route;
    case route::Decision::Kind::kUndecodable:
      return RequestOutcome::undecodable;
  }
  return RequestOutcome::no_route;
}

}  // namespace

void Pipeline::SetSnapshot(std::shared_ptr<const route::Snapshot> snapshot) {
  snapshot_ = std::move(snapshot);
  rule_numbers_.clear();
  std::vector<RuleBudgets::Account> budgets;
  for (const route::Rule& rule : snapshot_->rules()) {
    rule_numbers_.push_back(ledger_.NumberOf({rule.config, rule.route, rule.cluster}));
    budgets.push_back(options_.budgets->Of(rule));
  }
  rule_budgets_ = std::move(budgets);  // only now are the old ones let go: what stays keeps its account
}

void Pipeline::Take(const CapturedRecord& record, TimePoint now) {
  now_ = now;
  if (const auto* part = std::get_if<CapturedPart>(&record)) {
    reassembler_.Take(*part, now);
  } else {
    reassembler_.Take(std::get<CapturedStream>(record), now);
  }
}

void Pipeline::Expire(TimePoint now) {
  now_ = now;
  assembler_.Expire(now);
  reassembler_.Expire(now);
}

void Pipeline::FinishFlows(TimePoint now) {
  now_ = now;
  reassembler_.Finish(now);
}

uint64_t Pipeline::ThresholdOf(const SocketAddress& endpoint) {
  if (options_.take_every_request) {
    return route::Share{}.Threshold();
  }
  return snapshot_ == nullptr ? 0 : factor_.Scale(snapshot_->ThresholdOf(endpoint));
}

void Pipeline::OnStreamRequest(stream::StreamRequest outcome) {
  ledger_.SeenInStream();
  switch (outcome) {
    case stream::StreamRequest::kSampled:
      ledger_.SampledInStream();
      break;
    case stream::StreamRequest::kNotSampled:
      ledger_.End(RequestOutcome::not_sampled);
      break;
    case stream::StreamRequest::kTooBig:
      ledger_.End(RequestOutcome::too_big);
      break;
  }
}

void Pipeline::OnMended(const Flow& flow, uint64_t flow_id, uint32_t holes, Content protocol) {
  flow_control_.TakeBack(flow, flow_id, holes, protocol);
}

void Pipeline::OnGivenUp(const Flow& flow, uint64_t flow_id, uint32_t holes) {
  flow_control_.GiveUp(flow, flow_id, holes);
}

void Pipeline::OnTaken(const Flow& flow, uint64_t flow_id, uint32_t holes) { flow_control_.GoOn(flow, flow_id, holes); }

void Pipeline::OnIgnored(const Flow& flow, uint64_t flow_id, uint32_t holes, Content kind) {
  flow_control_.Ignore(flow, flow_id, holes, kind);
}

void Pipeline::OnFrame(const stream::Frame& frame) { ledger_.End(Handle(frame)); }

void Pipeline::OnLost(stream::LostReason reason) { ledger_.End(OutcomeOf(reason)); }

RequestOutcome Pipeline::Handle(const stream::Frame& frame) {
  protocol::Request request(frame.protocol, frame.bytes);
  if (!options_.take_every_request) {
    if (snapshot_ == nullptr) {
      return RequestOutcome::no_route;
    }
    const std::optional<uint32_t> draw = factor_.Unscale(frame.draw);
    if (!draw) {
      return RequestOutcome::not_sampled;
    }
    snapshot_->Decide(frame.flow.destination, request.fields(), *draw, decision_);
    if (decision_.kind != route::Decision::Kind::kMirror) {
      return OutcomeOf(decision_.kind);
    }
    if (CarriesMark(snapshot_->mark(), frame.bytes, request)) {
      return RequestOutcome::already_mirrored;
    }
  }
  if (on_mirrored_) {
    on_mirrored_(frame, request);
  }
  if (options_.dry_run) {
    return RequestOutcome::dry_run;
  }
  MakeCopies(frame, request);
  return RequestOutcome::mirrored;
}

void Pipeline::MakeCopies(const stream::Frame& frame, protocol::Request& request) {
  for (const route::Rule* rule : decision_.rules) {
    ledger_.CopyMade();
    std::optional<CopyOutcome> ended = copy_maker_.Make(*rule, snapshot_->mark(), frame, request);
    if (!ended && !TakeBudget(*rule, frame.bytes.size())) {
      ended = CopyOutcome::over_budget;
    }
    if (ended) {
      ledger_.EndCopy(*ended, rule_numbers_[rule->id]);
    } else {
      SendCopy(*rule, frame.protocol, request);
    }
  }
}

bool Pipeline::TakeBudget(const route::Rule& rule, size_t bytes) {
  const RuleBudgets::Account& account = rule_budgets_[rule.id];
  if (account == nullptr) {
    return true;
  }
  if (!account->Allows(now_)) {
    return false;
  }
  account->Take(bytes, now_);
  return true;
}

void Pipeline::SendCopy(const route::Rule& rule, Content protocol, protocol::Request& request) {
  if (!copy_maker_.is_complete()) {
    ledger_.CopyUnmarked();
  }
  mirror::Copy copy;
  copy.cluster = rule.cluster_index;
  copy.rule = rule_numbers_[rule.id];
  copy.protocol = protocol;
  copy.pieces = copy_maker_.pieces();
  copy.oneway = copy_maker_.is_oneway();
  copy.hash = HashOfFields(rule.hash_policy, request.fields());
  mirror_->Send(copy, now_);
}

}  // namespace rpctee::agent
