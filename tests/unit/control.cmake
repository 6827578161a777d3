rpctee_test(unit_control SOURCES control/guide_test.cc DEPENDS rpctee::control rpctee::proto nlohmann_json::nlohmann_json)
