#include "cli/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>

namespace rpctee::cli {
namespace {

// The message as a JSON string; spdlog's own %v would leave quotes and newlines as they are.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/, spdlog::memory_buf_t& out) override {
    const std::string text(message.payload.begin(), message.payload.end());
    const std::string json = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    out.append(json.data(), json.data() + json.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<JsonMessage>(); }
};

spdlog::level::level_enum SpdlogLevel(control::LogLevel level) {
  switch (level) {
    case control::LogLevel::kTrace:
      return spdlog::level::trace;
    case control::LogLevel::kDebug:
      return spdlog::level::debug;
    case control::LogLevel::kInfo:
      return spdlog::level::info;
    case control::LogLevel::kWarn:
      return spdlog::level::warn;
    case control::LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void SetUpLog() {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>()));
  ConfigureLog({});
}

void ConfigureLog(const control::AgentConfig::Log& config) {
  spdlog::set_level(SpdlogLevel(config.level));
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  if (config.format == control::LogFormat::kJson) {
    formatter->add_flag<JsonMessage>('*').set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":%*})");
  } else {
    formatter->set_pattern("%Y-%m-%d %H:%M:%S.%e %l: %v");
  }
  spdlog::set_formatter(std::move(formatter));
  spdlog::flush_on(spdlog::level::trace);
}

}  // namespace rpctee::cli
