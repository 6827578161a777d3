#include "control/request_mutation.h"

#include <fmt/format.h>

#include <optional>

#include "envoy/config/route/v3/route_components.pb.h"

namespace rpctee::control {
namespace {

using Option = envoy::config::core::v3::HeaderValueOption;

// Of "%%" a percent sign stays; nothing when there is anything else that begins with one.
std::optional<std::string> Literal(const std::string& value) {
  std::string text;
  for (size_t at = 0; at < value.size(); ++at) {
    if (value[at] == '%' && value.compare(at, 2, "%%") != 0) {
      return std::nullopt;
    }
    text += value[at];
    at += value[at] == '%' ? 1 : 0;
  }
  return text;
}

void AddOption(const Option& option, const Reporter& reporter, std::vector<route::Attachment>& mutation) {
  const std::optional<std::string> value = Literal(option.header().value());
  if (!value) {
    reporter.Warn(option, fmt::format("the value of \"{}\" is put together by the proxy; copies don't get it",
                                      option.header().key()));
    return;
  }
  if (option.append_action() == Option::ADD_IF_ABSENT || option.append_action() == Option::OVERWRITE_IF_EXISTS) {
    reporter.Warn(option,
                  fmt::format("\"{}\" is set in copies whether the request has it or not", option.header().key()));
  }
  AddMutation(option, option.header().key(), *value, reporter, mutation);
}

template <typename Proto>
void AddAll(const Proto& proto, const Reporter& reporter, std::vector<route::Attachment>& mutation) {
  for (const Option& option : proto.request_headers_to_add()) {
    AddOption(option, reporter, mutation);
  }
  if (proto.request_headers_to_remove_size() > 0) {
    reporter.Warn(proto, "what the proxy removes from requests is not removed from copies");
  }
}

}  // namespace

void AddMutation(const google::protobuf::Message& part, const std::string& key, const std::string& value,
                 const Reporter& reporter, std::vector<route::Attachment>& mutation) {
  if (const Status fits = route::CheckAttachments({{key, value}}); !fits) {
    reporter.Warn(part, fmt::format("{}; copies don't get it", fits.error().message));
    return;
  }
  mutation.push_back({key, value});
}

void AddMutations(const envoy::config::route::v3::Route& proto, const Reporter& reporter,
                  std::vector<route::Attachment>& mutation) {
  AddAll(proto, reporter, mutation);
}

void AddMutations(const envoy::config::route::v3::VirtualHost& proto, const Reporter& reporter,
                  std::vector<route::Attachment>& mutation) {
  AddAll(proto, reporter, mutation);
}

}  // namespace rpctee::control
