#include "agent/pipeline.h"

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

void Pipeline::OnFrame(const stream::Frame& frame) { ledger_.End(Handle(frame)); }

void Pipeline::OnLost(stream::LostReason reason) { ledger_.End(OutcomeOf(reason)); }

RequestOutcome Pipeline::Handle(const stream::Frame& frame) {
  protocol::dubbo::DubboRequest request(frame.bytes);
  if (!options_.take_every_request) {
    if (snapshot_ == nullptr) {
      return RequestOutcome::no_route;
    }
    snapshot_->Decide(frame.flow.destination, request, frame.draw, decision_);
    if (decision_.kind != route::Decision::Kind::kMirror) {
      return OutcomeOf(decision_.kind);
    }
  }
  if (on_mirrored_) {
    on_mirrored_(frame, request);
  }
  if (options_.dry_run) {
    return RequestOutcome::dry_run;
  }
  SendCopies(frame);
  return RequestOutcome::mirrored;
}

void Pipeline::SendCopies(const stream::Frame& frame) {
  for (const route::Rule* rule : decision_.rules) {
    ledger_.CopyMade();
    mirror_->Send(rule->cluster_index, rule->id, frame.bytes);
  }
}

}  // namespace rpctee::agent
