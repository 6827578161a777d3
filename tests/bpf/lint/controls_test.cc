// Programs that the linter must reject, each for its own reasons and no other.
#include "bpf/lint/lint_fixture.h"
#include "lint_dropper.skel.h"
#include "lint_empty.skel.h"
#include "lint_hidden_mark_writer.skel.h"
#include "lint_legacy_reader.skel.h"
#include "lint_mark_writer.skel.h"
#include "lint_packet_key.skel.h"
#include "lint_packet_reader.skel.h"
#include "lint_packet_writer.skel.h"
#include "lint_passed_verdict.skel.h"
#include "lint_pull_data.skel.h"
#include "lint_redirect.skel.h"
#include "lint_store_bytes.skel.h"
#include "lint_tail_call.skel.h"

namespace rpctee::lint {
namespace {

struct Control {
  const char* name;
  const void* (*bytes)(size_t* size);
  std::vector<std::string> broken;  // sorted
};

void PrintTo(const Control& control, std::ostream* out) { *out << control.name; }

class Controls : public LintTest, public testing::WithParamInterface<Control> {};

TEST_P(Controls, AreJudgedForTheRightReasons) {
  size_t size = 0;
  const auto* bytes = static_cast<const char*>(GetParam().bytes(&size));
  const Result<LoadedProgram> program = LoadProgram(std::string_view(bytes, size), "control", Configuration::kAsBuilt);
  ASSERT_TRUE(program) << program.error().message;
  const Report report = Lint(*program, *Symbols());
  EXPECT_EQ(Broken(report), GetParam().broken) << report.Text();
}

INSTANTIATE_TEST_SUITE_P(
    Lint, Controls,
    testing::Values(Control{"empty", lint_empty__elf_bytes, {}},
                    Control{"dropper", lint_dropper__elf_bytes, {"entry", "verdict"}},
                    Control{"passed_verdict", lint_passed_verdict__elf_bytes, {"entry", "verdict"}},
                    Control{"mark_writer", lint_mark_writer__elf_bytes, {"context-store"}},
                    Control{"hidden_mark_writer", lint_hidden_mark_writer__elf_bytes, {"context-store"}},
                    Control{"packet_writer",
                            lint_packet_writer__elf_bytes,
                            {"entry", "packet-store", "prologue", "translated-call", "verdict"}},
                    Control{"packet_reader", lint_packet_reader__elf_bytes, {"packet-access"}},
                    Control{"packet_key", lint_packet_key__elf_bytes, {"packet-access"}},
                    Control{"legacy_reader", lint_legacy_reader__elf_bytes, {"packet-access", "translated-call"}},
                    Control{"pull_data", lint_pull_data__elf_bytes, {"helper", "translated-call"}},
                    Control{"store_bytes", lint_store_bytes__elf_bytes, {"helper", "translated-call"}},
                    Control{"tail_call", lint_tail_call__elf_bytes, {"tail-call"}},
                    Control{"redirect", lint_redirect__elf_bytes, {"entry", "helper", "translated-call", "verdict"}}),
    [](const testing::TestParamInfo<Control>& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace rpctee::lint
