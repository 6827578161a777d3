// From documents to typed objects: finds out the kind of each, converts it, and unpacks dumps and lists.
//
// Control thread; lives for one load of route files. Errors and unknown kinds go to the diagnostics.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "control/collected.h"
#include "control/diagnostic.h"
#include "control/document_kind.h"
#include "control/proto_yaml.h"
#include "control/yaml_document.h"

namespace rpctee::control {

class DocumentReader {
 public:
  DocumentReader(Collected& collected, Diagnostics& diagnostics) : collected_(collected), diagnostics_(diagnostics) {}

  void ReadFile(const std::string& file, const YamlFile& documents);

 private:
  void ReadDocument(const YamlNode& node, const std::string& path, const std::string& list_kind);
  void ReadItems(const YamlNode& items, const std::string& path, const std::string& list_kind);
  // One value of type Any; false when it is of a kind that is not for routes.
  bool ReadKind(const IdentifiedKind& identified, const YamlNode& node, const std::string& path);
  void ReadConfigDump(const YamlNode& node, const std::string& path);
  template <typename Dump>
  void ReadDump(const YamlNode& node, const std::string& path);
  template <typename T>
  void ReadMessage(const YamlNode& node, const std::string& path, std::vector<Sourced<T>>& into);
  template <typename T>
  void ReadObject(const YamlNode& node, const std::string& path, const char* kind, std::vector<Sourced<T>>& into);

  route::Origin OriginOf(const YamlNode& node) const { return {file_, node.line, node.column}; }
  void Tell(Severity severity, const YamlNode& node, std::string message);

  Collected& collected_;
  Diagnostics& diagnostics_;
  std::string file_;
  // Kind and namespace/name of Kubernetes objects: a later one replaces an earlier one, as kubectl apply would.
  std::map<std::pair<std::string, std::string>, size_t> objects_;
};

}  // namespace rpctee::control
