rpctee_test(
  unit_agent
  SOURCES agent/condition_test.cc
          agent/copy_maker_test.cc
          agent/cpu_governor_test.cc
          agent/field_hash_test.cc
          agent/limits_test.cc
          agent/mirror_log_test.cc
          agent/options_test.cc
          agent/pipeline_test.cc
          agent/replies_view_test.cc
          agent/rest_test.cc
          agent/rule_budgets_test.cc
          agent/sampling_factor_test.cc
          agent/silence_test.cc
  DEPENDS rpctee::agent rpctee_test_support)
