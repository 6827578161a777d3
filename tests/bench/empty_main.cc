// rpctee-bench-empty: an empty program in both directions of an interface, where the tap would be, until SIGTERM.
//
// What a tc program costs the traffic because there is one at all.
#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <memory>
#include <vector>

#include "empty_program.h"

int main(int argc, char** argv) {
  rpctee::bench::Hook hook;
  bool clsact = false;
  CLI::App app("Attaches an empty program until SIGTERM.");
  app.add_option("--interface", hook.interface, "in the network namespace that this runs in")->required();
  app.add_flag("--clsact", clsact, "by a clsact filter, in a qdisc that exists, and not by tcx");
  CLI11_PARSE(app, argc, argv);
  hook.tcx = !clsact;

  sigset_t ends{};
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  std::vector<std::unique_ptr<rpctee::bench::EmptyProgram>> programs;
  for (const bool ingress : {false, true}) {
    hook.ingress = ingress;
    auto program = rpctee::bench::EmptyProgram::Attach(hook);
    if (!program) {
      std::fprintf(stderr, "rpctee-bench-empty: %s\n", program.error().message.c_str());
      return 1;
    }
    programs.push_back(std::move(*program));
  }
  std::fprintf(stderr, "attached\n");
  int signal = 0;
  sigwait(&ends, &signal);
  return 0;
}
