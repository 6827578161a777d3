rpctee_test(
  unit_route
  SOURCES route/allocation_test.cc route/copy_policy_test.cc route/decide_test.cc route/describe_test.cc
          route/matcher_test.cc route/method_filter_test.cc route/share_test.cc
          route/snapshot_test.cc
  DEPENDS rpctee::route rpctee_counted_heap nlohmann_json::nlohmann_json)
