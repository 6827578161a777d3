rpctee_test(unit_protocol
  SOURCES protocol/additions_test.cc protocol/codec_test.cc protocol/descriptor_test.cc protocol/dubbo_allocation_test.cc
          protocol/dubbo_codec_test.cc protocol/dubbo_fastjson2_test.cc protocol/dubbo_java_test.cc
          protocol/dubbo_json_test.cc protocol/dubbo_reply_test.cc protocol/dubbo_request_hostile_test.cc
          protocol/dubbo_request_test.cc protocol/dubbo_serializations_test.cc protocol/framing_test.cc
          protocol/hessian2_test.cc protocol/hessian2_text_test.cc protocol/jsonb_test.cc protocol/recognise_test.cc
          protocol/request_edit_test.cc
          protocol/thrift_codec_test.cc protocol/thrift_inflate_test.cc protocol/thrift_rename_test.cc
          protocol/thrift_request_test.cc protocol/thrift_scanner_test.cc protocol/utf8_test.cc
          protocol/wire_text_test.cc
  DEPENDS rpctee::protocol rpctee_counted_heap rpctee_test_support)
