// Where the source tree stands, for tests that read its files. Only source_dir.cc is compiled with the path, so that
// what a compiler cache keeps of the tests serves every checkout.
#pragma once

#include <string>

namespace rpctee::test {

// Without a slash at its end.
std::string SourceDir();

}  // namespace rpctee::test
