// Route files that are cut, changed or nonsense: they may be refused or tell warnings, and nothing else happens.
#include <fmt/format.h>

#include "control/yaml_document.h"
#include "unit/control/test_files.h"

namespace rpctee::control {
namespace {

using Robustness = RouteFilesTest;

const char* const kFiles[] = {"guide_deployment_v1.yaml",
                              "guide_service_entry.yaml",
                              "guide_metarouter_v1.yaml",
                              "guide_metarouter_mirror.yaml",
                              "guide_dump.json",
                              "pods.yaml",
                              "endpoints.yaml"};

// Writes a tree back as flow YAML, leaving out or replacing one node.
class Rewriter {
 public:
  Rewriter(size_t target, const std::string& replacement) : target_(target), replacement_(replacement) {}

  // False when the target lies beyond the last node.
  bool Write(const YamlNode& root, std::string& out) {
    WriteNode(root, out);
    return next_ > target_;
  }

 private:
  void WriteNode(const YamlNode& node, std::string& out) {
    if (next_++ == target_) {
      out += replacement_;
    } else if (node.is_null()) {
      out += "null";
    } else if (node.is_scalar()) {
      out += node.quoted ? fmt::format("'{}'", node.text) : node.text;
    } else {
      out += node.is_map() ? "{" : "[";
      for (size_t i = 0; i < node.items.size(); ++i) {
        const bool is_key = node.is_map() && i % 2 == 0;
        if (is_key) {
          out += fmt::format("'{}': ", node.items[i]->text);
        } else {
          WriteNode(*node.items[i], out);
          out += ", ";
        }
      }
      out += node.is_map() ? "}" : "]";
    }
  }

  size_t target_;
  const std::string& replacement_;
  size_t next_ = 0;
};

// Leaves out the key (with its value) or element at one position.
class Deleter {
 public:
  explicit Deleter(size_t target) : target_(target) {}
  bool Write(const YamlNode& root, std::string& out) {
    WriteNode(root, out);
    return next_ > target_;
  }

 private:
  void WriteNode(const YamlNode& node, std::string& out) {
    if (node.is_null()) {
      out += "null";
    } else if (node.is_scalar()) {
      out += node.quoted ? fmt::format("'{}'", node.text) : node.text;
    } else {
      out += node.is_map() ? "{" : "[";
      const size_t step = node.is_map() ? 2 : 1;
      for (size_t i = 0; i + step <= node.items.size(); i += step) {
        if (next_++ == target_) {
          continue;
        }
        if (node.is_map()) {
          out += fmt::format("'{}': ", node.items[i]->text);
        }
        WriteNode(*node.items[i + step - 1], out);
        out += ", ";
      }
      out += node.is_map() ? "}" : "]";
    }
  }

  size_t target_;
  size_t next_ = 0;
};

bool MirrorsAnything(const LoadedRoutes& loaded) {
  for (const route::RouteConfig& config : loaded.routes.configs) {
    for (const route::Route& route : config.routes) {
      if (!route.mirrors.empty()) {
        return true;
      }
    }
  }
  return false;
}

TEST_F(Robustness, FilesCutAtEveryByteAreHandled) {
  for (const char* file : kFiles) {
    const std::string text = ReadText(DataPath(file));
    for (size_t size = 0; size < text.size(); ++size) {
      const LoadedRoutes loaded =
          LoadTextWith(text.substr(0, size), {"guide_service_entry.yaml", "guide_metarouter_mirror.yaml", "pods.yaml"});
      EXPECT_TRUE(!loaded.refused() || loaded.routes.configs.empty());
    }
  }
}

TEST_F(Robustness, DumpCutAnywhereMirrorsNothing) {
  const std::string text = ReadText(DataPath("guide_dump.json"));
  const size_t end = text.find_last_of('}') + 1;
  for (size_t size = 0; size < end; ++size) {
    EXPECT_FALSE(MirrorsAnything(LoadText(text.substr(0, size)))) << size;
  }
  EXPECT_TRUE(MirrorsAnything(LoadText(text.substr(0, end))));
}

// Each node of each file in turn becomes each of these.
TEST_F(Robustness, ValuesOfOtherTypesAreHandled) {
  const std::string replacements[] = {"null",     "7",  "-1", "1e999",    "true",        "text",
                                      "'quoted'", "[]", "{}", "[1, [2]]", "{a: {b: c}}", "99999999999999999999",
                                      "''"};
  size_t tried = 0;
  for (const char* file : kFiles) {
    std::string text = ReadText(DataPath(file));
    if (std::string(file) == "guide_dump.json") {
      text += "]}";
    }
    const auto parsed = YamlFile::Parse(text);
    ASSERT_TRUE(parsed) << file;
    for (const std::string& replacement : replacements) {
      std::string changed;
      for (size_t target = 0; Rewriter(target, replacement).Write(*parsed->documents().at(0), changed); ++target) {
        const LoadedRoutes loaded = LoadTextWith(changed, {"guide_service_entry.yaml", "pods.yaml"});
        EXPECT_TRUE(!loaded.refused() || loaded.routes.configs.empty());
        changed.clear();
        ++tried;
      }
    }
  }
  EXPECT_GT(tried, 1'000U);
}

TEST_F(Robustness, FilesWithoutAnyOneOfTheirKeysAreHandled) {
  size_t tried = 0;
  for (const char* file : kFiles) {
    std::string text = ReadText(DataPath(file));
    if (std::string(file) == "guide_dump.json") {
      text += "]}";
    }
    const auto parsed = YamlFile::Parse(text);
    ASSERT_TRUE(parsed) << file;
    std::string changed;
    for (size_t target = 0; Deleter(target).Write(*parsed->documents().at(0), changed); ++target) {
      const LoadedRoutes loaded =
          LoadTextWith(changed, {"guide_service_entry.yaml", "guide_metarouter_mirror.yaml", "pods.yaml"});
      EXPECT_FALSE(loaded.refused()) << changed << ::testing::PrintToString(Told(loaded));
      changed.clear();
      ++tried;
    }
  }
  EXPECT_GT(tried, 100U);
}

TEST_F(Robustness, BytesThatAreNoTextAreHandled) {
  const std::string texts[] = {std::string(1'000, '\0'),
                               "\xff\xfe\x00",
                               "\xef\xbb\xbfname: x_1\nroutes: []\n",
                               "name: \"\xc3\x28\"\nroutes: []\n",
                               "\x80\x81\x82",
                               "a: !!binary x\n",
                               "%YAML 9.9\n---\na: 1\n",
                               "&a",
                               "*a",
                               "- *a",
                               "? ",
                               "<<: {a: 1}\nroutes: []\n",
                               "!<tag> x",
                               "'",
                               "\"\\ud83d\\ude00\"",
                               std::string(100'000, '{'),
                               std::string(100'000, '-'),
                               std::string(50'000, ' ') + "a: b"};
  for (const std::string& text : texts) {
    const LoadedRoutes loaded = LoadText(text);
    EXPECT_TRUE(!loaded.refused() || loaded.routes.configs.empty());
  }
}

}  // namespace
}  // namespace rpctee::control
