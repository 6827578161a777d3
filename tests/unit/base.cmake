rpctee_test(
  unit_base
  SOURCES base/address_test.cc base/byte_reader_test.cc base/event_loop_test.cc base/fd_test.cc base/hash_test.cc
          base/latency_test.cc base/ledger_test.cc base/mirror_counts_test.cc base/report_line_test.cc base/result_test.cc
          base/rule_book_test.cc
  DEPENDS rpctee::base rpctee_test_support nlohmann_json::nlohmann_json)
