#include "control/route_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "control/document_reader.h"
#include "control/envoy_routes.h"
#include "control/meta_router.h"
#include "control/path_patterns.h"
#include "control/service_registry.h"
#include "control/text_file.h"
#include "control/unclosed_dump.h"

namespace rpctee::control {
namespace {

constexpr size_t kMaxDiagnostics = 1'000;

// The line on which the text ends, trailing space left out.
int LastLine(std::string_view text) {
  const size_t last = text.find_last_not_of(" \t\r\n");
  return 1 +
         static_cast<int>(std::count(text.begin(), text.begin() + (last == std::string_view::npos ? 0 : last), '\n'));
}

class Loader {
 public:
  explicit Loader(const RouteFileLimits& limits) : limits_(limits), reader_(collected_, diagnostics()) {}

  LoadedRoutes Load(const std::vector<std::string>& patterns) {
    for (const ExpandedPattern& pattern : ExpandPatterns(patterns)) {
      if (pattern.is_pattern && pattern.paths.empty()) {
        Tell(Severity::kWarning, {pattern.pattern, 0, 0}, "no file matches this pattern");
      }
      for (const std::string& path : pattern.paths) {
        if (std::find(loaded_.files.begin(), loaded_.files.end(), path) == loaded_.files.end()) {
          loaded_.files.push_back(path);
          ReadFile(path);
        }
      }
    }
    return Finish();
  }

  LoadedRoutes Load(const std::vector<NamedText>& texts) {
    for (const NamedText& text : texts) {
      loaded_.files.push_back(text.name);
      ReadText(text.name, text.text);
    }
    return Finish();
  }

 private:
  Diagnostics& diagnostics() { return loaded_.diagnostics; }
  void Tell(Severity severity, route::Origin origin, std::string message) {
    diagnostics().push_back({severity, std::move(origin), std::move(message)});
  }

  void ReadFile(const std::string& path) {
    Result<std::string> text = ReadTextFile(path, limits_.max_file_bytes);
    if (!text) {
      Tell(Severity::kError, {path, 0, 0}, text.error().message);
    } else {
      ReadText(path, *text);
    }
  }

  void ReadText(const std::string& path, const std::string& text) {
    if (text.size() > limits_.max_file_bytes) {
      Tell(Severity::kError, {path, 0, 0}, fmt::format("is larger than {} bytes", limits_.max_file_bytes));
      return;
    }
    YamlLimits limits;
    limits.max_documents = limits_.max_documents;
    limits.max_depth = limits_.max_depth;
    tl::expected<YamlFile, YamlError> parsed = YamlFile::Parse(text, limits);
    const std::optional<std::string> closed = parsed ? std::nullopt : CloseDump(text);
    if (closed) {
      Tell(Severity::kWarning, {path, LastLine(text), 0},
           "the dump ends before its closing brackets; what is there is whole and is used");
      parsed = YamlFile::Parse(*closed, limits);
    }
    if (parsed) {
      reader_.ReadFile(path, *parsed);
    } else if (EndsTooEarly(text)) {
      // YAML's own message speaks of keys, because "{" could begin one.
      Tell(Severity::kError, {path, LastLine(text), 0}, "the JSON ends before its closing brackets");
    } else {
      Tell(Severity::kError, {path, parsed.error().line, parsed.error().column}, parsed.error().message);
    }
  }

  void Build() {
    for (const auto& assignment : collected_.assignments) {
      Reporter reporter(*assignment.sources, diagnostics());
      AddCluster(ToCluster(*assignment.message, reporter), assignment.origin);
    }
    for (const auto& routes : collected_.aeraki_routes) {
      Reporter reporter(*routes.sources, diagnostics());
      AddConfig(ToRouteConfig(*routes.message, reporter));
    }
    for (const auto& routes : collected_.envoy_routes) {
      Reporter reporter(*routes.sources, diagnostics());
      AddConfig(ToRouteConfig(*routes.message, reporter));
    }
    FillRegistry();
    for (const auto& router : collected_.meta_routers) {
      Reporter reporter(*router.sources, diagnostics());
      for (route::RouteConfig& config : ToRouteConfigs(*router.message, registry_, reporter)) {
        AddConfig(std::move(config));
      }
    }
    ResolveClusters();
    for (route::Cluster& cluster : loaded_.routes.clusters) {
      registry_.SetLoadBalancing(cluster);
    }
  }

  void FillRegistry() {
    for (const auto& entry : collected_.service_entries) {
      Reporter reporter(*entry.sources, diagnostics());
      registry_.Add(*entry.message, reporter);
    }
    for (const auto& rule : collected_.destination_rules) {
      Reporter reporter(*rule.sources, diagnostics());
      registry_.Add(*rule.message, reporter);
    }
    for (const auto& deployment : collected_.deployments) {
      registry_.Add(*deployment.message, deployment.origin);
    }
    for (const auto& pod : collected_.pods) {
      registry_.Add(*pod.message, pod.origin, diagnostics());
    }
  }

  void AddConfig(route::RouteConfig config) {
    const auto [first, is_new] = config_origins_.try_emplace(config.name, config.origin);
    if (!is_new) {
      Tell(Severity::kWarning, config.origin,
           fmt::format("routes for \"{}\" stand at {} already; these are passed over", config.name,
                       first->second.ToString()));
      return;
    }
    loaded_.routes.configs.push_back(std::move(config));
  }

  void AddCluster(route::Cluster cluster, const route::Origin& origin) {
    if (cluster.name.empty()) {
      Tell(Severity::kWarning, origin, "a ClusterLoadAssignment without cluster_name; passed over");
    } else if (!clusters_.insert(cluster.name).second) {
      Tell(Severity::kWarning, origin,
           fmt::format("cluster \"{}\" has its endpoints already; these are passed over", cluster.name));
    } else {
      loaded_.routes.clusters.push_back(std::move(cluster));
    }
  }

  // Clusters that routes name and no ClusterLoadAssignment gives. Nobody misses the endpoints of a configuration that
  // mirrors nothing, so what is wrong with those is not told; they come last, to hide nothing.
  void ResolveClusters() {
    Diagnostics unheard;
    for (const bool mirroring : {true, false}) {
      for (const route::RouteConfig& config : loaded_.routes.configs) {
        if (Mirrors(config) == mirroring) {
          ResolveClustersOf(config, mirroring ? diagnostics() : unheard);
        }
      }
    }
  }

  static bool Mirrors(const route::RouteConfig& config) {
    return std::any_of(config.routes.begin(), config.routes.end(),
                       [](const route::Route& route) { return !route.mirrors.empty(); });
  }

  void ResolveClustersOf(const route::RouteConfig& config, Diagnostics& diagnostics) {
    for (const route::Route& route : config.routes) {
      for (const std::string& cluster : route.clusters) {
        ResolveCluster(cluster, route.origin, diagnostics);
      }
      for (const route::MirrorPolicy& mirror : route.mirrors) {
        ResolveCluster(mirror.cluster, mirror.origin, diagnostics);
      }
    }
  }

  void ResolveCluster(const std::string& cluster, const route::Origin& user, Diagnostics& diagnostics) {
    if (clusters_.insert(cluster).second) {
      loaded_.routes.clusters.push_back(registry_.Resolve(cluster, user, diagnostics));
    }
  }

  LoadedRoutes Finish() {
    if (!loaded_.refused()) {
      Build();
    }
    SortDiagnostics();
    if (loaded_.refused()) {
      loaded_.routes = {};
    }
    if (diagnostics().size() > kMaxDiagnostics) {
      ShortenDiagnostics();
    }
    return std::move(loaded_);
  }

  void SortDiagnostics() {
    std::unordered_map<std::string, size_t> file_order;
    for (const std::string& file : loaded_.files) {
      file_order.try_emplace(file, file_order.size());
    }
    const auto key = [&](const Diagnostic& diagnostic) {
      const auto file = file_order.find(diagnostic.origin.file);
      return std::tuple(file == file_order.end() ? size_t{0} : file->second, diagnostic.origin.line,
                        diagnostic.origin.column);
    };
    std::stable_sort(diagnostics().begin(), diagnostics().end(),
                     [&](const Diagnostic& a, const Diagnostic& b) { return key(a) < key(b); });
    // A MetaRouter is read once for each port of its service.
    const auto last = std::unique(diagnostics().begin(), diagnostics().end(), [&](const auto& a, const auto& b) {
      return key(a) == key(b) && a.origin.file == b.origin.file && a.message == b.message && a.origin.line > 0;
    });
    diagnostics().erase(last, diagnostics().end());
  }

  // Errors stay whatever their number: each document adds a bounded number of them, and they come first in interest.
  void ShortenDiagnostics() {
    const size_t before = diagnostics().size();
    size_t kept = 0;
    std::erase_if(diagnostics(), [&](const Diagnostic& diagnostic) {
      return ++kept > kMaxDiagnostics && diagnostic.severity != Severity::kError;
    });
    Tell(Severity::kInfo, {}, fmt::format("{} more messages are left out", before - diagnostics().size()));
  }

  RouteFileLimits limits_;
  LoadedRoutes loaded_;
  Collected collected_;
  DocumentReader reader_;
  ServiceRegistry registry_;
  std::unordered_map<std::string, route::Origin> config_origins_;
  std::unordered_set<std::string> clusters_;
};

}  // namespace

bool LoadedRoutes::refused() const {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const Diagnostic& diagnostic) { return diagnostic.severity == Severity::kError; });
}

LoadedRoutes LoadRouteFiles(const std::vector<std::string>& patterns, const RouteFileLimits& limits) {
  return Loader(limits).Load(patterns);
}

LoadedRoutes LoadRouteTexts(const std::vector<NamedText>& texts, const RouteFileLimits& limits) {
  return Loader(limits).Load(texts);
}

}  // namespace rpctee::control
