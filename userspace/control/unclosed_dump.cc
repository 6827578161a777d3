#include "control/unclosed_dump.h"

#include <nlohmann/json.hpp>
#include <vector>

namespace rpctee::control {
namespace {

// Follows which lists and objects are open.
class OpenLevels : public nlohmann::json_sax<nlohmann::json> {
 public:
  struct Level {
    bool is_list;
    std::string key;  // under which it stands in the object around it
  };
  const std::vector<Level>& levels() const { return levels_; }
  bool last_was_object_end() const { return last_was_object_end_; }

  bool null() override { return Other(); }
  bool boolean(bool) override { return Other(); }
  bool number_integer(number_integer_t) override { return Other(); }
  bool number_unsigned(number_unsigned_t) override { return Other(); }
  bool number_float(number_float_t, const string_t&) override { return Other(); }
  bool string(string_t&) override { return Other(); }
  bool binary(binary_t&) override { return Other(); }
  bool start_object(size_t) override { return Open(false); }
  bool end_object() override {
    levels_.pop_back();
    last_was_object_end_ = true;
    return true;
  }
  bool start_array(size_t) override { return Open(true); }
  bool end_array() override {
    levels_.pop_back();
    return Other();
  }
  bool key(string_t& name) override {
    key_ = name;
    return Other();
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
    error_position_ = position;
    return false;
  }
  size_t error_position() const { return error_position_; }

 private:
  bool Other() {
    last_was_object_end_ = false;
    return true;
  }
  bool Open(bool is_list) {
    const bool in_object = !levels_.empty() && !levels_.back().is_list;
    levels_.push_back({is_list, in_object ? key_ : std::string()});
    return Other();
  }

  std::vector<Level> levels_;
  std::string key_;
  bool last_was_object_end_ = false;
  size_t error_position_ = 0;
};

}  // namespace

std::optional<std::string> CloseDump(std::string_view text) {
  const size_t last = text.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos || text[last] != '}') {
    return std::nullopt;
  }
  OpenLevels open;
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &open)) {
    return std::nullopt;
  }
  if (!open.last_was_object_end() || open.levels().empty() || !open.levels().back().is_list) {
    return std::nullopt;
  }
  const std::string& key = open.levels().back().key;
  if (key != "dynamic_route_configs" && key != "dynamicRouteConfigs") {
    return std::nullopt;
  }
  std::string closed(text);
  for (auto level = open.levels().rbegin(); level != open.levels().rend(); ++level) {
    closed += level->is_list ? ']' : '}';
  }
  // An error before the end is still an error.
  return nlohmann::json::accept(closed) ? std::optional(std::move(closed)) : std::nullopt;
}

bool EndsTooEarly(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || (text[first] != '{' && text[first] != '[')) {
    return false;
  }
  OpenLevels open;
  return !nlohmann::json::sax_parse(text.begin(), text.end(), &open) && !open.levels().empty() &&
         open.error_position() > text.size();
}

}  // namespace rpctee::control
