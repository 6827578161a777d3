// What the agent is made of, for `rpctee version`. Any thread.
#pragma once

#include <string>

namespace rpctee::agent {

// Length and digest of the embedded BPF object, so that two builds can be told apart.
std::string TapProgramVersion();

}  // namespace rpctee::agent
