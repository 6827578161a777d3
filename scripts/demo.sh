#!/usr/bin/env bash
# The walkthrough of the Aeraki guide on this machine: installs what is missing, builds, makes a lab of network
# namespaces, runs a consumer, v1 and the mirror v2 with `rpctee agent` on the node, shows what each of them saw.
#
#   demo.sh [--requests N] [--percent P] [--real] [--keep]
#
#   --requests N   how many calls (1000)
#   --percent P    mirrorPercentage of the route (100)
#   --real         Apache Dubbo programs from Maven Central instead of our sample programs
#   --keep         leave the lab and the files for a look
#
# The last line is one JSON object. Exit status 0 when everything is as promised.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[[ "${1:-}" == --help || "${1:-}" == -h ]] && { sed -n '2,13s/^# \{0,1\}//p' scripts/demo.sh; exit; }
if [[ $(id -u) -ne 0 ]]; then
  echo "demo.sh: needs root, to load an eBPF program and to make network namespaces" >&2
  exit 1
fi

java=()
[[ " $* " == *" --real "* ]] && java=(--java)

echo "== Packages"
scripts/setup.sh "${java[@]}"

echo "== Build (a few minutes the first time)"
mkdir -p build
cmake --preset release > build/configure.log 2>&1 || { cat build/configure.log >&2; exit 1; }
cmake --build --preset release --target rpctee rpctee-sample-provider rpctee-sample-consumer
if ((${#java[@]})); then
  tests/interop/build.sh
fi

echo "== Lab"
RPCTEE_BUILD="$PWD/build/release" PYTHONDONTWRITEBYTECODE=1 exec python3 tests/lab/demo.py "$@"
