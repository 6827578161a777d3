#include "control/copy_policy_config.h"

#include <limits>
#include <map>

#include "route/route_set.h"
#include "route/text.h"

namespace rpctee::control {
namespace {

namespace pb = rpctee::config::v1;

// What rules know by these names is no attachment.
bool IsPartOfEveryRequest(const std::string& name) {
  const std::string folded = route::Fold(name);
  return folded == "interface" || folded == "method" || folded == "version";
}

void TakeMatch(const pb::PolicyMatch& proto, route::MatchedPolicy& policy) {
  policy.config = proto.has_config() ? proto.config() : policy.config;
  policy.route = proto.has_route() ? proto.route() : policy.route;
  policy.cluster = proto.has_cluster() ? proto.cluster() : policy.cluster;
}

void TakeAttachments(const pb::Policy& proto, Overlay& overlay, std::vector<route::Attachment>& attachments) {
  // By name, because protobuf's maps have no order.
  const std::map<std::string, std::string> sorted(proto.attachments().begin(), proto.attachments().end());
  for (const auto& [key, value] : sorted) {
    attachments.push_back({key, value});
  }
  if (const Status added = route::CheckAttachments(attachments); !added) {
    overlay.AddError(proto, pb::Policy::kAttachmentsFieldNumber, added.error().message);
  }
}

void TakeMethods(const pb::Policy& proto, Overlay& overlay, route::CopyPolicy& policy) {
  overlay.List(proto, pb::Policy::kAllowMethodsFieldNumber, proto.allow_methods(), policy.allow_methods);
  overlay.List(proto, pb::Policy::kDenyMethodsFieldNumber, proto.deny_methods(), policy.deny_methods);
  policy.allow_by_default = policy.allow_methods.empty();
  overlay.Choice<bool>(proto, pb::Policy::kDefaultFieldNumber, proto.has_default_(), proto.default_(),
                       {{"allow", true}, {"deny", false}}, policy.allow_by_default);
  if (policy.allow_by_default && !policy.allow_methods.empty()) {
    overlay.AddError(proto, pb::Policy::kDefaultFieldNumber, "allow leaves nothing for allow_methods to do");
  }
}

route::CopyPolicy TakePolicy(const pb::Policy& proto, Overlay& overlay) {
  using B = route::LoadBalancing;
  route::CopyPolicy policy;
  TakeAttachments(proto, overlay, policy.attachments);
  TakeMethods(proto, overlay, policy);
  policy.oneway = proto.oneway();
  policy.dry_run = proto.dry_run();
  policy.sample_by = proto.sample_by();
  overlay.Count(RPCTEE_FIELD(Policy, proto, max_requests_per_second, MaxRequestsPerSecond), 0,
                std::numeric_limits<uint32_t>::max(), policy.max_requests_per_second);
  overlay.Size(RPCTEE_FIELD(Policy, proto, max_bytes_per_second, MaxBytesPerSecond), 0, kGiB * kKiB,
               policy.max_bytes_per_second);
  B load_balancing = B::kRoundRobin;
  overlay.Choice<B>(RPCTEE_FIELD(Policy, proto, load_balancing, LoadBalancing),
                    {{Name(B::kRoundRobin), B::kRoundRobin},
                     {Name(B::kLeastRequest), B::kLeastRequest},
                     {Name(B::kRandom), B::kRandom},
                     {Name(B::kRingHash), B::kRingHash}},
                    load_balancing);
  if (proto.has_load_balancing()) {
    policy.load_balancing = load_balancing;
  }
  return policy;
}

}  // namespace

void TakeMark(const pb::Mark& proto, const std::string& node, Overlay& overlay, route::Mark& mark) {
  mark.attachment = proto.has_attachment() ? proto.attachment() : mark.attachment;
  mark.value = proto.has_value() ? proto.value() : node;
  overlay.Choice<bool>(RPCTEE_FIELD(Mark, proto, when_impossible, WhenImpossible), {{"send", false}, {"drop", true}},
                       mark.required);
  if (mark.attachment.empty()) {
    return;
  }
  if (IsPartOfEveryRequest(mark.attachment)) {
    overlay.AddError(proto, pb::Mark::kAttachmentFieldNumber,
                     fmt::format("\"{}\" is a part of every request", mark.attachment));
  }
  if (const Status fits = route::CheckAttachments({{mark.attachment, mark.value}}); !fits) {
    const int field = proto.has_value() ? pb::Mark::kValueFieldNumber : pb::Mark::kAttachmentFieldNumber;
    overlay.AddError(proto, field, fits.error().message);
  }
}

void TakePolicies(const google::protobuf::RepeatedPtrField<pb::Policy>& protos, Overlay& overlay,
                  std::vector<route::MatchedPolicy>& policies) {
  for (const pb::Policy& proto : protos) {
    route::MatchedPolicy& policy = policies.emplace_back();
    TakeMatch(proto.match(), policy);
    policy.policy = TakePolicy(proto, overlay);
    policy.origin = overlay.OriginOf(proto);
  }
}

}  // namespace rpctee::control
