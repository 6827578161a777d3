#include "support/source_dir.h"

namespace rpctee::test {

std::string SourceDir() { return RPCTEE_SOURCE_DIR; }

}  // namespace rpctee::test
