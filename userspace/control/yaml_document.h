// YAML (and so JSON) text as a tree that remembers lines and columns, within limits on size and depth.
//
// The only user of yaml-cpp, whose exceptions end here. The tree is read-only after parsing: any thread. Aliases share
// the node of their anchor, so readers must bound how many nodes they visit.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rpctee::control {

struct YamlNode {
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMap };
  Kind kind = Kind::kNull;
  bool quoted = false;  // scalars: written in quotes or as a block, so a string whatever it looks like
  int line = 0;         // from 1
  int column = 0;
  std::string text;                    // scalars
  std::vector<const YamlNode*> items;  // sequences: the elements; maps: key, value, key, value ...

  bool is_null() const { return kind == Kind::kNull; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_sequence() const { return kind == Kind::kSequence; }
  bool is_map() const { return kind == Kind::kMap; }
  // The value of a key of a map, or nullptr.
  const YamlNode* Find(std::string_view key) const;
  // The text of a scalar value of a map, or "".
  std::string_view FindText(std::string_view key) const;
};

struct YamlLimits {
  size_t max_nodes = 4'000'000;
  size_t max_documents = 100'000;
  int max_depth = 64;
};

struct YamlError {
  int line = 0;
  int column = 0;
  std::string message;
};

class YamlFile {
 public:
  // All documents of `text`, empty ones left out. Fails on a syntax error, on a key that stands twice in a map, on a
  // key that is not a scalar, and at a limit.
  static tl::expected<YamlFile, YamlError> Parse(std::string_view text, const YamlLimits& limits = {});

  const std::vector<const YamlNode*>& documents() const { return documents_; }
  size_t node_count() const { return nodes_.size(); }

 private:
  friend class YamlTreeBuilder;
  std::deque<YamlNode> nodes_;
  std::vector<const YamlNode*> documents_;
};

}  // namespace rpctee::control
