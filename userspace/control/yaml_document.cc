#include "control/yaml_document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <streambuf>
#include <unordered_map>
#include <unordered_set>

namespace rpctee::control {
namespace {

// Thrown from inside yaml-cpp's callbacks, where there is no other way out; caught in Parse.
struct ParseStopped {
  YamlError error;
};

// A stream over text that is already in memory, without a copy.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // streambuf's interface; get areas are only read
    setg(begin, begin, begin + text.size());
  }
};

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  if (!is_map()) {
    return nullptr;
  }
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i]->text == key) {
      return items[i + 1];
    }
  }
  return nullptr;
}

std::string_view YamlNode::FindText(std::string_view key) const {
  const YamlNode* value = Find(key);
  return value != nullptr && value->is_scalar() ? std::string_view(value->text) : std::string_view();
}

class YamlTreeBuilder : public YAML::EventHandler {
 public:
  // Two values in each byte are more than a text can hold ("{a,b}" has a key and nothing in two). yaml-cpp 0.7 gives an
  // empty document again and again for a comma that stands alone.
  YamlTreeBuilder(YamlFile& file, const YamlLimits& limits, size_t text_bytes)
      : file_(file), limits_(limits), most_in_text_(2 * text_bytes + 16) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    root_ = nullptr;
    anchors_.clear();
    if (file_.documents_.size() >= limits_.max_documents) {
      Stop(mark, fmt::format("more than {} documents in one file", limits_.max_documents));
    }
  }
  void OnDocumentEnd() override {
    if (root_ != nullptr && !root_->is_null()) {
      file_.documents_.push_back(root_);
    }
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode& node = NewNode(mark, YamlNode::Kind::kNull);
    Place(mark, node);
    Remember(anchor, node);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      Stop(mark, "an alias inside its own anchor");
    }
    Place(mark, *found->second);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode& node = NewNode(mark, YamlNode::Kind::kScalar);
    node.text = value;
    node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    Place(mark, node);
    Remember(anchor, node);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, YamlNode::Kind::kSequence, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, YamlNode::Kind::kMap, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Level {
    YamlNode* node;
    YAML::anchor_t anchor;
    std::unordered_set<std::string_view> keys;  // views into the key nodes, which do not move
  };

  [[noreturn]] static void Stop(const YAML::Mark& mark, std::string message) {
    throw ParseStopped{{mark.line + 1, mark.column + 1, std::move(message)}};
  }

  YamlNode& NewNode(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (file_.nodes_.size() >= limits_.max_nodes) {
      Stop(mark, fmt::format("more than {} values in one file", limits_.max_nodes));
    }
    if (file_.nodes_.size() >= most_in_text_) {
      Stop(mark, "more values than the text has room for: a comma, bracket or quote is out of place");
    }
    YamlNode& node = file_.nodes_.emplace_back();
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  // Puts a node where the parser stands: a key, a value, an element, or the root.
  void Place(const YAML::Mark& mark, const YamlNode& node) {
    if (levels_.empty()) {
      root_ = &node;
      return;
    }
    Level& level = levels_.back();
    const bool is_key = level.node->is_map() && level.node->items.size() % 2 == 0;
    if (is_key && !node.is_scalar()) {
      Stop(mark, "a key that is not a plain value");
    }
    if (is_key && !level.keys.insert(node.text).second) {
      Stop(mark, fmt::format("the key \"{}\" stands twice", node.text));
    }
    level.node->items.push_back(&node);
  }

  void Open(const YAML::Mark& mark, YamlNode::Kind kind, YAML::anchor_t anchor) {
    if (levels_.size() >= static_cast<size_t>(limits_.max_depth)) {
      Stop(mark, fmt::format("nested more than {} levels deep", limits_.max_depth));
    }
    YamlNode& node = NewNode(mark, kind);
    Place(mark, node);
    levels_.push_back({&node, anchor, {}});
  }

  void Close() {
    Remember(levels_.back().anchor, *levels_.back().node);
    levels_.pop_back();
  }

  // Only when the node is complete, so that no alias can make a circle.
  void Remember(YAML::anchor_t anchor, const YamlNode& node) {
    if (anchor != YAML::NullAnchor) {
      anchors_[anchor] = &node;
    }
  }

  YamlFile& file_;
  const YamlLimits& limits_;
  size_t most_in_text_;  // values
  const YamlNode* root_ = nullptr;
  std::vector<Level> levels_;
  std::unordered_map<YAML::anchor_t, const YamlNode*> anchors_;
};

tl::expected<YamlFile, YamlError> YamlFile::Parse(std::string_view text, const YamlLimits& limits) {
  YamlFile file;
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    YamlTreeBuilder builder(file, limits, text.size());
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const ParseStopped& stopped) {
    return tl::unexpected<YamlError>(stopped.error);
  } catch (const YAML::Exception& exception) {
    return tl::unexpected<YamlError>({exception.mark.line + 1, exception.mark.column + 1, exception.msg});
  } catch (const std::exception& exception) {
    return tl::unexpected<YamlError>({0, 0, exception.what()});
  }
  return file;
}

}  // namespace rpctee::control
