// Where a piece of configuration stands, for messages: "routes.yaml:12:5". A plain value; any thread.
#pragma once

#include <string>

namespace rpctee::route {

struct Origin {
  std::string file;
  int line = 0;  // from 1; 0 = unknown
  int column = 0;
  std::string ToString() const;
};

}  // namespace rpctee::route
