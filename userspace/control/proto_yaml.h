// The one converter from YAML to protobuf messages, by reflection, with protobuf's JSON rules: keys by JSON name or by
// field name, enums by name or number, wrappers and durations as plain values, null as absent.
//
// Any thread; no state. Wrong types and numbers out of range are errors with file, line, column and path; keys that
// the message does not have are collected in the SourceMap, and the caller decides.
#pragma once

#include <functional>
#include <string>

#include "control/diagnostic.h"
#include "control/source_map.h"
#include "control/yaml_document.h"

namespace google::protobuf {
class Message;
}

namespace rpctee::control {

struct YamlConversion {
  std::string file;                    // for origins
  SourceMap* sources = nullptr;        // required
  Diagnostics* diagnostics = nullptr;  // required: gets the errors
  bool record_fields = false;          // also record where each field stands
  size_t max_visits = 8'000'000;       // of nodes, so that aliases can't multiply the work
  // A value of type google.protobuf.Any: given to the caller as it stands, with its path. The Any stays empty.
  std::function<void(const YamlNode& value, const std::string& path)> on_any;
};

// Fills `message`, which is empty; `path` names the node in messages ("" for a document). False after an error; the
// rest of the node was looked at all the same, so that all errors are told at once.
bool FromYaml(const YamlNode& node, const std::string& path, YamlConversion& conversion,
              google::protobuf::Message& message);

}  // namespace rpctee::control
