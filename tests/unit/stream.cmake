rpctee_test(unit_stream
  SOURCES stream/assembler_model_test.cc stream/assembler_test.cc stream/join_model_test.cc stream/join_search_test.cc
          stream/ordered_bytes_test.cc stream/reassembler_start_test.cc stream/reassembler_test.cc stream/reassembler_unframed_test.cc
  DEPENDS rpctee::stream rpctee_test_support)
