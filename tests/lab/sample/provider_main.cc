#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "provider.h"

namespace {

int Fail(const rpctee::Error& error) {
  std::fprintf(stderr, "rpctee-sample-provider: %s\n", error.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  rpctee::sample::ProviderOptions options;
  std::string listen = "127.0.0.1:20880";
  std::string call_on;
  int64_t delay_us = 0;
  CLI::App app("Sample Dubbo provider: answers sayHello(String), and reports what it received when it is stopped.");
  app.add_option("--listen", listen, "ADDR:PORT")->capture_default_str();
  app.add_option("--name", options.name, "who answers")->capture_default_str();
  app.add_option("--call-on", call_on, "ADDR:PORT: before each answer ask this one the same, attachments and all");
  app.add_option("--delay-us", delay_us, "wait so long before each answer")->check(CLI::Range(0, 60'000'000));
  app.add_option("--answer-status", options.answer_status, "Dubbo status of every answer (20 = OK)");
  app.add_flag("--never-read", options.never_read, "accept connections and read nothing");
  app.add_option("--report", options.report_file, "write the closing JSON line to this file too");
  app.add_option("--wire-report", options.wire_report,
                 "write hashes of all bytes and TCP's counters, for each connection, to this file");
  app.add_option("--log-requests", options.request_log, "write PEER REQUEST HASH for each request to this file");
  app.add_option("--log-times", options.time_log, "write HASH NANOSECONDS for each request to this file");
  CLI11_PARSE(app, argc, argv);

  const auto address = rpctee::SocketAddress::Parse(listen);
  if (!address) {
    return Fail(address.error());
  }
  options.listen = *address;
  if (!call_on.empty()) {
    const auto next = rpctee::SocketAddress::Parse(call_on);
    if (!next) {
      return Fail(next.error());
    }
    options.call_on = *next;
  }
  options.delay = std::chrono::microseconds(delay_us);
  auto provider = rpctee::sample::Provider::Open(options);
  if (!provider) {
    return Fail(provider.error());
  }
  std::fprintf(stderr, "%s listens on %s\n", options.name.c_str(), listen.c_str());
  const auto status = (*provider)->Run();
  return status ? 0 : Fail(status.error());
}
