// Route files for tests: the data directory, files made on the spot, and what loading them told.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "control/route_files.h"
#include "support/source_dir.h"

namespace rpctee::control {

inline std::string DataPath(const std::string& name) { return test::SourceDir() + "/tests/unit/control/data/" + name; }

inline std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(file) << path;
  return text.str();
}

// A directory of its own, gone with the fixture.
class TestDirectory {
 public:
  TestDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "rpctee-control-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TestDirectory() { std::filesystem::remove_all(path_); }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  std::string Path(const std::string& name) const { return path_ + "/" + name; }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary | std::ios::trunc) << text;
    return Path(name);
  }

 private:
  std::string path_;
};

class RouteFilesTest : public ::testing::Test {
 protected:
  static LoadedRoutes LoadText(const std::string& text) { return LoadRouteTexts({{"routes.yaml", text}}); }
  // Text of the test's own, together with files of the data directory.
  static LoadedRoutes LoadTextWith(const std::string& text, const std::vector<std::string>& data_files) {
    std::vector<NamedText> texts{{"routes.yaml", text}};
    for (const std::string& file : data_files) {
      texts.push_back({file, ReadText(DataPath(file))});
    }
    return LoadRouteTexts(texts);
  }

  TestDirectory directory_;
};

// "warning 3:5 text", without the file.
inline std::string Short(const Diagnostic& diagnostic) {
  constexpr const char* kNames[] = {"info", "warning", "error"};
  return std::string(kNames[static_cast<int>(diagnostic.severity)]) + " " + std::to_string(diagnostic.origin.line) +
         ":" + std::to_string(diagnostic.origin.column) + " " + diagnostic.message;
}

inline std::vector<std::string> Told(const LoadedRoutes& loaded) {
  std::vector<std::string> told;
  for (const Diagnostic& diagnostic : loaded.diagnostics) {
    told.push_back(Short(diagnostic));
  }
  return told;
}

// "10.0.0.1:20880 10.0.0.2:20880 (unhealthy)"; "no such cluster".
inline std::string EndpointsOf(const LoadedRoutes& loaded, const std::string& cluster) {
  for (const route::Cluster& candidate : loaded.routes.clusters) {
    if (candidate.name == cluster) {
      std::string text;
      for (const route::ClusterEndpoint& endpoint : candidate.endpoints) {
        text += (text.empty() ? "" : " ") + endpoint.address.ToString();
        text += endpoint.weight == 1 ? "" : " (weight " + std::to_string(endpoint.weight) + ")";
        text += endpoint.healthy ? "" : " (unhealthy)";
      }
      return text;
    }
  }
  return "no such cluster";
}

inline constexpr char kHost[] = "org.apache.dubbo.samples.basic.api.demoservice";
inline constexpr char kV1[] = "outbound|20880|v1|org.apache.dubbo.samples.basic.api.demoservice";
inline constexpr char kV2[] = "outbound|20880|v2|org.apache.dubbo.samples.basic.api.demoservice";

}  // namespace rpctee::control
