// The fields of a Dubbo request body in Java's own serialization: strings in block data, then objects.
//
// Steps over the arguments by the grammar of the stream when somebody asks for an attachment, a second time when a name
// or value of the attachments was written among the arguments. The body must outlive it. One thread.
#pragma once

#include <memory_resource>

#include "protocol/dubbo/decoded_body.h"
#include "protocol/dubbo/java_input.h"
#include "protocol/dubbo/java_objects.h"

namespace rpctee::protocol::dubbo {

class JavaBody final : public DecodedBody {
 public:
  // What Dubbo puts around strings and objects.
  enum class Form : uint8_t {
    kNative,     // nothing
    kMarked,     // a length in front of strings, or -1 for null; a byte in front of objects, 0 for null
    kCompacted,  // the same, and of most classes nothing but the name
  };

  JavaBody(Bytes body, Form form) : body_(body), form_(form), input_(body) {}

 private:
  struct Member {
    java::Slot name;
    java::Slot value;
    size_t value_end;
  };

  bool NextString(FieldValue& text) override;
  bool NextCount(int64_t& count) override;
  FieldValue FirstArgument() override;
  bool DecodeAttachments(size_t arguments) override;
  FieldValue DecodeValue(size_t at) override;

  // False for a null, which has no object behind it.
  bool BeginObject(java::Input& input) const;
  bool SkipArguments(java::ObjectReader& objects, size_t arguments) const;
  static bool ReadMembers(java::ObjectReader& objects, std::pmr::vector<Member>& members);
  void NotePlace(java::ObjectReader& objects);
  void FindReferences(std::pmr::vector<Member>& members, size_t arguments, uint32_t first_of_map) const;
  FieldValue TextAt(size_t at);
  FieldValue NumberBefore(std::string_view class_name, size_t end);

  Bytes body_;
  Form form_;
  java::Input input_;  // behind the strings that were read
};

}  // namespace rpctee::protocol::dubbo
