#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "consumer.h"

namespace {

int Fail(const std::string& message) {
  std::fprintf(stderr, "rpctee-sample-consumer: %s\n", message.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  rpctee::sample::ConsumerOptions options;
  std::string connect = "127.0.0.1:20880";
  std::vector<std::string> attachments;
  CLI::App app("Sample Dubbo consumer: sends requests, checks every answer, and ends with one JSON line.");
  app.add_option("--connect", connect, "ADDR:PORT")->capture_default_str();
  app.add_option("--requests", options.requests, "how many; 0 = as many as fit into --duration")->capture_default_str();
  app.add_option("--first", options.first, "number of the first request")->capture_default_str();
  app.add_option("--connections", options.connections)->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--depth", options.depth, "unanswered requests on each connection")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--burst", options.burst, "most requests on one connection before the next one's turn");
  app.add_option("--bytes", options.argument_bytes, "length of the argument")->check(CLI::Range(0, 8'000'000));
  app.add_flag("--size-mix", options.size_mix, "arguments from a few bytes to 500,000");
  app.add_option("--oneway-every", options.oneway_every, "each K-th request is one-way");
  app.add_option("--heartbeat-every", options.heartbeat_every, "a heartbeat before each K-th request");
  app.add_option("--rate", options.rate, "requests a second");
  app.add_option("--duration", options.duration_seconds, "stop asking after so many seconds");
  app.add_option("--timeout", options.timeout_seconds, "give up after so many seconds without an answer");
  app.add_flag("--write-split", options.write_split, "each frame in two segments, cut at every offset in turn");
  app.add_option("--wire-report", options.wire_report,
                 "write hashes of all bytes and TCP's counters, for each connection, to this file");
  app.add_option("--interface", options.interface_name)->capture_default_str();
  app.add_option("--service-version", options.service_version)->capture_default_str();
  app.add_option("--method", options.method)->capture_default_str();
  app.add_option("--attachment", attachments, "KEY=VALUE, added to each request");
  CLI11_PARSE(app, argc, argv);

  if (options.requests == 0 && options.duration_seconds <= 0) {
    return Fail("--requests 0 needs --duration");
  }
  for (const std::string& text : attachments) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) {
      return Fail("--attachment is KEY=VALUE, not " + text);
    }
    options.attachments.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  const auto address = rpctee::SocketAddress::Parse(connect);
  if (!address) {
    return Fail(address.error().message);
  }
  options.connect = *address;
  auto consumer = rpctee::sample::Consumer::Open(options);
  if (!consumer) {
    return Fail(consumer.error().message);
  }
  (*consumer)->Run();
  std::puts((*consumer)->Report().c_str());
  if (const auto written = (*consumer)->WriteWireReport(); !written) {
    return Fail(written.error().message);
  }
  return (*consumer)->all_ok() ? 0 : 1;
}
