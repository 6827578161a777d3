#!/usr/bin/env python3
"""Counts the test cases in the log of a suite: googletest (alone or under `ctest -V`), and PASS/FAIL/SKIP lines.

  count_cases.py LOG EXIT_STATUS

Prints `PASSED FAILED SKIPPED` on the first line, then `FAIL name` and `SKIP name: reason` for each such case. A test that
began and never ended has failed, and so has a suite that ran nothing, or that failed without naming a case.
"""

import re
import sys

CTEST_PREFIX = re.compile(r"^(\d+): ")
CTEST_RESULT = re.compile(r"^\s*\d+/\d+ Test\s+#(\d+): (\S+) \.*\s*(\S+)")
GTEST_RUN = re.compile(r"\[ RUN      \] (\S+)")
GTEST_END = re.compile(r"\[(       OK|  FAILED |  SKIPPED) \] ([^\s,]+).*\(\d+ ms\)$")
SKIP_PLACE = re.compile(r": Skipped$")
PLAIN = re.compile(r"^(PASS|FAIL|SKIP) (\S[^:]*?)(?: \(.*\))?(?:: (.*))?$")


class Counts:
    def __init__(self):
        self.passed = []
        self.failed = []
        self.skipped = []  # (name, reason)
        self.running = {}  # ctest number: the case that has begun
        self.reason = {}  # ctest number: lines after "Skipped"
        self.with_cases = {}  # ctest number: failed cases

    def take(self, line):
        result = CTEST_RESULT.match(line)
        if result:
            self.end_of_program(*result.groups())
            return
        prefix = CTEST_PREFIX.match(line)
        program = prefix.group(1) if prefix else ""
        text = line[prefix.end():] if prefix else line
        if not self.googletest(program, text):
            self.plain(program, text)

    def googletest(self, program, text):
        begun = GTEST_RUN.search(text)
        ended = GTEST_END.search(text)
        if begun:
            self.running[program] = begun.group(1)
            self.with_cases.setdefault(program, 0)
            self.reason[program] = None
        elif ended:
            kind, name = ended.group(1).strip(), ended.group(2)
            self.running.pop(program, None)
            if kind == "OK":
                self.passed.append(name)
            elif kind == "FAILED":
                self.failed.append(name)
                self.with_cases[program] = self.with_cases.get(program, 0) + 1
            else:
                self.skipped.append((name, " ".join(self.reason.get(program) or ["no reason given"])))
        elif SKIP_PLACE.search(text):
            self.reason[program] = []
        elif self.reason.get(program) is not None and program in self.running and text.strip():
            self.reason[program].append(text.strip())
        return bool(begun or ended)

    def plain(self, program, text):
        match = PLAIN.match(text)
        if not match:
            return
        kind, name, why = match.groups()
        self.with_cases.setdefault(program, 0)
        if kind == "PASS":
            self.passed.append(name)
        elif kind == "FAIL":
            self.failed.append(f"{name}: {why}" if why else name)
            self.with_cases[program] += 1
        else:
            self.skipped.append((name, why or "no reason given"))

    def end_of_program(self, number, name, outcome):
        good = outcome == "Passed"
        if self.running.pop(number, None) is not None:
            self.failed.append(f"{name}: ended inside a case")
        elif number not in self.with_cases:
            (self.passed if good else self.failed).append(name)
        elif not good and self.with_cases[number] == 0:
            self.failed.append(f"{name}: {outcome}")

    def finish(self, status):
        self.failed += [f"{name}: did not end" for name in self.running.values()]
        if not (self.passed or self.failed or self.skipped):
            self.failed.append("the suite ran no case")
        elif status != 0 and not self.failed:
            self.failed.append(f"the suite ended with status {status}")


def main():
    counts = Counts()
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        for line in log:
            counts.take(line.rstrip("\n"))
    counts.finish(int(sys.argv[2]))
    print(len(counts.passed), len(counts.failed), len(counts.skipped))
    for name in counts.failed:
        print(f"FAIL {name}")
    for name, reason in counts.skipped:
        print(f"SKIP {name}: {reason}")


if __name__ == "__main__":
    main()
