// The network namespaces of pods: those that a pair of interfaces joins to the one of the calling thread, as far as
// processes that we may look at stand in them. A pod that others manage, on the same machine but not joined to our
// namespace, is none: its addresses may be anything.
//
// Any thread. Needs to see the processes of the host in /proc; owns nothing.
#pragma once

#include <cstddef>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace rpctee::tap {

// The namespace of the calling thread.
Result<Fd> OwnNamespace();

// At most `most`. An open descriptor keeps its namespace alive, so close them soon.
Result<std::vector<Fd>> FindPodNamespaces(size_t most);

}  // namespace rpctee::tap
