#include "control/proto_yaml.h"

#include <fmt/format.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/wrappers.pb.h>

#include <limits>
#include <set>

#include "control/scalar.h"
#include "control/similar_name.h"
#include "rpctee/options/v1/options.pb.h"

namespace rpctee::control {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr size_t kMaxErrors = 20;  // of one document; more help nobody

bool IsOpen(const Descriptor& type) { return type.options().GetExtension(rpctee::options::v1::open); }
bool IsIgnored(const Descriptor& type) { return type.full_name() == "rpctee.options.v1.Ignored"; }
bool IsAny(const Descriptor& type) { return type.full_name() == "google.protobuf.Any"; }
bool IsWrapper(const Descriptor& type) { return type.file()->name() == "google/protobuf/wrappers.proto"; }

const FieldDescriptor* FindField(const Descriptor& type, const std::string& key) {
  const FieldDescriptor* field = type.FindFieldByName(key);
  if (field != nullptr) {
    return field;
  }
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == key) {
      return type.field(i);
    }
  }
  return nullptr;
}

// The known key nearest to `key`, in the spelling (camelCase or snake_case) that the key uses.
std::string SimilarKey(const Descriptor& type, const std::string& key) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) {
    names.push_back(type.field(i)->name());
    names.push_back(type.field(i)->json_name());
  }
  return SimilarName(key, names);
}

class Converter {
 public:
  explicit Converter(YamlConversion& conversion)
      : conversion_(conversion), start_(conversion.diagnostics->size()), visits_left_(conversion.max_visits) {}

  bool Convert(const YamlNode& node, std::string path, Message& message) {
    path_ = std::move(path);
    ReadMessage(node, message, nullptr);
    return !failed_;
  }

 private:
  // Appends to the path for as long as it lives.
  class PathStep {
   public:
    PathStep(Converter& converter, const std::string& key) : path_(converter.path_), size_(path_.size()) {
      path_ += path_.empty() ? key : "." + key;
    }
    PathStep(Converter& converter, size_t index) : path_(converter.path_), size_(path_.size()) {
      path_ += fmt::format("[{}]", index);
    }
    ~PathStep() { path_.resize(size_); }
    PathStep(const PathStep&) = delete;
    PathStep& operator=(const PathStep&) = delete;

   private:
    std::string& path_;
    size_t size_;
  };

  route::Origin OriginOf(const YamlNode& node) const { return {conversion_.file, node.line, node.column}; }

  void AddError(const YamlNode& node, const std::string& message) {
    failed_ = true;
    if (conversion_.diagnostics->size() - start_ < kMaxErrors) {
      conversion_.diagnostics->push_back(
          {Severity::kError, OriginOf(node), path_.empty() ? message : fmt::format("{}: {}", path_, message)});
    }
  }

  bool Visit(const YamlNode& node) {
    if (visits_left_ == 0) {
      return false;
    }
    if (--visits_left_ == 0) {
      AddError(node, fmt::format("more than {} values, counting those that aliases repeat", conversion_.max_visits));
      return false;
    }
    return true;
  }

  // Gives the value to `set`, or tells the error.
  template <typename T, typename Set>
  void Take(const YamlNode& node, const Result<T>& value, const Set& set) {
    if (value) {
      set(*value);
    } else {
      AddError(node, value.error().message);
    }
  }

  // `owner`: the message that is told of unused keys; nullptr = `message` itself. Differs inside maps, whose entries
  // may move.
  void ReadMessage(const YamlNode& node, Message& message, const Message* owner) {
    const Descriptor& type = *message.GetDescriptor();
    if (!Visit(node) || IsIgnored(type)) {
      return;
    }
    if (owner == nullptr && !IsOpen(type)) {
      conversion_.sources->Add(message, {OriginOf(node), path_});
    }
    if (ReadSpecial(node, type, message)) {
      return;
    }
    if (!node.is_map()) {
      AddError(node, fmt::format("expected a map ({})", type.name()));
      return;
    }
    std::set<const FieldDescriptor*> seen;
    for (size_t i = 0; i + 1 < node.items.size(); i += 2) {
      ReadKey(*node.items[i], *node.items[i + 1], message, owner == nullptr ? &message : owner, seen);
    }
  }

  void ReadKey(const YamlNode& key, const YamlNode& value, Message& message, const Message* owner,
               std::set<const FieldDescriptor*>& seen) {
    const Descriptor& type = *message.GetDescriptor();
    const PathStep step(*this, key.text);
    const FieldDescriptor* field = FindField(type, key.text);
    const bool open = IsOpen(type);
    if (field == nullptr) {
      if (!open && key.text != "@type") {
        conversion_.sources->AddUnused({OriginOf(key), path_, SimilarKey(type, key.text), owner, false});
      }
      return;
    }
    if (!seen.insert(field).second) {
      AddError(key, "stands twice, in two spellings");
      return;
    }
    if (value.is_null()) {
      if (!open && (field->message_type() == nullptr || !IsIgnored(*field->message_type()))) {
        conversion_.sources->AddUnused({OriginOf(key), path_, "", owner, true});
      }
      return;
    }
    if (conversion_.record_fields) {
      conversion_.sources->AddField(message, field->number(), {OriginOf(value), path_});
    }
    ReadField(value, *field, message, owner == &message ? nullptr : owner);
  }

  void ReadField(const YamlNode& value, const FieldDescriptor& field, Message& message, const Message* owner) {
    const google::protobuf::OneofDescriptor* oneof = field.real_containing_oneof();
    if (oneof != nullptr && message.GetReflection()->HasOneof(message, oneof)) {
      AddError(value, fmt::format("only one key of {} may be set", oneof->name()));
    } else if (field.is_map()) {
      ReadMap(value, field, message, owner);
    } else if (!field.is_repeated()) {
      ReadOne(value, field, message, owner);
    } else if (!value.is_sequence()) {
      AddError(value, "expected a list");
    } else {
      for (size_t i = 0; i < value.items.size(); ++i) {
        const PathStep step(*this, i);
        ReadOne(*value.items[i], field, message, owner);
      }
    }
  }

  void ReadMap(const YamlNode& value, const FieldDescriptor& field, Message& message, const Message* owner) {
    if (!value.is_map()) {
      AddError(value, "expected a map");
      return;
    }
    const FieldDescriptor& key_field = *field.message_type()->map_key();
    const FieldDescriptor& value_field = *field.message_type()->map_value();
    for (size_t i = 0; i + 1 < value.items.size(); i += 2) {
      const YamlNode& key = *value.items[i];
      const PathStep step(*this, key.text);
      if (!Visit(key)) {
        return;
      }
      Message& entry = *message.GetReflection()->AddMessage(&message, &field);
      entry.GetReflection()->SetString(&entry, &key_field, key.text);
      const Message* entry_owner = owner == nullptr ? &message : owner;
      if (value.items[i + 1]->is_null() && value_field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        conversion_.sources->AddUnused({OriginOf(key), path_, "", entry_owner, true});
      } else {
        ReadOne(*value.items[i + 1], value_field, entry, entry_owner);
      }
    }
  }

  // One value: of a singular field, or the next of a repeated one.
  void ReadOne(const YamlNode& value, const FieldDescriptor& field, Message& message, const Message* owner) {
    const Reflection& reflection = *message.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Message& child =
          field.is_repeated() ? *reflection.AddMessage(&message, &field) : *reflection.MutableMessage(&message, &field);
      ReadMessage(value, child, owner);
    } else if (Visit(value)) {
      ReadScalar(value, field, message);
    }
  }

  void ReadScalar(const YamlNode& value, const FieldDescriptor& field, Message& message) {
    const Reflection& reflection = *message.GetReflection();
    Message* const target = &message;
    const FieldDescriptor* const f = &field;
    const bool add = field.is_repeated();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        Take(value, ToText(value), [&](std::string_view text) {
          add ? reflection.AddString(target, f, std::string(text)) : reflection.SetString(target, f, std::string(text));
        });
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        Take(value, ToBool(value),
             [&](bool b) { add ? reflection.AddBool(target, f, b) : reflection.SetBool(target, f, b); });
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        Take(value, ToUint(value, std::numeric_limits<uint32_t>::max()), [&](uint64_t number) {
          const auto narrow = static_cast<uint32_t>(number);
          add ? reflection.AddUInt32(target, f, narrow) : reflection.SetUInt32(target, f, narrow);
        });
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        Take(value, ToUint(value, std::numeric_limits<uint64_t>::max()), [&](uint64_t number) {
          add ? reflection.AddUInt64(target, f, number) : reflection.SetUInt64(target, f, number);
        });
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        Take(value, ToInt(value, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()),
             [&](int64_t number) {
               const auto narrow = static_cast<int32_t>(number);
               add ? reflection.AddInt32(target, f, narrow) : reflection.SetInt32(target, f, narrow);
             });
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        Take(value, ToInt(value, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()),
             [&](int64_t number) {
               add ? reflection.AddInt64(target, f, number) : reflection.SetInt64(target, f, number);
             });
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        Take(value, ToDouble(value), [&](double number) {
          add ? reflection.AddDouble(target, f, number) : reflection.SetDouble(target, f, number);
        });
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        ReadEnum(value, field, message);
        break;
      default:
        AddError(value, fmt::format("values of type {} are not supported", field.cpp_type_name()));
    }
  }

  void ReadEnum(const YamlNode& value, const FieldDescriptor& field, Message& message) {
    const EnumValueDescriptor* found = nullptr;
    if (const Result<int64_t> number = ToInt(value, 0, std::numeric_limits<int32_t>::max())) {
      found = field.enum_type()->FindValueByNumber(static_cast<int>(*number));
    } else if (value.is_scalar()) {
      found = field.enum_type()->FindValueByName(value.text);
    }
    if (found == nullptr) {
      std::string names;
      for (int i = 0; i < field.enum_type()->value_count(); ++i) {
        names += (i == 0 ? "" : ", ") + field.enum_type()->value(i)->name();
      }
      AddError(value, fmt::format("expected one of {}", names));
    } else if (field.is_repeated()) {
      message.GetReflection()->AddEnum(&message, &field, found);
    } else {
      message.GetReflection()->SetEnum(&message, &field, found);
    }
  }

  // Types whose text form is not a map of their fields.
  bool ReadSpecial(const YamlNode& node, const Descriptor& type, Message& message) {
    if (IsAny(type)) {
      if (conversion_.on_any) {
        conversion_.on_any(node, path_);
      }
    } else if (type.full_name() == "google.protobuf.Duration") {
      constexpr int64_t kSecond = 1'000'000'000;
      Take(node, ToDurationNs(node), [&](int64_t ns) {
        auto& duration = dynamic_cast<google::protobuf::Duration&>(message);
        duration.set_seconds(ns / kSecond);
        duration.set_nanos(static_cast<int32_t>(ns % kSecond));
      });
    } else if (type.full_name() == "rpctee.config.v1.ByteSize") {
      Take(node, ToByteSize(node),
           [&](uint64_t bytes) { message.GetReflection()->SetUInt64(&message, type.field(0), bytes); });
    } else if (IsWrapper(type)) {
      ReadScalar(node, *type.field(0), message);
    } else {
      return false;
    }
    return true;
  }

  YamlConversion& conversion_;
  size_t start_;
  size_t visits_left_;
  bool failed_ = false;
  std::string path_;
};

}  // namespace

bool FromYaml(const YamlNode& node, const std::string& path, YamlConversion& conversion, Message& message) {
  return Converter(conversion).Convert(node, path, message);
}

}  // namespace rpctee::control
