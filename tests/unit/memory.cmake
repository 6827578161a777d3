rpctee_test(
  unit_memory
  SOURCES memory/bounds_test.cc memory/counted_heap_test.cc memory/flows_test.cc memory/mirror_test.cc
          memory/pipeline_test.cc ${CMAKE_SOURCE_DIR}/tests/bench/sink.cc
  DEPENDS rpctee_counted_heap rpctee::agent rpctee_test_support)
