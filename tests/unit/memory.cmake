add_library(rpctee_counted_heap STATIC ${CMAKE_SOURCE_DIR}/tests/support/counted_heap.cc)
target_link_libraries(rpctee_counted_heap PUBLIC rpctee_options)
target_include_directories(rpctee_counted_heap PUBLIC ${CMAKE_SOURCE_DIR}/tests)
rpctee_test(
  unit_memory
  SOURCES memory/flows_test.cc memory/mirror_test.cc memory/pipeline_test.cc ${CMAKE_SOURCE_DIR}/tests/bench/sink.cc
  DEPENDS rpctee_counted_heap rpctee::agent rpctee_test_support)
