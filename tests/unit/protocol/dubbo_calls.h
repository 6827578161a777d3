// The calls that data/make writes in every serialization, and what must be read from them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "support/codec_kit.h"
#include "unit/protocol/vectors.h"

namespace rpctee::test {

inline constexpr const char* kWide = "\xe4\xb8\x96\xe7\x95\x8c";
inline constexpr const char* kMixed = "\xe4\xb8\x96\xe7\x95\x8c-\xc3\xa9-\xf0\x9f\x98\x80";

inline std::string Repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

struct DubboCall {
  const char* name;
  std::string method;
  std::string descriptor;
  Fields attachments;
  std::string wire_method = method;
};

inline const std::vector<DubboCall>& DubboCalls() {
  static const std::string method = std::string("m\xc3\xbc") + kMixed;
  static const Fields hard = {{"hard", std::string("\"\\/<>&='\xe2\x80\xa8\x01\x0b\0\t\n\r\b\f\x7f", 20) + kMixed},
                              {"empty", ""},
                              {"latin", "J\xc3\xbcrgen"},
                              {"wide", Repeat(kWide, 8)}};
  static const std::string user = "LMakeRequests$User;";
  static const std::vector<DubboCall> calls = {
      {"no_args", "noArgs", "", {{"tag", kMixed}, {"group", {}}}},
      {"say_hello", "sayHello", "Ljava/lang/String;", {{"trace-id", "abc-123"}, {"tag", {}}}},
      {"message", "sayHello", "Lcom/google/protobuf/StringValue;", {{"trace-id", "abc-123"}}},
      {"hard_text", method, "Ljava/lang/String;", hard},
      {"hard_names", method, "", hard},
      {"generic",
       "updateUser",
       "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;",
       {{"generic", "true"}, {"group", "gray"}},
       "$invoke"},
      {"echo", "$echo", "Ljava/lang/Object;", {{"trace-id", "abc-123"}}},
      {"typed",
       "typed",
       "ILjava/lang/Long;",
       {{"count", "15000"},
        {"big", "-5000000000"},
        {"flag", "true"},
        {"small", "-7"},
        {"tiny", "100"},
        {"trace-id", "abc-123"},
        {"group", {}}}},
      {"long_text", Repeat("longName", 40), Repeat(user, 30), {{"long", std::string(300, 'y')}}},
      {"rich",
       "rich",
       user + "Ljava/util/List;Ljava/util/Map;[B[IDLjava/math/BigDecimal;Z[Ljava/lang/String;"
              "Ljava/util/concurrent/TimeUnit;Ljava/util/Date;C",
       {{"trace-id", "abc-123"}, {"group", {}}, {"name", {}}}},
  };
  return calls;
}

struct Written {
  const char* serialization;
  std::vector<std::string> unreadable = {};  // attachments besides "list"
  std::vector<std::string> calls = {"no_args", "say_hello", "hard_text", "generic",
                                    "echo",    "typed",     "long_text", "rich"};
};

inline const std::vector<Written>& Serializations() {
  static const std::vector<Written> all = {
      {"dubbo2723/hessian2_"},
      {"dubbo3216/hessian2_"},
      {"dubbo2723/native_hessian_", {"small", "tiny"}},  // as objects
      {"dubbo3216/fastjson2_"},
      {"dubbo2723/nativejava_"},
      {"dubbo3216/nativejava_"},
      {"dubbo2723/java_"},
      {"dubbo2723/compactedjava_", {}, {"no_args", "say_hello", "hard_text", "generic", "echo", "typed", "long_text"}},
      {"dubbo2723/fastjson_"},
      {"dubbo3216/fastjson_"},
      {"dubbo2723/gson_"},
      {"dubbo2723/protobuf_json_", {}, {"no_args", "message", "hard_names"}},  // messages, and nothing else
  };
  return all;
}

inline Fields FieldsOf(const Written& written, const DubboCall& call) {
  Fields fields = call.attachments;
  fields["interface"] = "org.example.DemoService";
  fields["path"] = "org.example.DemoService";
  fields["version"] = "1.0.0";
  fields["method"] = call.method;
  for (const std::string& name : written.unreadable) {
    fields.erase(name);
  }
  return fields;
}

inline bool Has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Calls `check` with each frame that there is.
template <typename Check>
void ForEachFrame(Check check) {
  for (const Written& written : Serializations()) {
    for (const DubboCall& call : DubboCalls()) {
      if (Has(written.calls, call.name)) {
        const std::string name = std::string(written.serialization) + call.name;
        SCOPED_TRACE(name);
        check(RealFrame(name), written, call);
      }
    }
  }
}

}  // namespace rpctee::test
