rpctee_test(
  unit_mirror
  SOURCES mirror/backoff_test.cc
          mirror/balancer_test.cc
          mirror/budget_test.cc
          mirror/mirror_budget_test.cc
          mirror/ejection_test.cc
          mirror/endpoint_stats_test.cc
          mirror/mirror_ejection_test.cc
          mirror/mirror_backpressure_test.cc
          mirror/mirror_balance_test.cc
          mirror/mirror_connection_test.cc
          mirror/mirror_endpoints_test.cc
          mirror/mirror_reply_test.cc
          mirror/mirror_send_test.cc
          mirror/mirror_timeout_test.cc
          mirror/mirror_thrift_test.cc
          mirror/pending_test.cc
          mirror/reply_reader_test.cc
          mirror/scripted_server.cc
          mirror/send_buffer_test.cc
          mirror/socket_test.cc
          mirror/thrift_replies_test.cc
  DEPENDS rpctee::mirror rpctee_test_support)
