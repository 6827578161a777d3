rpctee_test(
  unit_replay
  SOURCES replay/capture_reader_test.cc replay/packet_builder_test.cc replay/segmenter_test.cc replay/tcp_layout_test.cc
  DEPENDS rpctee::replay rpctee_test_support)
