// Loads the tap program with its options. Control thread. The only place, with tap.cc, that includes the skeleton.
#pragma once

#include "rpctee_tap.skel.h"

#include "base/result.h"
#include "tap/bpf_skeleton.h"
#include "tap/tap_options.h"

namespace rpctee::tap {

using TapSkeleton = BpfSkeleton<rpctee_tap>;

// Loads one of the object's two programs for requests: that for kernels with bpf_loop (5.17), or that for older ones.
// With TapOptions::replies, one of the two for answers too.
// Errors say what to do: which capability is missing, that the kernel is too old, or the end of the verifier's log.
Result<TapSkeleton> LoadProgram(const TapOptions& options);

// The program that was loaded.
int ProgramFd(const TapSkeleton& skeleton);
// Only with TapOptions::replies.
int ReplyProgramFd(const TapSkeleton& skeleton);

}  // namespace rpctee::tap
